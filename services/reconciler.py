"""`python -m services.reconciler`: repairs what crashes leave behind, for as long as it runs."""

from collections.abc import Sequence

from services.common.reconciler import Reconciler
from services.common.scanning import Scanning
from services.common.service import run_service
from services.common.serving import Serving
from services.common.stack import Stack


async def _scanning(stack: Stack) -> Sequence[Serving]:
    settings = stack.settings
    return [Scanning(Reconciler(stack.bus, stack.media, stack.jobs, settings.stalled_s), settings.scan_s)]


if __name__ == "__main__":
    run_service("reconciler", _scanning)
