"""The random numbers of denoising, as a function of the seed and of what they are for."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Posterior = Literal["masked", "reference"]


class Noise(Protocol):
    """Standard-normal float32 noise."""

    def initial(self, shape: tuple[int, int, int, int, int]) -> NDArray[np.float32]:
        """Where denoising starts, [1, 4, F, h, w]: one frame of noise, the same for every frame of a job."""
        ...

    def posterior(
        self, output_frames: Sequence[int] | NDArray[np.int64], which: Posterior, shape: tuple[int, int, int]
    ) -> NDArray[np.float32]:
        """Noise with which the encodings of the masked or the whole faces are drawn.

        Args:
            output_frames: output frame index of each face, [F].
            shape: of one frame's latents, (4, h, w).

        Returns:
            [F, 4, h, w].
        """
        ...


class _Purpose(IntEnum):
    """Part of the generator's key: renumbering changes every job's output."""

    INITIAL = 0
    MASKED = 1
    REFERENCE = 2


class SeededNoise:
    """Counter-based noise (Philox; Salmon et al., SC 2011): an output frame's draws depend on the seed and its index
    alone, never on the chunk it is in, on the order of chunks or on who computes them.
    """

    def __init__(self, seed: int) -> None:
        """`seed` is taken modulo 2⁶⁴."""
        self._seed = seed % 2**64

    def initial(self, shape: tuple[int, int, int, int, int]) -> NDArray[np.float32]:
        batch, channels, frames, height, width = shape
        frame = self._draw(_Purpose.INITIAL, 0, (batch, channels, 1, height, width))
        return np.repeat(frame, frames, axis=2)

    def posterior(
        self, output_frames: Sequence[int] | NDArray[np.int64], which: Posterior, shape: tuple[int, int, int]
    ) -> NDArray[np.float32]:
        purpose = _Purpose.MASKED if which == "masked" else _Purpose.REFERENCE
        return np.stack([self._draw(purpose, int(frame), shape) for frame in output_frames])

    def _draw(self, purpose: _Purpose, frame: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
        # The counter's low words advance while drawing; the frame sits above them, so no two frames overlap.
        bits = np.random.Philox(
            key=np.array([self._seed, purpose], np.uint64), counter=np.array([0, 0, frame, 0], np.uint64)
        )
        return np.random.Generator(bits).standard_normal(shape, np.float32)
