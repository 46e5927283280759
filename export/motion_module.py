"""The temporal transformer that couples the frames of a window (Guo et al. 2023, AnimateDiff, arXiv:2307.04725)."""

import math

import torch
from torch import Tensor, nn

from export.attention import TRANSFORMER_NORM_EPS, Attention, FeedForward
from export.unet_config import MOTION_NORM_GROUPS, MotionConfig


def sinusoidal_positions(length: int, channels: int) -> Tensor:
    """The table of Vaswani et al. 2017, §3.5: length×channels float32, even channels sin, odd ones cos, base 10000."""
    position = torch.arange(length).unsqueeze(1)
    frequency = torch.exp(torch.arange(0, channels, 2) * (-math.log(10000.0) / channels))
    angle = position * frequency
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)


class PositionEncoding(nn.Module):
    """Adds the positions 0…F−1 to N×F×C tokens; the table is a buffer that checkpoints carry."""

    pe: Tensor

    def __init__(self, channels: int, max_length: int) -> None:
        super().__init__()
        self.register_buffer("pe", sinusoidal_positions(max_length, channels).unsqueeze(0))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pe[:, : x.shape[1]]


class TemporalAttention(Attention):
    """Self-attention over the frames, N×F×C → N×F×C; positions enter q, k and v alike."""

    def __init__(self, width: int, config: MotionConfig) -> None:
        super().__init__(width, width, config.num_attention_heads)
        self.pos_encoder: nn.Module = nn.Identity()
        if config.temporal_position_encoding:
            self.pos_encoder = PositionEncoding(width, config.temporal_position_encoding_max_len)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        placed = self.pos_encoder(x)
        return super().forward(placed, placed)


class TemporalTransformerBlock(nn.Module):
    """Temporal attentions one after the other, then a feed-forward, each residual and normalised before."""

    def __init__(self, width: int, config: MotionConfig) -> None:
        super().__init__()
        count = len(config.attention_block_types)
        self.attention_blocks = nn.ModuleList(TemporalAttention(width, config) for _ in range(count))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(count))
        self.ff = FeedForward(width)
        self.ff_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        for norm, attention in zip(self.norms, self.attention_blocks, strict=True):
            x = x + attention(norm(x))
        return x + self.ff(self.ff_norm(x))  # type: ignore[no-any-return]


class TemporalTransformer(nn.Module):
    """Attention over time at every place of the picture: (B·F)×C×h×w → (B·F)×C×h×w."""

    def __init__(self, channels: int, config: MotionConfig) -> None:
        super().__init__()
        width = channels // config.temporal_attention_dim_div
        self.norm = nn.GroupNorm(MOTION_NORM_GROUPS, channels, eps=TRANSFORMER_NORM_EPS)
        self.proj_in = nn.Linear(channels, width)
        self.transformer_blocks = nn.ModuleList(
            TemporalTransformerBlock(width, config) for _ in range(config.num_transformer_block)
        )
        self.proj_out = nn.Linear(width, channels)
        if config.zero_initialize:
            nn.init.zeros_(self.proj_out.weight)
            nn.init.zeros_(self.proj_out.bias)

    def forward(self, x: Tensor, batch: int) -> Tensor:
        frames = self.norm(x).flatten(2)
        clips = frames.reshape(batch, -1, frames.shape[1], frames.shape[2])  # B×F×C×(h·w)
        tokens = clips.permute(0, 3, 1, 2).flatten(0, 1)
        tokens = self.proj_in(tokens)
        for block in self.transformer_blocks:
            tokens = block(tokens)
        tokens = self.proj_out(tokens)
        by_place = tokens.reshape(batch, -1, tokens.shape[1], tokens.shape[2])  # B×(h·w)×F×C
        return x + by_place.permute(0, 2, 3, 1).reshape(x.shape)  # type: ignore[no-any-return]


class MotionModule(nn.Module):
    """The name under which checkpoints keep a temporal transformer."""

    def __init__(self, channels: int, config: MotionConfig) -> None:
        super().__init__()
        self.temporal_transformer = TemporalTransformer(channels, config)

    def forward(self, x: Tensor, batch: int) -> Tensor:
        """x (B·F)×C×h×w, frame-minor, of `batch` clips → the same shape."""
        return self.temporal_transformer(x, batch)  # type: ignore[no-any-return]
