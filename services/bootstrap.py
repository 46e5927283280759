"""`python -m services.bootstrap`: makes the streams, consumers and buckets that every worker needs, or brings them up
to date. Doing it twice is harmless; it must have run once before the first worker starts.
"""

import asyncio
from typing import Annotated

import typer

from services.common.jetstream_setup import set_up
from services.common.nats_connection import nats_connection
from services.common.s3_setup import prepare_bucket
from services.common.service import exiting_clearly
from services.common.stack import s3_access
from services.common.stack_settings import StackSettings
from services.common.telemetry import start_telemetry


def main(replicas: Annotated[int, typer.Option(help="Copies of every stream; 3 in a cluster of three.")] = 1) -> None:
    """Makes what is missing."""
    start_telemetry("bootstrap")
    with exiting_clearly():
        asyncio.run(_bootstrap(StackSettings(), replicas))  # type: ignore[call-arg]  # the environment has them


async def _bootstrap(settings: StackSettings, replicas: int) -> None:
    password, patience_s = settings.nats_password.get_secret_value(), settings.start_timeout_s
    async with nats_connection(settings.nats_url, settings.nats_user, password, "bootstrap", patience_s) as connection:
        await set_up(connection, replicas, settings.lease_s)
    await prepare_bucket(s3_access(settings), patience_s)


if __name__ == "__main__":
    typer.run(main)
