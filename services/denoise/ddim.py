"""Deterministic DDIM (Song et al., arXiv 2010.02502, eq. 12 with σ = 0) with the reference's timesteps."""

import numpy as np
from numpy.typing import NDArray

from services.denoise.schedule import TRAINING_STEPS, Sampler, alphas_cumprod, predicted_clean


class Ddim:
    """Timesteps every ⌊1000 / steps⌋ from 1 upwards ("leading" spacing); the last step ends at ᾱ[0], not at 1."""

    def timesteps(self, steps: int) -> NDArray[np.int64]:
        return np.arange(steps, dtype=np.int64)[::-1] * (TRAINING_STEPS // steps) + 1

    def start(self, steps: int) -> Sampler:
        timesteps = self.timesteps(steps)
        visited = np.append(timesteps, max(0, int(timesteps[-1]) - TRAINING_STEPS // steps))
        return _DdimSampler(alphas_cumprod()[visited])


class _DdimSampler:
    def __init__(self, alphas_cumprod_visited: NDArray[np.float64]) -> None:
        self._signal = np.sqrt(alphas_cumprod_visited).astype(np.float32)
        self._noise = np.sqrt(1 - alphas_cumprod_visited).astype(np.float32)
        self._index = 0

    def step(self, noise_pred: NDArray[np.float32], latents: NDArray[np.float32]) -> NDArray[np.float32]:
        now, then = self._index, self._index + 1
        self._index = then
        clean = predicted_clean(latents, noise_pred, self._signal[now], self._noise[now])
        moved: NDArray[np.float32] = self._signal[then] * clean + self._noise[then] * noise_pred
        return moved
