"""From the log-mel spectrogram of a whole sound to Whisper features, encoded 30 s at a time as they are needed."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.common.errors import AudioEmpty
from services.common.messages import Mode

BLOCK_MEL_FRAMES = 3000
_HOP_MEL_FRAMES = 2000
_FADE_ROWS = 50
_BLOCKS_IN_MEMORY = 2

Encode = Callable[[NDArray[np.float32]], Awaitable[NDArray[np.float32]]]
"""One block of mel frames [80, 3000] → features [1500, layers + 1, D]."""


@dataclass(frozen=True)
class Block:
    """A stretch of mel frames that is encoded at once, and the feature rows of the sound it contributes to."""

    mel_start: int
    mel_stop: int
    first_row: int
    stop_row: int
    fade_in_rows: int = 0
    fade_out_rows: int = 0

    def weights(self, start: int, stop: int) -> NDArray[np.float32]:
        """The block's share of rows [start, stop) of the sound: 1, or a linear ramp where two blocks overlap."""
        rows = np.arange(start, stop)
        entering = (rows - self.first_row + 1) / (self.fade_in_rows + 1)
        leaving = (self.stop_row - rows) / (self.fade_out_rows + 1)
        return np.minimum(1, np.minimum(entering, leaving)).astype(np.float32)


def feature_blocks(mel_frames: int, mode: Mode) -> list[Block]:
    """Plans how a sound of `mel_frames` (100 Hz) is encoded into `mel_frames // 2` feature rows (50 Hz).

    `reference`: 30-s blocks side by side, so a row at a block's edge knows nothing of what lies beyond it.
    `studio`: 30-s blocks that overlap by at least 10 s, used up to the middle of the overlap: every row has 4.5 s of
    context or all there is. They cross-fade over a second, because the encoder adds to each row its position in the
    block, and that, too, jumps from one block to the next. Up to 30 s both modes are the same.
    """
    rows = mel_frames // 2
    if mode == "reference" or mel_frames <= BLOCK_MEL_FRAMES:
        return [
            Block(
                mel_start=start,
                mel_stop=min(start + BLOCK_MEL_FRAMES, mel_frames),
                first_row=start // 2,
                stop_row=min((start + BLOCK_MEL_FRAMES) // 2, rows),
            )
            for start in range(0, 2 * rows, BLOCK_MEL_FRAMES)
        ]
    last_start = 2 * rows - BLOCK_MEL_FRAMES
    starts = [*range(0, last_start, _HOP_MEL_FRAMES), last_start]
    fades = [_fade_in_middle_of_overlap(start, following) for start, following in itertools.pairwise(starts)]
    entries = [(0, 0), *fades]
    exits = [*fades, (rows, rows)]
    return [
        Block(start, start + BLOCK_MEL_FRAMES, enter, leave, entered - enter, leave - leaving)
        for start, (enter, entered), (leaving, leave) in zip(starts, entries, exits, strict=True)
    ]


class AudioFeatures:
    """Whisper features of a sound, all hidden layers, 50 rows per second.

    Blocks are encoded on demand and at most two are kept: reading forwards encodes each block once, and memory does
    not grow with the sound.
    """

    def __init__(self, mel: NDArray[np.float32], encode: Encode, mode: Mode) -> None:
        """`mel` is float32 [80, T] as `log_mel` gives it."""
        self.length = mel.shape[1] // 2
        self._mel = mel
        self._encode = encode
        self._blocks = feature_blocks(mel.shape[1], mode)
        self._encoded: dict[Block, NDArray[np.float32]] = {}
        self._encoding = asyncio.Lock()

    async def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Feature rows [start, stop) with 0 ≤ start < stop ≤ `length`.

        Returns:
            float32 [stop − start, layers + 1, D].

        Raises:
            AudioEmpty: the sound has no such rows.
        """
        result: NDArray[np.float32] | None = None
        for block in self._blocks:
            first, last = max(start, block.first_row), min(stop, block.stop_row)
            if first >= last:
                continue
            features = await self._features(block)
            if result is None:
                result = np.zeros((stop - start, *features.shape[1:]), np.float32)
            offset = block.mel_start // 2
            share = block.weights(first, last)[:, None, None]
            result[first - start : last - start] += share * features[first - offset : last - offset]
        if result is None:
            raise AudioEmpty(f"The sound has no features at rows {start} to {stop}, only {self.length} in all.")
        return result

    async def _features(self, block: Block) -> NDArray[np.float32]:
        async with self._encoding:
            if block not in self._encoded:
                while len(self._encoded) >= _BLOCKS_IN_MEMORY:
                    del self._encoded[next(iter(self._encoded))]
                self._encoded[block] = await self._encode(_filled(self._mel[:, block.mel_start : block.mel_stop]))
            return self._encoded[block]


def _fade_in_middle_of_overlap(mel_start: int, next_mel_start: int) -> tuple[int, int]:
    middle = (mel_start + BLOCK_MEL_FRAMES + next_mel_start) // 4
    return middle - _FADE_ROWS // 2, middle + _FADE_ROWS // 2


def _filled(mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """A short block filled up with 0.0. That is not silence, but it is what the released weights were used with."""
    return np.pad(mel, ((0, 0), (0, BLOCK_MEL_FRAMES - mel.shape[1])))
