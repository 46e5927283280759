"""Exported graphs in ONNX Runtime, behind the calls of the torch networks they were made from."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from export import networks
from export.metadata import GraphMetadata
from export.networks import Network
from export.onnx_export import session_of, write_graph
from export.unet import UNet3D
from export.vae import VaeDecoder, VaeEncoder
from export.whisper import WhisperEncoder
from services.common.errors import InvalidParameter

_UNPUBLISHED = GraphMetadata(variant="parity", resolution=0, source_sha256="", precision="fp32")


class ExportedNetwork:
    """A network exported for this comparison only, called with float32 or int64 tensors in the graph's input order."""

    def __init__(self, network: Network) -> None:
        self._inputs = list(network.inputs)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.onnx")
            write_graph(network, _UNPUBLISHED, path)
            self._session = session_of(path)

    def __call__(self, *inputs: Tensor) -> Tensor:
        """The graph's first output."""
        return self.outputs(*inputs)[0]

    def outputs(self, *inputs: Tensor) -> list[Tensor]:
        """All of the graph's outputs."""
        arrays = {name: np.ascontiguousarray(value.numpy()) for name, value in zip(self._inputs, inputs, strict=True)}
        return [torch.from_numpy(output) for output in self._session.run(None, arrays)]


def exported_whisper(encoder: WhisperEncoder) -> ExportedNetwork:
    """mel B×80×T → B×T/2×(layers+1)×D."""
    return ExportedNetwork(networks.whisper_encoder(encoder))


def exported_vae(encoder: VaeEncoder, decoder: VaeDecoder) -> tuple[ExportedNetwork, ExportedNetwork]:
    """images → moments, and latents → images."""
    return ExportedNetwork(networks.vae_encoder(encoder)), ExportedNetwork(networks.vae_decoder(decoder))


class ExportedUNet:
    """`unet` and `unet_cached` with guidance scale 1, which evaluates a sample as it is.

    These graphs always hear audio: InvalidParameter without. Deep features are B×1×C×F×h×w.
    """

    def __init__(self, unet: UNet3D) -> None:
        self._noise_channels = unet.config.out_channels
        self._full = ExportedNetwork(networks.unet(unet))
        self._cached = ExportedNetwork(networks.unet_cached(unet))

    def forward_deep(self, sample: Tensor, timestep: Tensor, audio: Tensor | None) -> tuple[Tensor, Tensor]:
        noise, deep_features = self._full.outputs(*self._step_inputs(sample, timestep, audio))
        return noise, deep_features

    def forward_cached(self, sample: Tensor, timestep: Tensor, audio: Tensor | None, deep_features: Tensor) -> Tensor:
        return self._cached(*self._step_inputs(sample, timestep, audio), deep_features)

    def _step_inputs(self, sample: Tensor, timestep: Tensor, audio: Tensor | None) -> tuple[Tensor, ...]:
        if audio is None:
            raise InvalidParameter("An exported UNet cannot be evaluated without audio.")
        batch, frames = sample.shape[0], sample.shape[2]
        return (
            sample[:, : self._noise_channels],
            sample[:, self._noise_channels :],
            audio.reshape(batch, frames, *audio.shape[-2:]),
            timestep.expand(batch),
            torch.ones(batch),
        )
