"""Calls of variant 1's networks with random inputs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.common.ports import Arrays, ModelName

Call = tuple[ModelName, Arrays, tuple[str, ...]]


class RandomCalls:
    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def whisper_encoder(self, mel_frames: int, batch: int = 1) -> Call:
        return "whisper_encoder", {"mel": self._noise(batch, 80, mel_frames)}, ("features",)

    def vae_encoder(self, images: int, side: int = 128) -> Call:
        return "vae_encoder", {"images": self._noise(images, 3, side, side)}, ("moments",)

    def vae_decoder(self, images: int, side: int = 16) -> Call:
        return "vae_decoder", {"latents": self._noise(images, 4, side, side)}, ("images",)

    def unet(self, frames: int, *guidance_scales: float) -> Call:
        return "unet", self._step(frames, guidance_scales), ("noise_pred", "deep_features")

    def unet_cached(self, frames: int, *guidance_scales: float) -> Call:
        branches = 2 if max(guidance_scales) > 1 else 1
        deep_features = self._noise(len(guidance_scales), branches, 64, frames, 16, 16)
        return "unet_cached", self._step(frames, guidance_scales) | {"deep_features": deep_features}, ("noise_pred",)

    def _step(self, frames: int, guidance_scales: tuple[float, ...]) -> dict[str, NDArray[Any]]:
        batch = len(guidance_scales)
        return {
            "latents": self._noise(batch, 4, frames, 16, 16),
            "conditioning": self._noise(batch, 9, frames, 16, 16),
            "audio": self._noise(batch, frames, 30, 96),
            "timestep": self._random.integers(0, 1000, batch),
            "guidance_scale": np.array(guidance_scales, np.float32),
        }

    def _noise(self, *shape: int) -> NDArray[np.float32]:
        return self._random.standard_normal(shape, dtype=np.float32)
