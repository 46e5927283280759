"""What has arrived of a file stays, in order, whatever becomes of its sender."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from port_suites.hand_clock import HandClock

from gateway import resumable_uploads
from gateway.memory_documents import MemoryDocuments
from gateway.partial_uploads import KEPT, PartialUploads
from gateway.removal import Removal
from gateway.resumable_uploads import Begun, ResumableUploads
from services.common.errors import DocumentExists, MediaTooLarge, ObjectMissing, UploadNotFound
from services.common.folder_media_store import FolderMediaStore

ACCOUNT = "studio"


class Place:
    """One gateway's view of the documents and the store that all share."""

    def __init__(self, folder: Path) -> None:
        self.documents, self.media, self.clock = MemoryDocuments(), FolderMediaStore(folder), HandClock()
        self.uploads = ResumableUploads(self.documents, self.media, self.clock)

    async def begun(self, length: int = 100) -> Begun:
        return await self.uploads.begin(ACCOUNT, length, "a.wav", "audio/wav")

    async def objects(self, begun: Begun) -> list[str]:
        return await PartialUploads(self.media).pieces(ACCOUNT, begun.id)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def arriving(*blocks: bytes, then: Exception | None = None) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
    if then:
        raise then


async def test_what_arrived_before_a_break_is_what_the_sender_goes_on_from(place: Place) -> None:
    begun = await place.begun(7)
    with pytest.raises(ConnectionError):
        await place.uploads.append(begun, 0, arriving(b"ab", b"cd", then=ConnectionError()))

    there = await place.uploads.arrived(begun)
    whole = await place.uploads.append(begun, there, arriving(b"efg"))

    assert (there, whole) == (4, 7)
    assert b"".join([block async for block in place.uploads.content(begun)]) == b"abcdefg"


async def test_a_long_piece_is_kept_while_it_is_still_arriving(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumable_uploads, "PIECE_BYTES", 10)
    begun, seen = await place.begun(100), []

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"12345"
            seen.append(await place.uploads.arrived(begun))

    await place.uploads.append(begun, 0, slow())

    assert seen == [0, 0, 10, 10, 20] or seen == [0, 10, 10, 20, 20]
    assert await place.uploads.arrived(begun) == 25
    assert not list(place.media.scratch.iterdir())


async def test_of_two_that_bring_the_same_bytes_one_wins(place: Place) -> None:
    begun, both_here = await place.begun(), asyncio.Barrier(2)

    async def sender(block: bytes) -> AsyncIterator[bytes]:
        await both_here.wait()
        yield block

    ends = await asyncio.gather(
        *(place.uploads.append(begun, 0, sender(block)) for block in (b"aaaa", b"bbbbbb")), return_exceptions=True
    )

    (won,) = [end for end in ends if isinstance(end, int)]
    assert [type(end) for end in ends if end != won] == [DocumentExists]
    assert await place.uploads.arrived(begun) == won
    assert len(await place.objects(begun)) == 1


async def test_no_more_is_taken_than_was_announced(place: Place) -> None:
    begun = await place.begun(3)

    with pytest.raises(MediaTooLarge):
        await place.uploads.append(begun, 0, arriving(b"ab", b"cd"))
    with pytest.raises(ObjectMissing):
        [block async for block in place.uploads.content(begun)]


async def test_an_upload_that_is_given_up_while_bytes_arrive_takes_none(place: Place) -> None:
    begun = await place.begun()

    async def interrupted() -> AsyncIterator[bytes]:
        yield b"late"
        await place.uploads.remove(begun)

    with pytest.raises(UploadNotFound):
        await place.uploads.append(begun, 0, interrupted())

    assert await place.objects(begun) == []
    assert await place.documents.names("pieces/") == []


async def test_what_was_not_whole_in_a_day_goes_whoever_began_it(place: Place, tmp_path: Path) -> None:
    old = await place.begun()
    await place.uploads.append(old, 0, arriving(b"old"))
    sent = tmp_path / "part"
    sent.write_bytes(b"of a client that never came back")
    await PartialUploads(place.media).put(ACCOUNT, old.id, "00001-of-another-kind", sent)
    place.clock.advance(3600)
    young = await place.begun()
    await place.uploads.append(young, 0, arriving(b"young"))

    place.clock.advance((KEPT - timedelta(minutes=30)).total_seconds())
    await Removal(place.documents, place.media, place.clock).sweep()

    assert await place.objects(old) == []
    assert await place.uploads.arrived(young) == 5
    assert {name.split("/")[2] for kind in ("resumable/", "pieces/") for name in await place.documents.names(kind)} == {
        young.id
    }
    with pytest.raises(UploadNotFound):
        await place.uploads.get(ACCOUNT, old.id)
