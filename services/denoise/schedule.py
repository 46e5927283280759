"""The noise schedule the network was trained with, and the interface of the samplers that walk it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

TRAINING_STEPS = 1000
_BETA_START = 0.00085
_BETA_END = 0.012


class Sampler(Protocol):
    """One walk from noise to latents. Its state is its own: concurrent chunks each take another one."""

    def step(self, noise_pred: NDArray[np.float32], latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents at the next timestep, from the noise predicted for `latents` at the current one; same shape."""
        ...


class Scheduler(Protocol):
    def timesteps(self, steps: int) -> NDArray[np.int64]:
        """Training timesteps at which the network is asked, int64 [steps], descending."""
        ...

    def start(self, steps: int) -> Sampler:
        """A sampler to be stepped once for each of `timesteps(steps)`, in order."""
        ...


def betas() -> NDArray[np.float64]:
    """Noise variance added by each training step, [1000]: linear in √β from 0.00085 to 0.012."""
    return np.linspace(_BETA_START**0.5, _BETA_END**0.5, TRAINING_STEPS) ** 2


def alphas_cumprod() -> NDArray[np.float64]:
    """Signal variance ᾱ_t left after training step t, [1000] (Ho et al., arXiv 2006.11239, §2)."""
    return np.cumprod(1 - betas(), dtype=np.float64)


def predicted_clean(
    latents: NDArray[np.float32], noise_pred: NDArray[np.float32], signal: np.float32, noise: np.float32
) -> NDArray[np.float32]:
    """Clean latents such that `latents` = signal · clean + noise · `noise_pred`; signal = √ᾱ, noise = √(1 − ᾱ)."""
    clean: NDArray[np.float32] = np.divide(latents - noise * noise_pred, signal)
    return clean
