"""Runs a lip-sync network over the frames of a video as they come."""

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.quality.lip_crops import SteadyBoxes, lip_crop
from bench.quality.speaker_frames import SpeakerFrame
from bench.quality.sync_networks import ChungSyncNet, SyncNetwork, lower_half
from bench.quality.sync_offset import MAX_SHIFT_FRAMES, ShiftDistances, SyncScore

Image = NDArray[np.uint8]


class SyncMeter:
    """Collects windows of consecutive frames of one run and compares each with the sound around it. Memory does not
    depend on the length of the video."""

    def __init__(self, network: SyncNetwork, pcm_int16: NDArray[np.int16]) -> None:
        self.network = network
        self._mouths = (
            _LipCrops(network.size_wh) if isinstance(network, ChungSyncNet) else _LowerHalves(network.size_wh)
        )
        self._sound = _Sound(network, pcm_int16)
        self._window: deque[Image] = deque(maxlen=network.window_frames)
        self._window_run: int | None = None
        self._next_start = 0
        self._distances = ShiftDistances()

    def push(self, frame: SpeakerFrame, ticks: range) -> None:
        """Takes the next frame and the moments of the 25 fps clock that show it."""
        for run, moments, image in self._mouths.push(frame, ticks):
            self._take(run, moments, image)

    def score(self) -> SyncScore | None:
        """After the last frame: the score, or None if there were too few frames with a face or too little sound."""
        for run, moments, image in self._mouths.close():
            self._take(run, moments, image)
        return self._distances.score()

    def _take(self, run: int, ticks: range, image: Image) -> None:
        if run != self._window_run:
            self._window.clear()
            self._window_run = run
            self._next_start = ticks.start
        for tick in ticks:
            self._window.append(image)
            start = tick - self.network.window_frames + 1
            if len(self._window) == self.network.window_frames and start >= self._next_start:
                self._compare(start)
                self._next_start = start + self.network.stride_frames

    def _compare(self, start: int) -> None:
        if not self._sound.reaches(start):
            return
        seen = self.network.see(list(self._window))
        self._distances.add(seen[None], self._sound.around(start, len(seen))[None])


class _Sound:
    """Embeddings of the sound at the moments around a window, each computed once."""

    def __init__(self, network: SyncNetwork, pcm_int16: NDArray[np.int16]) -> None:
        self._network = network
        self._spectrum = network.spectrum(pcm_int16)
        self._heard: dict[int, NDArray[np.float32] | None] = {}

    def reaches(self, tick: int) -> bool:
        return self._at(tick) is not None

    def around(self, tick: int, size: int) -> NDArray[np.float32]:
        """[31, size]"""
        self._heard = {moment: value for moment, value in self._heard.items() if moment >= tick - MAX_SHIFT_FRAMES}
        unheard = np.full(size, self._network.unheard, np.float32)
        embeddings = []
        for moment in range(tick - MAX_SHIFT_FRAMES, tick + MAX_SHIFT_FRAMES + 1):
            heard = self._at(moment)
            embeddings.append(unheard if heard is None else heard)
        return np.stack(embeddings)

    def _at(self, tick: int) -> NDArray[np.float32] | None:
        if tick not in self._heard:
            self._heard[tick] = self._network.hear(self._spectrum, tick)
        return self._heard[tick]


class _LowerHalves:
    def __init__(self, size_wh: tuple[int, int]) -> None:
        self._size_wh = size_wh

    def push(self, frame: SpeakerFrame, ticks: range) -> Iterator[tuple[int, range, Image]]:
        face = frame.aligned_face() if ticks else None
        if face is not None and frame.run is not None:
            yield frame.run, ticks, lower_half(face, self._size_wh)

    def close(self) -> Iterator[tuple[int, range, Image]]:
        return iter(())


class _LipCrops:
    """A few frames late, because the boxes are steadied."""

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self._size_wh = size_wh
        self._boxes = SteadyBoxes()
        self._waiting: deque[tuple[int, range, Image]] = deque()

    def push(self, frame: SpeakerFrame, ticks: range) -> Iterator[tuple[int, range, Image]]:
        if self._waiting and self._waiting[-1][0] != frame.run:
            yield from self.close()
        if frame.run is not None and frame.face is not None:
            self._waiting.append((frame.run, ticks, frame.rgb_hwc))
            yield from self._cropped(self._boxes.push(frame.face.box_xyxy))

    def close(self) -> Iterator[tuple[int, range, Image]]:
        yield from self._cropped(self._boxes.close())

    def _cropped(self, squares: list[NDArray[np.float64]]) -> Iterator[tuple[int, range, Image]]:
        for square in squares:
            run, ticks, rgb_hwc = self._waiting.popleft()
            if ticks:
                yield run, ticks, lip_crop(rgb_hwc, square, self._size_wh)
