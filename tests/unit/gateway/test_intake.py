"""A job's media are taken in once, by one gateway, and a job that cannot be taken in ends."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from port_suites.hand_clock import HandClock
from port_suites.submissions import submission

from gateway.addresses import UrlPolicy
from gateway.documents import Collection
from gateway.ending import Ending
from gateway.intake import GIVE_UP, Intake
from gateway.intake_leases import LEASE
from gateway.keys import Keys
from gateway.links import OwnLinks
from gateway.memory_documents import MemoryDocuments
from gateway.probe_limits import ProbeLimits
from gateway.probing import Prober, VideoFacts
from gateway.results import Results
from gateway.sources import Sources
from gateway.submissions import Submission
from gateway.upload_links import UploadLinks
from gateway.uploads import KEPT, Upload, Uploads
from services.common.errors import Unavailable, UploadNotFound
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.onnx_models import OnnxModels
from services.common.ports import ModelCard, ModelName

BASE, SOON_S = "http://127.0.0.1:1", 5.0
FACTS = VideoFacts(
    kind="video",
    container="mp4",
    codec="h264",
    duration_s=2,
    width=64,
    height=64,
    fps=25,
    frames=50,
    has_audio=True,
    audio_s=2,
)


class WatchedDocuments(MemoryDocuments):
    """`looks` counts how often the uploads of a job are looked for; `met` is what happens then."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.met: Callable[[], None] = lambda: None
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()

    async def get(self, name: str) -> tuple[bytes, int]:
        if name.startswith("uploads/"):
            self.looks += 1
            self.begun.set()
            await self.go_on.wait()
            self.met()
        return await super().get(name)


class Cards(OnnxModels):
    async def card(self, model: ModelName, variant: str) -> ModelCard:
        return ModelCard(model, variant, 64, "ab" * 32, "1")


class Place:
    """An account with one job, which waits to be taken in since an age."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.documents, self.clock = folder, WatchedDocuments(), HandClock()
        self.jobs, self.bus = MemoryJobStore(), MemoryBus()
        self.submissions = Collection(self.documents, "submissions", Submission)

    async def begin(self) -> "Place":
        owner = Keys(self.documents, self.clock)
        await owner.create_account("Acme", lambda account: account.model_copy(update={"id": "studio"}))
        for name, sha256 in (("one", "ab" * 32), ("two", "cd" * 32)):
            upload = Upload(
                id=name,
                sha256=sha256,
                suffix=".mp4",
                bytes=1000,
                content_type="video/mp4",
                filename="talk.mp4",
                created_at=self.clock(),
                expires_at=self.clock() + KEPT,
                facts=FACTS,
            )
            await Collection(self.documents, "uploads", Upload).create(f"studio/{name}", upload)
        created_at = self.clock() - timedelta(days=1)
        waiting = submission("0" * 32, created_at=created_at, video=None, audio=None)
        await self.submissions.create(f"studio/{waiting.id}", waiting)
        return self

    def gateway(self) -> Intake:
        media, links, upload_links = FolderMediaStore(self.folder), OwnLinks(BASE, b"a"), UploadLinks(BASE, b"a")
        uploads = Uploads(self.documents, media, Prober(ProbeLimits()), self.clock)
        results = Results(self.documents, self.jobs, links)
        sources = Sources(uploads, results, media, links, upload_links, UrlPolicy(), self.clock)
        ending, models = Ending(self.documents, self.bus, self.jobs), Cards(self.folder, 1)
        return Intake(self.documents, sources, ending, self.bus, self.jobs, media, models, self.clock)

    async def taken_by(self, gateway: Intake) -> Submission | None:
        return await gateway.take("studio", "0" * 32)

    def fail_with(self, error: Exception) -> None:
        def met() -> None:
            raise error

        self.documents.met = met


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    return await Place(tmp_path).begin()


async def test_only_one_of_two_gateways_takes_a_job_in(place: Place) -> None:
    one, other = place.gateway(), place.gateway()
    place.documents.go_on.clear()
    first = asyncio.create_task(place.taken_by(one))
    await place.documents.begun.wait()

    assert await asyncio.wait_for(place.taken_by(other), SOON_S) is None
    place.documents.go_on.set()
    taken = await first

    assert taken
    assert taken.queued_at
    assert await place.taken_by(other) == taken
    assert place.documents.looks == 2
    assert await place.documents.names("intakes/") == []


async def test_a_job_of_a_gateway_that_died_is_taken_in_by_another(place: Place) -> None:
    place.documents.go_on.clear()
    first = asyncio.create_task(place.taken_by(place.gateway()))
    await place.documents.begun.wait()
    place.clock.advance(LEASE.total_seconds() + 1)
    place.documents.go_on.set()

    taken = await place.taken_by(place.gateway())

    assert taken
    assert taken.queued_at
    await first


async def test_who_comes_too_late_for_a_source_does_not_fail_the_job(place: Place) -> None:
    """As when a gateway was frozen for longer than its lease, and its address was good for a single look."""
    place.documents.go_on.clear()
    slow = asyncio.create_task(place.taken_by(place.gateway()))
    await place.documents.begun.wait()
    there = submission("0" * 32, created_at=place.clock())
    await place.submissions.change(
        f"studio/{there.id}",
        lambda newest: newest.model_copy(update={"video": there.video, "audio": there.audio}),
    )
    place.fail_with(UploadNotFound("It is gone."))
    place.documents.go_on.set()

    taken = await slow

    assert taken
    assert taken.queued_at
    assert not taken.error
    assert taken.video == there.video


async def test_what_was_there_before_an_outage_is_not_fetched_again(place: Place) -> None:
    gateway = place.gateway()
    looks_that_fail = iter([False, True])

    def met() -> None:
        if next(looks_that_fail, False):
            raise Unavailable("Away.")

    place.documents.met = met
    with pytest.raises(Unavailable):
        await place.taken_by(gateway)

    taken = await place.taken_by(gateway)

    assert taken
    assert taken.queued_at
    assert place.documents.looks == 3


async def test_a_job_that_waited_long_for_its_turn_outlasts_a_short_outage(place: Place) -> None:
    gateway = place.gateway()
    place.fail_with(Unavailable("Away."))

    for _ in range(2):
        with pytest.raises(Unavailable):
            await place.taken_by(gateway)
        place.clock.advance(GIVE_UP.total_seconds() / 2)
    failed = await place.taken_by(gateway)

    assert failed
    assert failed.error
    assert failed.error.code == "unavailable"


async def test_what_nobody_expected_ends_the_job(place: Place) -> None:
    place.fail_with(ZeroDivisionError("in some library"))

    failed = await place.taken_by(place.gateway())

    assert failed
    assert failed.error
    assert (failed.error.code, failed.error.message) == ("internal", "The job could not be taken in.")
