"""Whisper's audio encoder (Radford et al. 2022, arXiv:2212.04356), giving every hidden state instead of the last."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.attention import attend
from services.common.errors import InvalidParameter


@dataclass(frozen=True)
class WhisperDims:
    """The encoder's part of a checkpoint's `dims`."""

    n_mels: int
    n_audio_ctx: int
    n_audio_state: int
    n_audio_head: int
    n_audio_layer: int

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """The dims in `values`; the text decoder's are ignored. Raises InvalidParameter."""
        names = [field.name for field in fields(cls)]
        unknown = [key for key in values if key not in names and key != "n_vocab" and not key.startswith("n_text_")]
        if unknown:
            raise InvalidParameter(f"The Whisper dims have unknown keys: {', '.join(sorted(unknown))}.")
        dims: dict[str, int] = {}
        for name in names:
            value = values.get(name)
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise InvalidParameter(f"The Whisper dims need a positive integer {name}, not {value!r}.")
            dims[name] = value
        if dims["n_audio_state"] % dims["n_audio_head"]:
            raise InvalidParameter(
                f"The Whisper dims' n_audio_state = {dims['n_audio_state']} cannot be divided among"
                f" n_audio_head = {dims['n_audio_head']} heads."
            )
        return cls(**dims)


class SelfAttention(nn.Module):
    """Multi-head self-attention of B×L×D tokens; the key projection has no bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        mixed = attend(self.query(x), self.key(x), self.value(x), self.heads, self.scale)
        return self.out(mixed)  # type: ignore[no-any-return]


class EncoderBlock(nn.Module):
    """Self-attention and MLP over B×L×D tokens, each residual and normalised before."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = SelfAttention(width, heads)
        self.attn_ln = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.mlp_ln = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.attn_ln(x))
        return x + self.mlp(self.mlp_ln(x))  # type: ignore[no-any-return]


class WhisperEncoder(nn.Module):
    """Log-mel frames to the hidden states before the first and after every block.

    `ln_post` belongs to the checkpoint but not to the hidden states: LatentSync takes them before it.
    """

    positional_embedding: Tensor

    def __init__(self, dims: WhisperDims) -> None:
        super().__init__()
        width = dims.n_audio_state
        self.dims = dims
        self.conv1 = nn.Conv1d(dims.n_mels, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.register_buffer("positional_embedding", torch.zeros(dims.n_audio_ctx, width))
        self.blocks = nn.ModuleList(EncoderBlock(width, dims.n_audio_head) for _ in range(dims.n_audio_layer))
        self.ln_post = nn.LayerNorm(width)

    def forward(self, mel: Tensor) -> Tensor:
        """mel B×80×T, T at most twice the positions → B×⌈T/2⌉×(layers+1)×D; raises InvalidParameter if too long."""
        if not torch.onnx.is_in_onnx_export() and mel.shape[-1] > 2 * self.dims.n_audio_ctx:
            raise InvalidParameter(
                f"{mel.shape[-1]} mel frames exceed the encoder's {2 * self.dims.n_audio_ctx} frames."
            )
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(mel)))).transpose(1, 2)
        hidden_states = [x + self.positional_embedding[: x.shape[1]]]
        for block in self.blocks:
            hidden_states.append(block(hidden_states[-1]))
        return torch.stack(hidden_states, dim=2)
