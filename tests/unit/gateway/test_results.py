"""What one job made is the input of another, of the same account alone."""

import io
import wave
from pathlib import Path

import pytest
from port_suites.hand_clock import HandClock
from port_suites.job_records import job_record
from port_suites.submissions import NOON, submission

from gateway.addresses import UrlPolicy
from gateway.documents import Collection
from gateway.links import OwnLinks
from gateway.memory_documents import MemoryDocuments
from gateway.probe_limits import ProbeLimits
from gateway.probing import Prober
from gateway.removal import Removal
from gateway.results import Results
from gateway.sources import Sources
from gateway.submissions import Submission
from gateway.upload_links import UploadLinks
from gateway.uploads import Uploads
from services.common import object_names
from services.common.errors import JobNotEnded, JobNotFound, LinkInvalid, LipstageError, UploadNotFound
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_job_store import MemoryJobStore

OWNER, LIMIT = "studio", 1 << 20
BASE = "http://127.0.0.1:1"
RESULT = object_names.output(job_record("done"))


class Place:
    """An account with a completed job and one that is running."""

    def __init__(self, folder: Path) -> None:
        documents, clock = MemoryDocuments(), HandClock()
        self.media, self.jobs, self.links = FolderMediaStore(folder), MemoryJobStore(), OwnLinks(BASE, b"secret")
        uploads = Uploads(documents, self.media, Prober(ProbeLimits()), clock)
        results = Results(documents, self.jobs, self.links)
        upload_links = UploadLinks(BASE, b"secret")
        self.sources = Sources(uploads, results, self.media, self.links, upload_links, UrlPolicy(), clock)
        self.submissions = Collection(documents, "submissions", Submission)
        self.removal = Removal(documents, self.media, clock)

    async def begin(self) -> None:
        for record in (job_record("done", state="completed", output=RESULT), job_record("running")):
            await self.jobs.create(record)
            ended_at = NOON if record.ended else None
            await self.submissions.create(f"{OWNER}/{record.id}", submission(record.id, ended_at=ended_at))
        await self.media.put(RESULT, spoken())

    def link(self, name: str) -> str:
        return self.links.link(name, 60, "film.mp4")

    async def refused(self, source: str, account: str = OWNER) -> LipstageError:
        with pytest.raises(LipstageError) as caught:
            await self.sources.stored(account, "next", source, "audio", LIMIT)
        return caught.value


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    await place.begin()
    return place


def spoken() -> bytes:
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(32_000))
    return memory.getvalue()


@pytest.mark.parametrize("by", ["link", "name"])
async def test_a_result_becomes_an_input_that_outlives_it(place: Place, by: str) -> None:
    source = place.link(RESULT) if by == "link" else "job:done"

    stored = await place.sources.stored(OWNER, "next", source, "audio", LIMIT)
    await place.removal.remove(OWNER, "done")

    assert await place.media.get(stored.content.object_name) == spoken()
    assert not await place.media.exists(RESULT)
    assert (stored.duration_s, stored.source) == (1.0, source.partition("?")[0])


async def test_a_link_that_somebody_else_was_given_is_no_permission(place: Place) -> None:
    for source in (place.link(RESULT), "job:done", "job:../done", "job:"):
        assert isinstance(await place.refused(source, account="other"), JobNotFound)


async def test_what_is_no_result_is_refused_with_the_reason(place: Place) -> None:
    await place.removal.remove(OWNER, "done")

    assert isinstance(await place.refused("job:running"), JobNotEnded)
    assert isinstance(await place.refused("job:done"), UploadNotFound)
    assert isinstance(await place.refused(f"{place.link(RESULT)}0"), LinkInvalid)


async def test_a_report_is_no_result(place: Place) -> None:
    assert isinstance(await place.refused(place.link(object_names.report(job_record("done")))), UploadNotFound)
