"""The embedded body as a service: the gateway and all stages in one process, with everything in one folder."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from gateway.documents_job_store import DocumentsJobStore
from gateway.front import Ports
from gateway.sqlite_documents import FILE_NAME, sqlite_documents
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.messages import denoise_queue
from services.common.onnx_models import OnnxModels
from services.common.provenance.signing_files import own_root
from services.common.reconciler import Reconciler
from services.common.scanning import Scanning
from services.common.serving import Serving, work_until
from services.common.settings import Settings
from services.common.worker import ENDURING, Handle, Worker
from services.composite.credentials import signing
from services.composite.stored_steps import stored_steps
from services.composite.worker import Compositing
from services.denoise.worker import Denoising, drawn_faces
from services.preprocess.answering import AT_ONCE, FacesAnswering
from services.preprocess.faces.detector import MeshDetector
from services.preprocess.worker import Preprocessing, preprocess_steps

DRAIN_S = 10.0
STALLED_S, SCAN_S = 20.0, 5.0
_QUEUE_LIMIT = 10_000
"""Tasks that wait in memory; they are small, and their records are on the disk."""


@asynccontextmanager
async def embedded_ports(folder: Path, settings: Settings, variants: Sequence[str]) -> AsyncIterator[Ports]:
    """Works jobs off for as long as the context lasts. What is under way at its end goes on when it is opened again."""
    async with sqlite_documents(folder / FILE_NAME) as documents:
        bus, jobs = MemoryBus(_QUEUE_LIMIT), DocumentsJobStore(documents)
        media, models = FolderMediaStore(folder / "media"), OnnxModels(settings.models_dir, settings.threads)
        detector = MeshDetector(settings.faces_dir)

        def worker(queue: str, handle: Handle) -> Worker:
            return Worker(queue, handle, bus, jobs, ENDURING)

        detectors = [MeshDetector(settings.faces_dir) for _ in range(AT_ONCE)]
        preprocessing = Preprocessing(bus, media, jobs, preprocess_steps(models, detector, settings.max_audio_s))
        denoising = Denoising(bus, media, jobs, drawn_faces(media, models))
        composite = stored_steps(media, models, settings.encoder_threads, signing(settings))
        compositing = Compositing(bus, media, jobs, composite)
        serving: list[Serving] = [
            worker("preprocess", preprocessing.handle),
            *(
                worker(denoise_queue(variant), denoising.handle)
                for variant in variants
                for _ in range(settings.chunks_in_flight)
            ),
            worker("composite", compositing.handle),
            FacesAnswering(bus, media, detectors),
            Scanning(Reconciler(bus, media, jobs, STALLED_S), SCAN_S),
        ]
        closing = asyncio.Event()
        working = asyncio.create_task(work_until(closing, serving, DRAIN_S))
        try:
            yield Ports(documents, bus, jobs, media, models, own_root=partial(own_root, settings))
        finally:
            closing.set()
            await working
