"""Between the autoencoder's outputs and the latents that are denoised."""

import numpy as np
from numpy.typing import NDArray

SCALING_FACTOR = np.float32(0.18215)
"""Brings latents to about unit variance (Rombach et al., arXiv 2112.10752, §G)."""

_LOGVAR_RANGE = (-30.0, 20.0)


def posterior_mean_std(moments: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The encoder's Gaussian: moments [N, 8, h, w] (mean ‖ log-variance) → mean and std, float32 [N, 4, h, w]."""
    mean, logvar = np.split(moments, 2, axis=1)
    return mean, np.exp(np.float32(0.5) * np.clip(logvar, *_LOGVAR_RANGE))


def sampled_latents(moments: NDArray[np.float32], noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scaled latents drawn from the encoder's Gaussian with the given standard-normal noise; float32 [N, 4, h, w]."""
    mean, std = posterior_mean_std(moments)
    return (mean + std * noise) * SCALING_FACTOR


def decoder_input(latents: NDArray[np.float32]) -> NDArray[np.float32]:
    """Denoised latents [1, 4, F, h, w] as the decoder takes them: unscaled, frame by frame [F, 4, h, w]."""
    unscaled: NDArray[np.float32] = np.divide(latents[0].transpose(1, 0, 2, 3), SCALING_FACTOR, order="C")
    return unscaled
