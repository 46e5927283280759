"""Nothing outlives its time, also where a process dies, two are at it at once, or one thing cannot be removed."""

import asyncio
import base64
import io
import wave
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import cast

import av
import pytest
from port_suites.accounts import account
from port_suites.hand_clock import HandClock
from port_suites.job_records import job_record
from port_suites.submissions import submission

from gateway.accounts import Account
from gateway.addresses import UrlPolicy
from gateway.documents import Collection
from gateway.ending import Ending
from gateway.ids import new_id
from gateway.incoming_file import Fetched
from gateway.intake import Intake
from gateway.links import OwnLinks
from gateway.memory_documents import MemoryDocuments
from gateway.probe_limits import ProbeLimits
from gateway.probing import Prober
from gateway.removal import LOST, UNUSED, Removal
from gateway.results import Results
from gateway.sources import Sources
from gateway.submissions import JobRequest, Submission
from gateway.upload_links import UploadLinks
from gateway.uploads import Upload, Uploads
from gateway.webhooks.outbox import Outbox
from services.common import object_names
from services.common.content_hash import file_sha256
from services.common.errors import DocumentExists, LipstageError, Unavailable
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.ports import Models

OWNER, LIMIT, BASE = "studio", 1 << 20, "http://127.0.0.1:1"
RESULT = object_names.output(job_record("done"))


class Documents(MemoryDocuments):
    """Two who note a use wait for each other, if they are to."""

    together: asyncio.Barrier | None = None

    async def create(self, name: str, value: bytes) -> int:
        if self.together and name.startswith("uses/"):
            await self.together.wait()
        return await super().create(name, value)


class Media(FolderMediaStore):
    """Goes wrong where it is to."""

    on_deleting: Callable[[str], None] = staticmethod(lambda name: None)
    on_storing: Callable[[], Awaitable[object]] | None = None

    async def delete(self, name: str) -> None:
        self.on_deleting(name)
        await super().delete(name)

    async def delete_folder(self, folder: str) -> None:
        self.on_deleting(folder)
        await super().delete_folder(folder)

    async def put_file(self, name: str, path: Path) -> None:
        if self.on_storing:
            await self.on_storing()
        await super().put_file(name, path)


class Place:
    def __init__(self, folder: Path) -> None:
        self.documents, self.clock, self.media, self.jobs = Documents(), HandClock(), Media(folder), MemoryJobStore()
        links = OwnLinks(BASE, b"secret")
        self.uploads = Uploads(self.documents, self.media, Prober(ProbeLimits()), self.clock)
        results = Results(self.documents, self.jobs, links)
        upload_links = UploadLinks(BASE, b"secret")
        self.sources = Sources(self.uploads, results, self.media, links, upload_links, UrlPolicy(), self.clock)
        self.submissions = Collection(self.documents, "submissions", Submission)
        self.outbox, self.removal = Outbox(self.documents, self.clock), Removal(self.documents, self.media, self.clock)

    async def result(self) -> None:
        """Of a job that is done and stays."""
        await self.jobs.create(job_record("done", state="completed", output=RESULT))
        await self.submissions.create(f"{OWNER}/done", submission("done", video=None, audio=None))
        await self.media.put(RESULT, film())

    async def ended(self, job: str, **fields: object) -> None:
        of_it = submission(job, ended_at=self.clock(), retention_s=0, **{"video": None, "audio": None, **fields})
        await self.submissions.create(f"{OWNER}/{job}", of_it)

    def file(self, name: str, seconds: int) -> tuple[Path, Fetched]:
        path = self.media.scratch / name
        path.write_bytes(spoken(seconds))
        return path, Fetched(file_sha256(path), path.stat().st_size, "audio/wav", "", name)

    async def upload(self) -> Upload:
        return await self.uploads.keep(OWNER, *self.file("voice.wav", 1))

    async def kept(self) -> list[str]:
        """Inputs, and who is to need them."""
        media = [name async for name in self.media.children("media/")]
        return [*media, *await self.documents.names("uses/"), *await self.documents.names("uploads/")]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def spoken(seconds: int) -> bytes:
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(32_000 * seconds))
    return memory.getvalue()


def film() -> bytes:
    """With sound."""
    memory = io.BytesIO()
    with av.open(memory, "w", "matroska") as output, av.open(io.BytesIO(spoken(1))) as voice:
        pictures, sound = output.add_stream("mpeg4", 10), output.add_stream_from_template(voice.streams.audio[0])
        pictures.width = pictures.height = 64
        for _ in range(10):
            output.mux(pictures.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(pictures.encode())
        for packet in voice.demux(audio=0):
            if packet.dts is not None:
                packet.stream = sound
                output.mux(packet)
    return memory.getvalue()


def data_uri() -> str:
    return "data:audio/wav;base64," + base64.b64encode(spoken(2)).decode()


async def test_what_was_copied_for_a_job_or_came_with_its_request_goes_with_it(place: Place) -> None:
    await place.result()
    asked = await place.sources.kept(OWNER, "job", data_uri(), "audio", LIMIT)
    copied = await place.sources.stored(OWNER, "job", "job:done", "audio", LIMIT)
    sent = await place.sources.stored(OWNER, "job", asked, "audio", LIMIT)
    await place.ended("job", video=copied, audio=sent)

    removed = (await place.removal.remove(OWNER, "job")).removed

    assert await place.kept() == []
    assert set(removed) == {copied.content.object_name, sent.content.object_name}


async def test_what_came_with_a_refused_request_goes_soon(place: Place) -> None:
    await place.sources.kept(OWNER, "job", data_uri(), "audio", LIMIT)

    place.clock.advance(LOST.total_seconds() + 1)
    await place.removal.sweep()

    assert await place.kept() == []


async def test_what_arrives_after_its_job_was_deleted_does_not_stay(place: Place) -> None:
    await place.result()
    bus = MemoryBus()
    ending = Ending(place.documents, bus, place.jobs)
    models = cast(Models, None)  # it does not come so far
    intake = Intake(place.documents, place.sources, ending, bus, place.jobs, place.media, models, place.clock)
    await Collection(place.documents, "accounts", Account).create(OWNER, account(OWNER))
    request = JobRequest(video="job:done", audio="job:done")
    asked = submission(request=request, video=None, audio=None)
    await place.submissions.create(f"{OWNER}/job", asked)

    deletions = []

    async def deleted() -> None:
        deletions.append(place.clock())
        await ending.cancel(OWNER, "job")
        await place.removal.remove(OWNER, "job")

    place.media.on_storing = deleted
    await intake.take(OWNER, "job")

    assert deletions
    assert await place.kept() == []


async def test_a_use_that_a_deleted_job_left_goes_with_the_next_sweep_and_is_written_down(place: Place) -> None:
    await place.result()
    stored = await place.sources.stored(OWNER, "job", "job:done", "audio", LIMIT)
    await place.ended("job", deleted_at=place.clock())

    await place.removal.sweep()

    assert await place.kept() == []
    assert (await place.submissions.get(f"{OWNER}/job")).removed == (stored.content.object_name,)


async def test_of_two_files_under_one_upload_only_one_is_kept(place: Place) -> None:
    place.documents.together = asyncio.Barrier(2)
    sent = [place.uploads.keep(OWNER, *place.file(f"{seconds}.wav", seconds), "one") for seconds in (1, 2)]

    answers = await asyncio.gather(*sent, return_exceptions=True)

    (kept,) = [answer for answer in answers if isinstance(answer, Upload)]
    assert [type(answer) for answer in answers if answer is not kept] == [DocumentExists]
    assert await place.kept() == [kept.content.object_name, f"uses/{kept.sha256}/one", f"uploads/{OWNER}/one"]


async def test_an_upload_whose_removal_is_cut_off_can_still_be_removed(place: Place) -> None:
    upload = await place.upload()
    failing = [upload.content.object_name]

    def once(name: str) -> None:
        if name in failing:
            failing.remove(name)
            raise Unavailable("away")

    place.media.on_deleting = once
    with pytest.raises(Unavailable):
        await place.uploads.remove(OWNER, upload.id)
    await place.uploads.remove(OWNER, upload.id)

    assert await place.kept() == []


async def test_a_use_whose_user_never_came_goes_and_others_stay(place: Place) -> None:
    upload = await place.upload()
    lost, young = new_id(place.clock()), new_id(place.clock() + UNUSED)
    for user in (lost, young):
        await place.uploads.uses.add(upload.content, user)

    place.clock.advance(UNUSED.total_seconds() + 1)
    await place.removal.sweep()

    users = {name.rpartition("/")[2] for name in await place.documents.names("uses/")}
    assert users == {upload.id, young}
    assert await place.media.exists(upload.content.object_name)


async def test_a_job_that_cannot_be_removed_does_not_keep_the_others(place: Place) -> None:
    for job in ("bad", "good"):
        await place.ended(job)

    def refuse(name: str) -> None:
        if "/bad/" in name:
            raise LipstageError("not this one")

    place.media.on_deleting = refuse
    await place.removal.sweep()

    assert (await place.submissions.get(f"{OWNER}/good")).deleted_at
    assert not (await place.submissions.get(f"{OWNER}/bad")).deleted_at


async def test_a_sweep_that_goes_wrong_does_not_end_the_gateway(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    closing = asyncio.Event()
    await place.documents.create("resumable/studio/0", b"{}")  # no id: its age cannot be told
    await place.documents.create("resumable/studio/unheard-of", b"{}")

    serving = asyncio.create_task(place.removal.serve(closing))
    while not caplog.records and not serving.done():
        await asyncio.sleep(0.01)
    closing.set()
    await serving

    assert "looked for again" in caplog.text


async def test_what_is_still_to_be_told_outlives_the_job(place: Place) -> None:
    await place.ended("job")
    await place.outbox.add("job", "completed", OWNER, "native", "https://hooks.example/hook", {})

    await place.removal.sweep()
    place.clock.advance(timedelta(hours=1).total_seconds())
    await place.removal.sweep()
    (pending,) = await place.outbox.due()
    message = await place.outbox.claim(pending, 30)
    assert message
    await place.outbox.delivered(message, 200)
    await place.removal.sweep()

    assert (await place.submissions.get(f"{OWNER}/job")).deleted_at
    assert await place.documents.names("outbox/") == await place.documents.names("outbox-open/") == []
