"""LatentSync's denoising UNet: Stable Diffusion 1.x with audio attention and temporal motion modules.

State-dict names are those of the released checkpoints. Forward passes trace with dynamic batch, frames and size.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.unet_blocks import ClipGroupNorm, DownBlock, MidBlock, UpBlock
from export.unet_config import UNetConfig
from services.common.errors import InvalidParameter

__all__ = ["UNet3D", "UNetConfig"]


def timestep_sinusoid(timestep: Tensor, width: int, flip_sin_to_cos: bool, freq_shift: float) -> Tensor:
    """B timesteps → B×width float32: [sin | cos], or [cos | sin] flipped, of t·10000^(−i/(width/2 − freq_shift))."""
    half = width // 2
    exponent = torch.arange(half, dtype=torch.float32, device=timestep.device) / (half - freq_shift)
    angle = timestep.float()[:, None] * torch.exp(-math.log(10000.0) * exponent)
    parts = (angle.cos(), angle.sin()) if flip_sin_to_cos else (angle.sin(), angle.cos())
    return torch.cat(parts, dim=-1)


class TimestepEmbedding(nn.Module):
    """Linear, SiLU, Linear: B×width → B×4·width."""

    def __init__(self, width: int, embed_dim: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(width, embed_dim)
        self.linear_2 = nn.Linear(embed_dim, embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_2(functional.silu(self.linear_1(x)))  # type: ignore[no-any-return]


class UNet3D(nn.Module):
    """Predicts the noise in a window of latents, or what else `prediction_type` names.

    In every method `sample` is B×in×F×h×w, `timestep` an int, a 0-d tensor or B of them, `audio` (B·F)×S×D
    (clip-major, frame-minor), B×F×S×D or None. Without audio the attentions to it are skipped, residual and all.
    h and w may be any size; F is limited by the motion modules' position table (InvalidParameter beyond it).
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.block_out_channels
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)
        self.time_embedding = TimestepEmbedding(widths[0], config.time_embed_dim)
        self.down_blocks = nn.ModuleList(DownBlock(level, config) for level in range(len(widths)))
        self.mid_block = MidBlock(config)
        self.up_blocks = nn.ModuleList(UpBlock(index, config) for index in range(len(widths)))
        self.conv_norm_out = ClipGroupNorm(widths[0], config)
        self.conv_out = nn.Conv2d(widths[0], config.out_channels, 3, padding=1)
        if config.audio_token_positions:
            positions = torch.zeros(config.audio_token_positions, config.cross_attention_dim)
            self.audio_positions = nn.Parameter(positions)
        for conv in (self.conv_in, self.conv_out):
            nn.init.zeros_(conv.weight)
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]

    def forward(self, sample: Tensor, timestep: Tensor | int, audio: Tensor | None) -> Tensor:
        """The predicted noise, B×out×F×h×w."""
        return self.forward_deep(sample, timestep, audio)[0]

    def forward_deep(self, sample: Tensor, timestep: Tensor | int, audio: Tensor | None) -> tuple[Tensor, Tensor]:
        """The predicted noise and the deep features, B×C×F×h×w, that `forward_cached` starts from.

        The deep features enter the last layer of the last up block (Ma et al. 2023, DeepCache, arXiv:2312.00858).
        """
        x, temb, audio = self._enter(sample, timestep, audio)
        skips = [x]
        for down in self.down_blocks:
            skips.extend(down(skips[-1], temb, audio))
        hidden = self.mid_block(skips[-1], temb, audio)
        *ups, last_up = self.up_blocks
        for up in ups:
            hidden = up(hidden, skips, temb, audio)
        for index in range(self.config.layers_per_block):
            hidden = last_up.skip_layer(index, hidden, skips.pop(), temb, audio)  # type: ignore[operator]
        return self._leave(hidden, x, temb, audio), _to_clips(hidden, temb.shape[0])

    def forward_cached(
        self, sample: Tensor, timestep: Tensor | int, audio: Tensor | None, deep_features: Tensor
    ) -> Tensor:
        """The predicted noise from an earlier step's deep features, evaluating only the outermost layer."""
        x, temb, audio = self._enter(sample, timestep, audio)
        return self._leave(_to_frames(deep_features), x, temb, audio)

    def _enter(
        self, sample: Tensor, timestep: Tensor | int, audio: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """conv_in's (B·F)×C×h×w, the time embedding B×T and the audio (B·F)×S×D."""
        if not torch.onnx.is_in_onnx_export():
            self._require_positions(sample.shape[2])
        config = self.config
        if config.center_input_sample:
            sample = 2 * sample - 1
        if not isinstance(timestep, Tensor):
            timestep = torch.tensor(timestep, device=sample.device)
        timesteps = timestep.reshape(-1).expand(sample.shape[0])
        sinusoid = timestep_sinusoid(timesteps, config.block_out_channels[0], config.flip_sin_to_cos, config.freq_shift)
        temb = self.time_embedding(sinusoid.to(sample.dtype))
        if audio is not None and audio.ndim == 4:
            audio = audio.flatten(0, 1)
        if audio is not None and config.audio_token_positions:
            audio = audio + self.audio_positions[: audio.shape[1]]
        return self.conv_in(_to_frames(sample)), temb, audio

    def _leave(self, hidden: Tensor, first_skip: Tensor, temb: Tensor, audio: Tensor | None) -> Tensor:
        """The last layer of the last up block and the output convolution."""
        batch = temb.shape[0]
        last_up = self.up_blocks[-1]
        hidden = last_up.skip_layer(self.config.layers_per_block, hidden, first_skip, temb, audio)  # type: ignore[operator]
        return _to_clips(self.conv_out(functional.silu(self.conv_norm_out(hidden, batch))), batch)

    def _require_positions(self, frames: int) -> None:
        motion = self.config.motion_module_kwargs
        limit = motion.temporal_position_encoding_max_len
        if self.config.use_motion_module and motion.temporal_position_encoding and frames > limit:
            raise InvalidParameter(f"A window of {frames} frames exceeds the UNet's {limit} temporal positions.")


def _to_frames(clips: Tensor) -> Tensor:
    """B×C×F×h×w → (B·F)×C×h×w."""
    return clips.transpose(1, 2).flatten(0, 1)


def _to_clips(frames: Tensor, batch: int) -> Tensor:
    """(B·F)×C×h×w → B×C×F×h×w."""
    return frames.reshape(batch, -1, frames.shape[1], frames.shape[2], frames.shape[3]).transpose(1, 2)
