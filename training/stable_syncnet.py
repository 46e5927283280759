"""StableSyncNet (Li et al. 2024, arXiv:2412.09262): do these 16 mouths speak this sound?

State-dict names are those of the published checkpoint.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.attention import FeedForward, attend
from export.checkpoint_files import read_checkpoint
from export.checkpoints import load_strictly
from training.stable_syncnet_config import Factor, StableSyncNetConfig, TowerConfig

NORM_EPS = 1e-6


class StableSyncNet(nn.Module):
    """Embeds lower face halves and mel windows on the non-negative part of the unit sphere."""

    def __init__(self, config: StableSyncNetConfig) -> None:
        super().__init__()
        self.config = config
        self.audio_encoder = Tower(config.audio_encoder)
        self.visual_encoder = Tower(config.visual_encoder)

    def forward(self, frames: Tensor, mel: Tensor) -> tuple[Tensor, Tensor]:
        """The unit embeddings B×D of `frames` and `mel`; their dot product, the cosine, is in [0, 1]."""
        return self.embed_frames(frames), self.embed_mel(mel)

    def embed_frames(self, frames: Tensor) -> Tensor:
        """B×3F×h×w in [−1, 1], frame-major and channel-minor → B×D."""
        return functional.normalize(self.visual_encoder(frames))

    def embed_mel(self, mel: Tensor) -> Tensor:
        """B×1×80×52 → B×D."""
        return functional.normalize(self.audio_encoder(mel))


class Tower(nn.Module):
    """B×C×h×w → B×D, D = last width × what is left of h and w; every number ≥ 0."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        widths = config.block_out_channels
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)
        blocks: list[nn.Module] = []
        entering = widths[0]
        for width, factor, attends in zip(widths, config.downsample_factors, config.attn_blocks, strict=True):
            blocks.append(Level(entering, width, factor, config))
            if attends:
                blocks.append(SpatialAttention(width, config))
            entering = width
        self.down_blocks = nn.ModuleList(blocks)
        self.norm_out = nn.GroupNorm(config.norm_num_groups, widths[-1], eps=NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return functional.relu(self.norm_out(x)).flatten(1)


class Level(nn.Module):
    """A residual block, then a strided convolution unless `factor` is 1: B×in×h×w → B×out×h/rows×w/columns."""

    def __init__(self, entering: int, width: int, factor: Factor, config: TowerConfig) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(config.norm_num_groups, entering, eps=NORM_EPS)
        self.conv1 = nn.Conv2d(entering, width, 3, padding=1)
        self.norm2 = nn.GroupNorm(config.norm_num_groups, width, eps=NORM_EPS)
        self.dropout = nn.Dropout(config.dropout)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(entering, width, 1) if entering != width else None
        self.padding = _padding(factor)
        self.downsample_conv = nn.Conv2d(width, width, 3, stride=factor) if factor != 1 else None

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(functional.silu(self.norm1(x)))
        hidden = self.conv2(self.dropout(functional.silu(self.norm2(hidden))))
        if self.conv_shortcut is not None:
            x = self.conv_shortcut(x)
        x = x + hidden
        if self.downsample_conv is not None:
            x = self.downsample_conv(functional.pad(x, self.padding))
        return x


class SelfAttention(nn.Module):
    """Multi-head self-attention of N×L×C tokens; q, k and v have a bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        mixed = attend(self.to_q(x), self.to_k(x), self.to_v(x), self.heads, self.scale)
        return self.to_out(mixed)  # type: ignore[no-any-return]


class SpatialAttention(nn.Module):
    """Self-attention among the positions of B×C×h×w and a feed-forward, residual as a whole."""

    def __init__(self, width: int, config: TowerConfig) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(config.norm_num_groups, width, eps=NORM_EPS)
        self.conv_in = nn.Conv2d(width, width, 1)
        self.norm2 = nn.LayerNorm(width)
        self.attn = SelfAttention(width, config.heads)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width)
        self.conv_out = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.conv_in(self.norm1(x)).flatten(2).transpose(1, 2)
        tokens = tokens + self.attn(self.norm2(tokens))
        tokens = tokens + self.ff(self.norm3(tokens))
        return x + self.conv_out(tokens.transpose(1, 2).reshape(x.shape))  # type: ignore[no-any-return]


def load_stable_syncnet(config: StableSyncNetConfig, path: Path) -> StableSyncNet:
    """The network in float32, for inference. Raises CheckpointMismatch and what `read_checkpoint` raises."""
    with torch.device("meta"):
        network = StableSyncNet(config)
    load_strictly(network, read_checkpoint(path).tensors, path)
    return network


def _padding(factor: Factor) -> tuple[int, int, int, int]:
    """(left, right, top, bottom) zeros: both sides of an axis that is not strided, else only after it."""
    rows, columns = factor if isinstance(factor, tuple) else (factor, factor)
    if rows == 1:
        return 0, 1, 1, 1
    if columns == 1:
        return 1, 1, 0, 1
    return 0, 1, 0, 1
