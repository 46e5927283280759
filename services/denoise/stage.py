"""Denoise: the faces of one chunk, re-drawn to speak the chunk's audio."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.common.chunk_files import Chunk
from services.common.face_mask import face_mask, latent_mask
from services.common.messages import DubParameters, SchedulerName
from services.common.ports import Arrays, Models
from services.denoise.colour_match import match_colour
from services.denoise.conditioning import conditioning, masked_pixel_values, pasted_back, pixel_values
from services.denoise.ddim import Ddim
from services.denoise.dpm_solver import DpmSolver
from services.denoise.guidance import is_full_step, scale_at
from services.denoise.latents import decoder_input, sampled_latents
from services.denoise.noise import Noise
from services.denoise.schedule import Scheduler

SCHEDULERS: Final[dict[SchedulerName, Scheduler]] = {"ddim": Ddim(), "dpm++": DpmSolver()}


async def denoise(
    chunk: Chunk,
    parameters: DubParameters,
    models: Models,
    noise: Noise,
    after_step: Callable[[float], Awaitable[None]],
) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Faces F×3×R×R: float32 in about [−1, 1] in reference mode, uint8 0…255 (colours matched) in studio mode.

    `after_step` is awaited after each denoising step with the share of the work that is done. Raises ModelError.
    """
    faces = pixel_values(chunk.faces)
    mask = face_mask(faces.shape[-1])
    networks = _Networks(models, parameters.variant)

    masked_latents, reference_latents = await _encoded(chunk, faces, mask, networks, noise)
    constant = conditioning(latent_mask(faces.shape[-1]), masked_latents, reference_latents)
    latents = await _sampled(chunk, constant, parameters, networks, noise, after_step)
    decoded = await networks.decode(decoder_input(latents))

    if parameters.mode == "reference":
        return pasted_back(decoded, faces, mask)
    matched = match_colour(decoded, faces, mask)
    # One by one, since each step makes another array of the size of its input.
    return np.stack([_as_uint8(pasted_back(*both, mask)) for both in zip(matched, faces, strict=True)])


async def _encoded(
    chunk: Chunk, faces: NDArray[np.float32], mask: NDArray[np.float64], networks: "_Networks", noise: Noise
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Latents of the masked and of the whole faces, each [F, 4, h, w], drawn from the encoder's posterior."""
    masked_moments = await networks.encode(masked_pixel_values(faces, mask))
    reference_moments = await networks.encode(faces)
    _, channels, height, width = masked_moments.shape
    shape = (channels // 2, height, width)
    masked = sampled_latents(masked_moments, noise.posterior(chunk.frames, "masked", shape))
    reference = sampled_latents(reference_moments, noise.posterior(chunk.frames, "reference", shape))
    return masked, reference


async def _sampled(
    chunk: Chunk,
    constant: NDArray[np.float32],
    parameters: DubParameters,
    networks: "_Networks",
    noise: Noise,
    after_step: Callable[[float], Awaitable[None]],
) -> NDArray[np.float32]:
    """Walks from noise to latents [1, 4, F, h, w]."""
    _, _, frames, height, width = constant.shape
    latents = noise.initial((1, 4, frames, height, width))
    scheduler = SCHEDULERS[parameters.scheduler]
    sampler = scheduler.start(parameters.steps)
    audio = chunk.audio_tokens[None]
    predict = networks.predict if parameters.deepcache_interval == 1 else networks.predict_with_cache
    for step, timestep in enumerate(scheduler.timesteps(parameters.steps)):
        scale = scale_at(step, parameters.steps, parameters.guidance_scale, parameters.guidance_interval)
        inputs: dict[str, NDArray[Any]] = {
            "latents": latents,
            "conditioning": constant,
            "audio": audio,
            "timestep": np.array([timestep], np.int64),
            "guidance_scale": np.array([scale], np.float32),
        }
        noise_pred = await predict(inputs, full=is_full_step(step, parameters.deepcache_interval))
        latents = sampler.step(noise_pred, latents)
        await after_step((step + 1) / (parameters.steps + 1))  # decoding is still to come
    return latents


class _Networks:
    """The exported graphs as functions of arrays, for one chunk."""

    def __init__(self, models: Models, variant: str) -> None:
        self._models, self._variant = models, variant
        self._deep_features = np.zeros(0, np.float32)
        self._cached_guided: bool | None = None

    async def encode(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Faces [F, 3, R, R] → posterior moments [F, 8, h, w]."""
        return (await self._models.infer("vae_encoder", self._variant, {"images": faces}, ("moments",)))["moments"]

    async def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents [F, 4, h, w] → faces [F, 3, R, R]."""
        return (await self._models.infer("vae_decoder", self._variant, {"latents": latents}, ("images",)))["images"]

    async def predict(self, inputs: Arrays, full: bool) -> NDArray[np.float32]:
        """Predicted noise [1, 4, F, h, w], always by the whole network."""
        return (await self._models.infer("unet", self._variant, inputs, ("noise_pred",)))["noise_pred"]

    async def predict_with_cache(self, inputs: Arrays, full: bool) -> NDArray[np.float32]:
        """Predicted noise [1, 4, F, h, w]; a step that is not `full` reuses the deep features of the last full one.

        A step that is guided where the last full one was not (or the reverse) is evaluated in full: the features of
        its other branch were never computed.
        """
        guided = bool((inputs["guidance_scale"] > 1).any())
        if full or guided != self._cached_guided:
            outputs = await self._models.infer("unet", self._variant, inputs, ("noise_pred", "deep_features"))
            self._deep_features, self._cached_guided = outputs["deep_features"], guided
        else:
            inputs = {**inputs, "deep_features": self._deep_features}
            outputs = await self._models.infer("unet_cached", self._variant, inputs, ("noise_pred",))
        return outputs["noise_pred"]


def _as_uint8(faces: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.rint((faces + 1) * 127.5).clip(0, 255), np.uint8)
