"""`python -m services.denoise --variant 16`: the denoising service of one variant."""

from collections.abc import Sequence
from typing import Annotated

import typer

from services.common.messages import denoise_queue
from services.common.service import run_service
from services.common.serving import Serving
from services.common.skew import same_version_only
from services.common.stack import Stack
from services.common.worker import ENDURING, Worker
from services.denoise.worker import Denoising, drawn_faces

TASKS_AT_ONCE = 2
"""Several chunks in hand let Triton merge their steps, and one is denoised while another is read or written."""


def main(variant: Annotated[str, typer.Option(help="1 (demo), 15 or 16.")]) -> None:
    """Denoises chunks of one variant until it is told to stop."""

    async def workers(stack: Stack) -> Sequence[Serving]:
        denoising = Denoising(stack.bus, stack.media, stack.jobs, drawn_faces(stack.media, stack.models))
        handle = same_version_only(denoising.handle, stack.models)
        worker = Worker(denoise_queue(variant), handle, stack.bus, stack.jobs, ENDURING)
        return [worker] * (stack.settings.tasks_at_once or TASKS_AT_ONCE)

    run_service(f"denoise-{variant}", workers, [variant])


if __name__ == "__main__":
    typer.run(main)
