"""A worker process: connects, says when it is ready, works, and on SIGTERM stops without dropping anything."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence

from pydantic import ValidationError

from services.common.errors import EXIT_ERROR, LipstageError
from services.common.health import health_server
from services.common.process_memory import keep_memory_flat
from services.common.serving import Serving, closing_signals, work_until
from services.common.stack import Stack, connected
from services.common.stack_settings import StackSettings, variable
from services.common.telemetry import start_telemetry

log = logging.getLogger(__name__)


Build = Callable[[Stack], Awaitable[Sequence[Serving]]]
"""Makes what serves: one worker for each task the process may have in hand at once."""


def run_service(name: str, build: Build, variants: Sequence[str] = ()) -> None:
    """Serves until SIGTERM or SIGINT; exits with 2 and one clear line when it cannot start.

    `variants` must be served by Triton before the process counts as ready.
    """
    keep_memory_flat()
    start_telemetry(name)
    with exiting_clearly():
        settings = StackSettings()  # type: ignore[call-arg]  # the environment has them
        asyncio.run(_serve(name, build, variants, settings))


@contextlib.contextmanager
def exiting_clearly() -> Iterator[None]:
    """Turns what an operator can mend into one line of the log and exit status 2."""
    try:
        yield
    except ValidationError as error:
        log.error("a setting is wrong: %s", "; ".join(f"{variable(wrong)}: {wrong['msg']}" for wrong in error.errors()))
        sys.exit(EXIT_ERROR)
    except (LipstageError, OSError) as error:
        log.error("%s [%s]", error, error.code if isinstance(error, LipstageError) else "system")
        sys.exit(EXIT_ERROR)


async def _serve(name: str, build: Build, variants: Sequence[str], settings: StackSettings) -> None:
    closing = closing_signals()
    async with connected(settings, name, variants) as stack:
        workers = await build(stack)

        async def probe() -> str:
            return "The worker is stopping." if closing.is_set() else await stack.trouble(variants)

        async with health_server(settings.health_port, probe) as port:
            log.info("%s is ready; health on port %d", name, port)
            await work_until(closing, workers, settings.drain_s)
    log.info("%s has stopped", name)
