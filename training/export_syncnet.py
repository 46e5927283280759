"""A trained StableSyncNet as two ONNX graphs, the one that sees and the one that hears."""

from pathlib import Path

import torch
from torch import Tensor, nn

from export.metadata import GraphMetadata
from export.networks import Axes, Network
from export.onnx_export import Exported, export_network
from training.stable_syncnet import StableSyncNet

VISUAL, AUDIO = "syncnet_visual", "syncnet_audio"


def export_syncnet(
    network: StableSyncNet, source_sha256: str, repository: Path, variant: str = "1", note: str = ""
) -> list[Exported]:
    """Writes `repository`/syncnet_visual/<variant>/model.onnx and syncnet_audio; raises ModelError.

    Visual: `frames` [B,3F,h,w] in [−1, 1], frame-major and channel-minor; audio: `mel` [B,1,80,52]. Both give
    `embedding` [B,D], ≥ 0 and of unit length: a dot product is the cosine.
    """
    config = network.config
    metadata = GraphMetadata(variant, config.resolution, source_sha256, "fp32", note)
    frames = (config.visual_encoder.in_channels, *config.visual_size)
    mel = (config.audio_encoder.in_channels, config.mel_bands, config.mel_columns)
    towers = (
        _tower(VISUAL, _Frames(network), "frames", frames),
        _tower(AUDIO, _Mel(network), "mel", mel),
    )
    return [export_network(tower, metadata, repository) for tower in towers]


class _Frames(nn.Module):
    def __init__(self, network: StableSyncNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> Tensor:
        return self.network.embed_frames(frames)


class _Mel(nn.Module):
    def __init__(self, network: StableSyncNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, mel: Tensor) -> Tensor:
        return self.network.embed_mel(mel)


def _tower(name: str, module: nn.Module, taken: str, shape: tuple[int, ...]) -> Network:
    batch: Axes = {0: "batch"}
    return Network(
        name,
        module.eval().requires_grad_(False),
        {taken: _noise(2, *shape)},
        {taken: _noise(3, *shape)},
        {taken: batch},
        {"embedding": batch},
    )


def _noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
