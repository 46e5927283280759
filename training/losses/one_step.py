"""The forward diffusion process, its inverse in one step, and what a v-predicting network should say.

√ᾱ is the amplitude of the signal at a timestep and √(1−ᾱ) that of the noise (Ho et al. 2020, arXiv:2006.11239, eq. 4).
Everywhere latents are B×…, `timestep` is B int64 and `alphas_cumprod` holds ᾱ of every training step.
"""

from typing import Literal

from torch import Tensor

PredictionType = Literal["epsilon", "v_prediction"]


def add_noise(clean: Tensor, noise: Tensor, timestep: Tensor, alphas_cumprod: Tensor) -> Tensor:
    """√ᾱ·clean + √(1−ᾱ)·noise."""
    signal, spread = _amplitudes(clean, timestep, alphas_cumprod)
    return signal * clean + spread * noise


def v_target(clean: Tensor, noise: Tensor, timestep: Tensor, alphas_cumprod: Tensor) -> Tensor:
    """v = √ᾱ·noise − √(1−ᾱ)·clean (Salimans & Ho 2022, arXiv:2202.00512, appendix D)."""
    signal, spread = _amplitudes(clean, timestep, alphas_cumprod)
    return signal * noise - spread * clean


def predicted_x0(
    sample: Tensor, prediction: Tensor, timestep: Tensor, alphas_cumprod: Tensor, prediction_type: PredictionType
) -> Tensor:
    """The clean latents that `prediction`, the network's ε or v for the noisy `sample`, implies.

    (sample − √(1−ᾱ)·ε)/√ᾱ, or √ᾱ·sample − √(1−ᾱ)·v.
    """
    signal, spread = _amplitudes(sample, timestep, alphas_cumprod)
    if prediction_type == "v_prediction":
        return signal * sample - spread * prediction
    return (sample - spread * prediction) / signal


def predicted_noise(
    sample: Tensor, prediction: Tensor, timestep: Tensor, alphas_cumprod: Tensor, prediction_type: PredictionType
) -> Tensor:
    """The noise that `prediction` implies: itself, or √ᾱ·v + √(1−ᾱ)·sample."""
    if prediction_type == "epsilon":
        return prediction
    signal, spread = _amplitudes(sample, timestep, alphas_cumprod)
    return signal * prediction + spread * sample


def _amplitudes(latents: Tensor, timestep: Tensor, alphas_cumprod: Tensor) -> tuple[Tensor, Tensor]:
    """√ᾱ and √(1−ᾱ) at each clip's timestep, shaped to multiply `latents`; rounded to their type only at the end."""
    kept = alphas_cumprod.to(latents.device)[timestep].reshape(-1, *[1] * (latents.ndim - 1))
    return kept.sqrt().to(latents.dtype), (1 - kept).sqrt().to(latents.dtype)
