"""`python -m services.composite`: the compositing service."""

from collections.abc import Sequence

from services.common.service import run_service
from services.common.serving import Serving
from services.common.skew import same_version_only
from services.common.stack import Stack
from services.common.worker import ENDURING, Worker
from services.composite.credentials import signing
from services.composite.stored_steps import stored_steps
from services.composite.worker import Compositing


async def _workers(stack: Stack) -> Sequence[Serving]:
    steps = stored_steps(stack.media, stack.models, stack.settings.encoder_threads, signing(stack.settings))
    handle = same_version_only(Compositing(stack.bus, stack.media, stack.jobs, steps).handle, stack.models)
    worker = Worker("composite", handle, stack.bus, stack.jobs, ENDURING)
    return [worker] * (stack.settings.tasks_at_once or 1)


if __name__ == "__main__":
    run_service("composite", _workers)
