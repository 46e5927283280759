"""The outbox of webhooks in JetStream, shared by two gateways."""

import asyncio

from gateway.clock import utc_now
from gateway.jetstream_documents import JetStreamDocuments
from gateway.webhooks.outbox import LARGEST_BODY, Outbox
from services.common.nats_connection import Connection


async def test_each_message_goes_to_one_of_two_gateways_and_leaves_no_entry(connection: Connection) -> None:
    documents = JetStreamDocuments(connection)
    gateways = [Outbox(documents, utc_now), Outbox(documents, utc_now)]
    payload = '"' * (LARGEST_BODY // 2 - 1)
    jobs = [f"outbox{number}" for number in range(5)]
    await asyncio.gather(
        *(
            gateway.add(job, "completed", "a", "native", "https://hooks.example", payload)
            for gateway in gateways
            for job in jobs
        )
    )

    seen = [await gateway.due() for gateway in gateways]
    claims = await asyncio.gather(
        *(gateway.claim(pending, 30) for gateway, due in zip(gateways, seen, strict=True) for pending in due)
    )
    claimed = [message for message in claims if message]
    for message in claimed:
        await gateways[0].delivered(message, 200)

    assert len(claims) == 10
    assert sorted(message.job for message in claimed) == jobs
    assert await documents.names("outbox-open/") == []
    assert all([message.delivered_at async for message in gateways[1].messages("a")])
