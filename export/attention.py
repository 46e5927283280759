"""Attention, the gated feed-forward and the spatial transformer of Stable Diffusion 1.x, with audio as the context."""

from torch import Tensor, nn
from torch.nn import functional

from export.unet_config import UNetConfig

TRANSFORMER_NORM_EPS = 1e-6


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, scale: float) -> Tensor:
    """softmax(scale·q·kᵀ)·v over `heads` heads: q N×L×C, k and v N×S×C → N×L×C.

    `scale` is given because a number read from a traced shape would not stay a constant of the exported graph.
    """
    q, k, v = (_split_heads(x, heads) for x in (q, k, v))
    return functional.scaled_dot_product_attention(q, k, v, scale=scale).transpose(1, 2).flatten(2)


def _split_heads(x: Tensor, heads: int) -> Tensor:
    return x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


class Attention(nn.Module):
    """Multi-head attention of N×L×`width` tokens to N×S×`context_width` tokens; q, k and v have no bias."""

    def __init__(self, width: int, context_width: int, heads: int, upcast: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.upcast = upcast
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_width, width, bias=False)
        self.to_v = nn.Linear(context_width, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        q, k, v = self.to_q(x), self.to_k(context), self.to_v(context)
        if self.upcast and q.element_size() < 4:
            mixed = attend(q.float(), k.float(), v.float(), self.heads, self.scale).to(x.dtype)
        else:
            mixed = attend(q, k, v, self.heads, self.scale)
        return self.to_out(mixed)  # type: ignore[no-any-return]


class GEGLU(nn.Module):
    """value·GELU(gate), both halves from one projection (Shazeer 2020, arXiv:2002.05202); exact, erf-based GELU."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * hidden)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * functional.gelu(gate)  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    """Linear C→8C, GEGLU, Linear 4C→C over N×L×C tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # The checkpoints number the last layer 2: place 1 is the dropout of training.
        self.net = nn.Sequential(GEGLU(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # type: ignore[no-any-return]


class TransformerBlock(nn.Module):
    """Self-attention, audio attention and feed-forward, each residual and normalised before.

    With `only_cross_attention` the first attention attends to the audio as well. Without audio every attention to it
    is skipped, residual and all.
    """

    def __init__(self, width: int, config: UNetConfig) -> None:
        super().__init__()
        heads, audio_width, upcast = config.attention_head_dim, config.cross_attention_dim, config.upcast_attention
        self.first_hears = config.only_cross_attention
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = Attention(width, audio_width if self.first_hears else width, heads, upcast)
        self.attn2 = None
        if config.add_audio_layer:
            self.norm2 = nn.LayerNorm(width)
            self.attn2 = Attention(width, audio_width, heads, upcast)
        self.ff = FeedForward(width)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, x: Tensor, audio: Tensor | None) -> Tensor:
        """x N×(h·w)×C, audio N×S×D or None → N×(h·w)×C."""
        normed = self.norm1(x)
        if not self.first_hears:
            x = x + self.attn1(normed, normed)
        elif audio is not None:
            x = x + self.attn1(normed, audio)
        if self.attn2 is not None and audio is not None:
            x = x + self.attn2(self.norm2(x), audio)
        return x + self.ff(self.norm3(x))  # type: ignore[no-any-return]


class SpatialTransformer(nn.Module):
    """Attention within each frame and to that frame's audio: x N×C×h×w, audio N×S×D or None → N×C×h×w."""

    def __init__(self, width: int, config: UNetConfig) -> None:
        super().__init__()
        self.linear = config.use_linear_projection
        self.norm = nn.GroupNorm(config.norm_num_groups, width, eps=TRANSFORMER_NORM_EPS)
        self.proj_in = nn.Linear(width, width) if self.linear else nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(width, config)])
        self.proj_out = nn.Linear(width, width) if self.linear else nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor, audio: Tensor | None) -> Tensor:
        normed = self.norm(x)
        tokens = self.proj_in(_tokens(normed)) if self.linear else _tokens(self.proj_in(normed))
        for block in self.transformer_blocks:
            tokens = block(tokens, audio)
        if self.linear:
            return x + self.proj_out(tokens).transpose(1, 2).reshape(x.shape)  # type: ignore[no-any-return]
        return x + self.proj_out(tokens.transpose(1, 2).reshape(x.shape))  # type: ignore[no-any-return]


def _tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)
