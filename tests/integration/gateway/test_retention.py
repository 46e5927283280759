"""Nothing outlives its time in the real store, and nothing goes that somebody still needs."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from port_suites.hand_clock import HandClock
from port_suites.submissions import NOON, stored_media, submission

from gateway.documents import Collection
from gateway.media_uses import MediaUses
from gateway.memory_documents import MemoryDocuments
from gateway.probing import AudioFacts
from gateway.removal import Removal
from gateway.submissions import StoredMedia, Submission
from gateway.uploads import KEPT, Upload
from services.common.s3_media_store import S3MediaStore, s3_media_store
from services.common.s3_setup import prepare_bucket
from services.local.s3 import S3Server

pytest.importorskip("minio")
VIDEO = stored_media(10.0, sha256="ab" * 32)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
async def media(server: S3Server, tmp_path: Path) -> AsyncIterator[S3MediaStore]:
    await prepare_bucket(server.access)
    async with s3_media_store(server.access, tmp_path) as store:
        for folder in ("media/", "work/", "out/"):
            await store.delete_folder(folder)
        yield store


class Kept:
    """Jobs that ended at noon, and what is kept of them."""

    def __init__(self, media: S3MediaStore) -> None:
        self.documents, self.clock = MemoryDocuments(), HandClock()
        self.clock.now = NOON
        self.submissions = Collection(self.documents, "submissions", Submission)
        self.uploads = Collection(self.documents, "uploads", Upload)
        self.removal = Removal(self.documents, media, self.clock)
        self._media, self._uses = media, MediaUses(self.documents, media)

    async def job(self, name: str, *, video: StoredMedia = VIDEO, voice: str, retention: timedelta = HOUR) -> None:
        audio = stored_media(10.0, sha256=voice * 64, suffix=".wav")
        for stored in (video, audio):
            await self._uses.add(stored.content, name)
            await self._media.put(stored.content.object_name, b"input")
        for made in (f"out/{name}/result.mp4", f"out/{name}/result.json", f"work/{name}/chunks/left"):
            await self._media.put(made, b"made")
        ended = submission(name, video=video, audio=audio, ended_at=NOON, retention_s=int(retention.total_seconds()))
        await self.submissions.create(f"{ended.account}/{name}", ended)

    async def names(self) -> list[str]:
        return [name for folder in ("media/", "out/", "work/") async for name in self._media.children(folder)]


async def test_what_a_job_left_goes_on_time_and_is_written_down(media: S3MediaStore) -> None:
    kept = Kept(media)
    await kept.job("job", voice="c")

    kept.clock.advance(3599)
    await kept.removal.sweep()
    before = await kept.names()
    kept.clock.advance(1)
    await kept.removal.sweep()

    assert len(before) == 4
    assert await kept.names() == []
    gone = await kept.submissions.get("studio/job")
    assert gone.deleted_at == NOON + HOUR
    assert {"out/job/result.mp4", VIDEO.content.object_name} < set(gone.removed)


async def test_an_input_stays_as_long_as_another_job_needs_it(media: S3MediaStore) -> None:
    kept = Kept(media)
    await kept.job("first", voice="c")
    await kept.job("second", voice="d", retention=2 * HOUR)

    kept.clock.advance(3600)
    await kept.removal.sweep()
    between = await kept.names()
    kept.clock.advance(3600)
    await kept.removal.sweep()

    assert VIDEO.content.object_name in between
    assert f"media/{'c' * 64}.wav" not in between
    assert await kept.names() == []


async def test_an_upload_that_nobody_used_goes_too(media: S3MediaStore) -> None:
    kept = Kept(media)
    facts = AudioFacts(kind="audio", container="wav", codec="pcm_s16le", duration_s=1.0, sample_rate=16000, channels=1)
    upload = Upload(
        id="one",
        sha256="e" * 64,
        suffix=".wav",
        bytes=5,
        content_type="audio/wav",
        filename="voice.wav",
        created_at=NOON,
        expires_at=NOON + KEPT,
        facts=facts,
    )
    await MediaUses(kept.documents, media).add(upload.content, upload.id)
    await media.put(upload.content.object_name, b"voice")
    await kept.uploads.create("studio/one", upload)

    kept.clock.advance(KEPT.total_seconds() + 1)
    await kept.removal.sweep()

    assert await kept.names() == []
    assert await kept.uploads.keys() == []
