"""DPM-Solver++(2M): second-order multistep sampling in the predicted clean latents (Lu et al., arXiv 2211.01095)."""

import math

import numpy as np
from numpy.typing import NDArray

from services.denoise.schedule import TRAINING_STEPS, Sampler, alphas_cumprod, predicted_clean


class DpmSolver:
    """Steps between `steps + 1` timesteps spaced evenly from 999 (nearly pure noise) to 0, where ᾱ is 0.99915.

    The network is asked at all of them but the last. The first and the last step are of first order: at the first
    there is no history, and near t = 0 the log signal-to-noise ratio runs away, so extrapolating into it is unstable.
    """

    def timesteps(self, steps: int) -> NDArray[np.int64]:
        return _visited(steps)[:-1]

    def start(self, steps: int) -> Sampler:
        return _DpmSampler(alphas_cumprod()[_visited(steps)])


class _DpmSampler:
    """With λ = ln(√ᾱ / √(1−ᾱ)), a step of width h in λ is x' = (σ'/σ)·x − √ᾱ'·(e⁻ʰ − 1)·D, exact if D is the weighted
    mean of the clean latents predicted along it (paper, eq. 9). At second order D is their value extrapolated to the
    middle of the step from the present and the previous prediction (Algorithm 2); at first order the present one.
    """

    def __init__(self, alphas_cumprod_visited: NDArray[np.float64]) -> None:
        signal, noise = np.sqrt(alphas_cumprod_visited), np.sqrt(1 - alphas_cumprod_visited)
        self._signal = signal.astype(np.float32)
        self._noise = noise.astype(np.float32)
        self._widths: list[float] = np.diff(np.log(signal / noise)).tolist()
        self._index = 0
        self._previous_clean: NDArray[np.float32] | None = None

    def step(self, noise_pred: NDArray[np.float32], latents: NDArray[np.float32]) -> NDArray[np.float32]:
        now, then = self._index, self._index + 1
        clean = predicted_clean(latents, noise_pred, self._signal[now], self._noise[now])
        middle = clean
        if self._previous_clean is not None and then < len(self._widths):
            half_step = np.float32(self._widths[now] / (2 * self._widths[now - 1]))
            middle = clean + half_step * (clean - self._previous_clean)
        self._index, self._previous_clean = then, clean
        ratio = self._noise[then] / self._noise[now]
        gain = self._signal[then] * np.float32(-math.expm1(-self._widths[now]))
        moved: NDArray[np.float32] = ratio * latents + gain * middle
        return moved


def _visited(steps: int) -> NDArray[np.int64]:
    return np.rint(np.linspace(TRAINING_STEPS - 1, 0, steps + 1)).astype(np.int64)
