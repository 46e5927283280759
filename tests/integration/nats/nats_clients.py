"""How the tests of this folder reach their server."""

from contextlib import AbstractAsyncContextManager

from services.common.nats_connection import Connection, nats_connection
from services.local.nats import NatsServer


def connected(server: NatsServer, name: str = "test") -> AbstractAsyncContextManager[Connection]:
    return nats_connection(server.url, server.user, server.password, name)
