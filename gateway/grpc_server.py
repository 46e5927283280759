"""A gRPC server beside the HTTP one: the native API, health (grpc.health.v1) and reflection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha import reflection

from gateway.front import Front
from gateway.grpc_service import LipSync
from lipstage.v1 import service_pb2
from lipstage.v1.service_pb2_grpc import add_LipSyncServicer_to_server
from services.common.errors import Unavailable
from services.common.http_server import FINISH_S, Tls

SERVICE: Final = service_pb2.DESCRIPTOR.services_by_name["LipSync"].full_name
LARGEST_REQUEST: Final = 32 << 20
"""Bytes of one message; a data URI has to fit in it, larger media are uploaded."""
_OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_REQUEST),
    ("grpc.max_send_message_length", -1),  # a long job's report
    ("grpc.so_reuseport", 0),  # two servers on one port would share its calls in silence
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 30_000),
)


@asynccontextmanager
async def serving_grpc(front: Front, host: str, port: int | None, tls: Tls | None = None) -> AsyncIterator[int | None]:
    """Answers while the context lasts; yields the port, which is chosen when `port` is 0. None: there is no gRPC.

    Raises Unavailable.
    """
    if port is None:
        yield None
        return
    server = grpc.aio.server(options=_OPTIONS)
    add_LipSyncServicer_to_server(LipSync(front), server)
    healthy = health.HealthServicer()
    await healthy.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    add_HealthServicer_to_server(healthy, server)
    services = (SERVICE, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(services, server)
    bound = _listening(server, _address(host, port), tls)
    await server.start()
    try:
        yield bound
    finally:
        await healthy.enter_graceful_shutdown()
        await server.stop(FINISH_S)


def _listening(server: grpc.aio.Server, address: str, tls: Tls | None) -> int:
    try:
        if tls is None:
            return server.add_insecure_port(address)
        pair = (tls.key.read_bytes(), tls.chain.read_bytes())
        return server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
    except RuntimeError as error:
        raise Unavailable(f"gRPC cannot listen on {address}; is something else there?") from error


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
