"""Answers who can be seen in a video, beside the tasks."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path

from services.common.errors import Unavailable
from services.common.messages import FacesAnswer, FacesQuestion
from services.common.ports import Bus, MediaStore
from services.common.threads import in_thread
from services.preprocess.faces.detector import FaceDetector
from services.preprocess.faces.looking import looks

AT_ONCE = 2
"""Videos that a process looks at beside its tasks."""
MOST_WAITING = 8
"""Questions that wait while every detector is in use; more are sent away, before they have waited too long."""


class FacesAnswering:
    """Looks at as many videos at once as there are detectors."""

    def __init__(self, bus: Bus, media: MediaStore, detectors: Iterable[FaceDetector]) -> None:
        self._bus, self._media = bus, media
        self._free: asyncio.Queue[FaceDetector] = asyncio.Queue()
        for detector in detectors:
            self._free.put_nowait(detector)
        self._waiting = 0

    async def serve(self, closing: asyncio.Event) -> None:
        """Answers until `closing` is set; questions in hand are answered before it returns."""
        async with self._bus.answering(self._answer):
            await closing.wait()

    async def _answer(self, question: FacesQuestion) -> FacesAnswer:
        """Raises Unavailable, ObjectMissing, and what is wrong with the media."""
        detector = await self._next_free()
        try:
            async with self._media.local(question.video) as video:
                return await _seen(video, detector, question.at_s)
        finally:
            self._free.put_nowait(detector)

    async def _next_free(self) -> FaceDetector:
        if self._waiting == MOST_WAITING:
            raise Unavailable("Too many videos are waiting to be looked at; try again later.")
        self._waiting += 1
        try:
            return await self._free.get()
        finally:
            self._waiting -= 1


async def _seen(video: Path, detector: FaceDetector, at_s: float) -> FacesAnswer:
    """The first look that finds somebody, else the first of all."""
    first: FacesAnswer | None = None
    async with aclosing(in_thread(looks(video, detector, at_s))) as seen:
        async for look in seen:
            if look.faces:
                return look
            first = first or look
    assert first is not None, "the first look is always taken"
    return first
