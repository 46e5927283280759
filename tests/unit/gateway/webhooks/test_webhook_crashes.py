"""Whenever a gateway dies, each webhook arrives, under one id and with one body, and never twice at the same time."""

import asyncio
import itertools
from collections.abc import Sequence

import httpx2
from chaos.virtual_time import run_virtually
from crashing import PlainSigner, Process, ProcessDocuments, ProcessTransport, Receiver, virtual_now
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.memory_documents import MemoryDocuments
from gateway.webhooks.delivery import Deliverer
from gateway.webhooks.messages import Message
from gateway.webhooks.outbox import Outbox

Life = tuple[int | None, int | None]
"""Of a process: the point at which it dies, and one at which it stands still for a while."""

MOODS = st.lists(st.sampled_from(["down", "slow", "lost", "error"]), max_size=4)
LIVES = st.lists(st.tuples(st.integers(1, 60), st.none() | st.integers(1, 60)), max_size=4)
LONGEST_S = 1500


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), MOODS, st.lists(LIVES, min_size=1, max_size=3))
def test_each_message_arrives_and_is_known_to_have_arrived(
    jobs: int, moods: list[str], gateways: list[Sequence[Life]]
) -> None:
    run_virtually(all_arrive(Receiver(moods), jobs, gateways))


def test_one_gateway_may_die_at_any_point() -> None:
    for dies_at in itertools.count(1):
        deaths = run_virtually(all_arrive(Receiver(), 1, [[(dies_at, None)]]))
        if deaths == 0:
            break
    assert dies_at > 15


def test_a_gateway_that_stood_still_does_not_post_what_another_may_be_posting() -> None:
    for stops_at in range(1, 30):
        run_virtually(all_arrive(Receiver(["slow"]), 1, [[(None, stops_at)], []]))


def test_a_replay_that_is_cut_off_anywhere_is_done_or_can_be_done_again() -> None:
    for dies_at in itertools.count(1):
        if run_virtually(arrives_after_a_replay(Process(dies_at))):
            break
    assert dies_at > 5


async def all_arrive(receiver: Receiver, jobs: int, gateways: Sequence[Sequence[Life]]) -> int:
    """How many processes died meanwhile."""
    documents = MemoryDocuments()
    deaths = await until_delivered(documents, receiver, jobs, gateways)
    await check(documents, receiver, jobs)
    await until_delivered(documents, receiver, jobs, [[]], then_s=5)
    assert await documents.names("outbox-open/") == []
    return deaths


async def arrives_after_a_replay(process: Process) -> bool:
    """Whether the process lived through it."""
    documents, receiver = MemoryDocuments(), Receiver()
    await until_delivered(documents, receiver, 1, [[]])
    done = await process.run(outbox_of(process, documents).replay("job0-completed"))
    await until_delivered(documents, receiver, 1, [[]])
    arrived_before = len(receiver.taken)
    await Process().run(outbox_of(Process(), documents).replay("job0-completed"))
    await until_delivered(documents, receiver, 1, [[]])

    await check(documents, receiver, 1)
    assert arrived_before in ((2,) if done else (1, 2))
    assert len(receiver.taken) == arrived_before + 1
    return done


async def until_delivered(
    documents: MemoryDocuments, receiver: Receiver, jobs: int, gateways: Sequence[Sequence[Life]], then_s: float = 0
) -> int:
    """How many processes died before all jobs were told of."""
    closing = asyncio.Event()
    running = [asyncio.create_task(gateway(lives, documents, receiver, jobs, closing)) for lives in gateways]
    async with asyncio.timeout(LONGEST_S):
        while len(await delivered(documents)) < jobs:
            await asyncio.sleep(1)
    await asyncio.sleep(then_s)
    closing.set()
    return sum(await asyncio.gather(*running))


async def gateway(
    lives: Sequence[Life], documents: MemoryDocuments, receiver: Receiver, jobs: int, closing: asyncio.Event
) -> int:
    """Started again whenever it died. It tells the end of each job until it knows that it did."""
    for deaths, (dies_at, stops_at) in enumerate([*lives, (None, None)]):
        process = Process(dies_at, stops_at)
        outbox = outbox_of(process, documents)
        client = httpx2.AsyncClient(transport=ProcessTransport(process, receiver))
        deliverer = Deliverer(outbox, client, PlainSigner(), virtual_now, chance=lambda: 0.5)

        async def work(outbox: Outbox = outbox, deliverer: Deliverer = deliverer) -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(deliverer.run(closing))
                for job in range(jobs):
                    await outbox.add(f"job{job}", "completed", "acme", "native", "https://hooks.example", {"job": job})

        if await process.run(work()):
            return deaths
    raise AssertionError("the last process lives")


def outbox_of(process: Process, documents: MemoryDocuments) -> Outbox:
    return Outbox(ProcessDocuments(process, documents), virtual_now)


async def delivered(documents: MemoryDocuments) -> list[Message]:
    return [message async for message in Outbox(documents, virtual_now).messages() if message.delivered_at]


async def check(documents: MemoryDocuments, receiver: Receiver, jobs: int) -> None:
    bodies = {f"job{job}-completed": f'{{"job":{job}}}'.encode() for job in range(jobs)}
    assert set(receiver.taken) == set(bodies.items())
    assert receiver.most_at_once == 1
    assert len(await delivered(documents)) == jobs
