"""Settings of a gateway in a test, and waiting until it has nothing open."""

import asyncio

from pydantic import AnyHttpUrl, SecretStr

from gateway.documents import Documents
from gateway.settings import GatewaySettings

SETTLED_S = 10.0


def development(url: str = "http://127.0.0.1:1") -> GatewaySettings:
    return GatewaySettings(
        environment="development",
        public_url=AnyHttpUrl(url),
        link_secret=SecretStr("of the test"),
        route_owner="the test",
        support="nobody",
    )


async def settled(documents: Documents) -> None:
    async with asyncio.timeout(SETTLED_S):
        while await documents.names("open/"):
            await asyncio.sleep(0.01)
