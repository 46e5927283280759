"""Questions about real clips over the bus in memory."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from red_faces import FPS, RedFaces, write_red_clip

from services.common.errors import ObjectMissing, Unavailable
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.messages import FacesQuestion
from services.preprocess.answering import MOST_WAITING, FacesAnswering
from services.preprocess.faces.detector import Face

LONGEST_WAIT_S = 20.0
FACE = (8, 8, 16, 24)


class WaitingDetector(RedFaces):
    """Looks once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may = threading.Event(), threading.Event()

    def detect(
        self, rgb_hwc: NDArray[np.uint8], thorough: bool = False, near: Sequence[NDArray[np.float64]] = ()
    ) -> list[Face]:
        self.asked.set()
        assert self.may.wait(LONGEST_WAIT_S)
        return super().detect(rgb_hwc, thorough, near)


@pytest.fixture
def media(tmp_path: Path) -> FolderMediaStore:
    return FolderMediaStore(tmp_path / "store")


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@asynccontextmanager
async def answering(bus: MemoryBus, media: FolderMediaStore, *detectors: RedFaces) -> AsyncIterator[asyncio.Event]:
    closing = asyncio.Event()
    serving = asyncio.create_task(FacesAnswering(bus, media, detectors).serve(closing))
    await asyncio.sleep(0)
    try:
        yield closing
    finally:
        closing.set()
        await asyncio.wait_for(serving, LONGEST_WAIT_S)


async def stored(media: FolderMediaStore, path: Path) -> FacesQuestion:
    await media.put_file("media/clip.mp4", path)
    return FacesQuestion(video="media/clip.mp4")


async def test_nobody_looks_further_once_somebody_is_seen(
    bus: MemoryBus, media: FolderMediaStore, tmp_path: Path
) -> None:
    clip = write_red_clip(tmp_path / "clip.mp4", 64, lambda index: [FACE] if index >= 4 else [])
    detector = RedFaces()
    async with answering(bus, media, detector):
        answer = await bus.ask(await stored(media, clip))

    assert (answer.at_s, len(answer.faces), detector.shown) == (4 / FPS, 1, 3)


async def test_where_nobody_is_seen_the_asked_frame_is_told(
    bus: MemoryBus, media: FolderMediaStore, tmp_path: Path
) -> None:
    clip = write_red_clip(tmp_path / "clip.mp4", 20, lambda index: [])
    async with answering(bus, media, RedFaces()):
        question = await stored(media, clip)
        answer = await bus.ask(question.model_copy(update={"at_s": 0.2}))

    assert (answer.at_s, answer.faces) == (0.2, ())


async def test_what_is_not_kept_any_more_is_said_and_the_next_is_answered(
    bus: MemoryBus, media: FolderMediaStore, tmp_path: Path
) -> None:
    clip = write_red_clip(tmp_path / "clip.mp4", 2, lambda index: [FACE])
    async with answering(bus, media, RedFaces()):
        with pytest.raises(ObjectMissing):
            await bus.ask(FacesQuestion(video="media/gone.mp4"))
        assert len((await bus.ask(await stored(media, clip))).faces) == 1


async def test_a_few_wait_their_turn_and_more_are_sent_away(
    bus: MemoryBus, media: FolderMediaStore, tmp_path: Path
) -> None:
    question = await stored(media, write_red_clip(tmp_path / "clip.mp4", 2, lambda index: [FACE]))
    detector = WaitingDetector()
    async with answering(bus, media, detector):
        asking = [asyncio.ensure_future(bus.ask(question)) for _ in range(1 + MOST_WAITING)]
        await asyncio.to_thread(detector.asked.wait, LONGEST_WAIT_S)
        with pytest.raises(Unavailable, match="Too many videos"):
            await bus.ask(question)
        detector.may.set()
        answers = await asyncio.wait_for(asyncio.gather(*asking), LONGEST_WAIT_S)

    assert [len(answer.faces) for answer in answers] == [1] * len(asking)


async def test_a_question_in_hand_is_answered_before_the_worker_stops(
    bus: MemoryBus, media: FolderMediaStore, tmp_path: Path
) -> None:
    question = await stored(media, write_red_clip(tmp_path / "clip.mp4", 2, lambda index: [FACE]))
    detector = WaitingDetector()
    async with answering(bus, media, detector) as closing:
        asking = asyncio.ensure_future(bus.ask(question))
        await asyncio.to_thread(detector.asked.wait, LONGEST_WAIT_S)
        closing.set()
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await bus.ask(question)
        detector.may.set()

    assert len((await asking).faces) == 1
