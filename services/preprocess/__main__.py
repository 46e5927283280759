"""`python -m services.preprocess`: the preprocess service."""

from collections.abc import Sequence

from services.common.service import run_service
from services.common.serving import Serving
from services.common.skew import same_version_only
from services.common.stack import Stack
from services.common.worker import ENDURING, Worker
from services.preprocess.answering import AT_ONCE, FacesAnswering
from services.preprocess.faces.detector import MeshDetector
from services.preprocess.worker import Preprocessing, preprocess_steps


async def _workers(stack: Stack) -> Sequence[Serving]:
    settings = stack.settings

    def worker() -> Worker:
        # A detector keeps buffers of its own, so tasks don't share one.
        steps = preprocess_steps(stack.models, MeshDetector(settings.faces_dir), settings.max_audio_s)
        handle = same_version_only(Preprocessing(stack.bus, stack.media, stack.jobs, steps).handle, stack.models)
        return Worker("preprocess", handle, stack.bus, stack.jobs, ENDURING)

    detectors = [MeshDetector(settings.faces_dir) for _ in range(AT_ONCE)]
    answering = FacesAnswering(stack.bus, stack.media, detectors)
    return [*(worker() for _ in range(settings.tasks_at_once or 1)), answering]


if __name__ == "__main__":
    run_service("preprocess", _workers)
