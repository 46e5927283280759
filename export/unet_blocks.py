"""Residual blocks, samplers and the down, mid and up blocks of the UNet.

Activations travel as (B·F)×C×h×w, frame-minor, so that 2-D operators apply as they are. What spans a whole clip reads
the number of clips B from the time embedding, which has one row per clip.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.attention import SpatialTransformer
from export.motion_module import MotionModule
from export.unet_config import UNetConfig

ACTIVATIONS: dict[str, type[nn.Module]] = {"silu": nn.SiLU, "swish": nn.SiLU, "mish": nn.Mish}


class ClipGroupNorm(nn.GroupNorm):
    """Group normalisation of (B·F)×C×h×w, its statistics pooled over a clip's frames or taken per frame."""

    def __init__(self, channels: int, config: UNetConfig) -> None:
        super().__init__(config.norm_num_groups, channels, eps=config.norm_eps)
        self.per_frame = config.use_inflated_groupnorm

    def forward(self, x: Tensor, batch: int) -> Tensor:  # type: ignore[override]
        if self.per_frame:
            return super().forward(x)
        clips = x.reshape(batch, -1, self.num_channels, x.shape[2], x.shape[3])
        return super().forward(clips.transpose(1, 2)).transpose(1, 2).flatten(0, 1)


def add_to_clips(x: Tensor, shift: Tensor) -> Tensor:
    """Adds one B×C row per clip to (B·F)×C×h×w."""
    return _by_clip(x, shift).add(_per_clip(shift)).flatten(0, 1)


def scale_clips(x: Tensor, scale: Tensor) -> Tensor:
    """Multiplies (B·F)×C×h×w by one B×C row per clip."""
    return _by_clip(x, scale).mul(_per_clip(scale)).flatten(0, 1)


def _by_clip(x: Tensor, rows: Tensor) -> Tensor:
    return x.reshape(rows.shape[0], -1, x.shape[1], x.shape[2], x.shape[3])


def _per_clip(rows: Tensor) -> Tensor:
    return rows[:, None, :, None, None]


class ResnetBlock(nn.Module):
    """Two normalised 3×3 convolutions, told the time in between: (B·F)×in×h×w → (B·F)×out×h×w."""

    def __init__(self, in_channels: int, out_channels: int, config: UNetConfig, output_scale: float = 1.0) -> None:
        super().__init__()
        self.output_scale = output_scale
        self.scale_shift = config.resnet_time_scale_shift == "scale_shift"
        self.act = ACTIVATIONS[config.act_fn]()
        self.norm1 = ClipGroupNorm(in_channels, config)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.time_emb_proj = nn.Linear(config.time_embed_dim, out_channels * (2 if self.scale_shift else 1))
        self.norm2 = ClipGroupNorm(out_channels, config)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        if in_channels != out_channels:
            self.conv_shortcut: nn.Module = nn.Conv2d(in_channels, out_channels, 1)
        else:
            self.conv_shortcut = nn.Identity()

    def forward(self, x: Tensor, temb: Tensor) -> Tensor:
        batch = temb.shape[0]
        hidden = self.conv1(self.act(self.norm1(x, batch)))
        time = self.time_emb_proj(self.act(temb))
        if self.scale_shift:
            scale, shift = time.chunk(2, dim=1)
            hidden = add_to_clips(scale_clips(self.norm2(hidden, batch), 1 + scale), shift)
        else:
            hidden = self.norm2(add_to_clips(hidden, time), batch)
        total = self.conv_shortcut(x) + self.conv2(self.act(hidden))
        return total if self.output_scale == 1.0 else total / self.output_scale  # type: ignore[no-any-return]


class Downsampler(nn.Module):
    """3×3 convolution with stride 2. Padding 0 pads right and bottom only, as Stable Diffusion's VAE does."""

    def __init__(self, channels: int, padding: int) -> None:
        super().__init__()
        self.asymmetric = padding == 0
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=padding)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(functional.pad(x, (0, 1, 0, 1)) if self.asymmetric else x)  # type: ignore[no-any-return]


class Upsampler(nn.Module):
    """Nearest-neighbour resize to the size of the next skip, then a 3×3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        return self.conv(functional.interpolate(x, size=like.shape[2:], mode="nearest"))  # type: ignore[no-any-return]


class Stage(nn.Module):
    """What down and up blocks share: layers of resnet, spatial transformer and motion module at one resolution."""

    def __init__(self, widths: list[tuple[int, int]], attends: bool, moves: bool, config: UNetConfig) -> None:
        """`widths` holds (in, out) channels of each layer."""
        super().__init__()
        self.attentions = nn.ModuleList(SpatialTransformer(out, config) for _, out in widths if attends)
        self.resnets = nn.ModuleList(ResnetBlock(in_, out, config) for in_, out in widths)
        self.motion_modules = nn.ModuleList(
            MotionModule(out, config.motion_module_kwargs) for _, out in widths if moves
        )

    def layer(self, index: int, x: Tensor, temb: Tensor, audio: Tensor | None) -> Tensor:
        """Layer `index` on x (B·F)×C×h×w, temb B×T, audio (B·F)×S×D or None."""
        x = self.resnets[index](x, temb)
        if self.attentions:
            x = self.attentions[index](x, audio)
        if self.motion_modules:
            x = self.motion_modules[index](x, temb.shape[0])
        return x


class DownBlock(Stage):
    """Layers at one resolution, then a downsampler unless it is the last block."""

    def __init__(self, level: int, config: UNetConfig) -> None:
        out = config.block_out_channels[level]
        first = config.block_out_channels[max(level - 1, 0)]
        widths = [(first if j == 0 else out, out) for j in range(config.layers_per_block)]
        attends = config.down_block_types[level] == "CrossAttnDownBlock3D"
        super().__init__(widths, attends, config.down_motion(level), config)
        is_last = level == len(config.block_out_channels) - 1
        self.downsamplers = nn.ModuleList([] if is_last else [Downsampler(out, config.downsample_padding)])

    def forward(self, x: Tensor, temb: Tensor, audio: Tensor | None) -> list[Tensor]:
        """The output of every layer, and of the downsampler if there is one; the last is the block's output."""
        outputs = [x]
        for index in range(len(self.resnets)):
            outputs.append(self.layer(index, outputs[-1], temb, audio))
        for downsampler in self.downsamplers:
            outputs.append(downsampler(outputs[-1]))
        return outputs[1:]


class MidBlock(nn.Module):
    """Resnet, spatial transformer, motion module if asked for, resnet; at the lowest resolution."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        width, scale = config.block_out_channels[-1], config.mid_block_scale_factor
        self.attentions = nn.ModuleList([SpatialTransformer(width, config)])
        self.resnets = nn.ModuleList(ResnetBlock(width, width, config, scale) for _ in range(2))
        self.motion_modules = nn.ModuleList(
            [MotionModule(width, config.motion_module_kwargs)] if config.mid_motion() else []
        )

    def forward(self, x: Tensor, temb: Tensor, audio: Tensor | None) -> Tensor:
        x = self.attentions[0](self.resnets[0](x, temb), audio)
        for motion_module in self.motion_modules:
            x = motion_module(x, temb.shape[0])
        return self.resnets[1](x, temb)  # type: ignore[no-any-return]


class UpBlock(Stage):
    """Layers at one resolution, each fed a skip, then an upsampler unless it is the last block."""

    def __init__(self, index: int, config: UNetConfig) -> None:
        widths = config.block_out_channels[::-1]
        out = widths[index]
        before = widths[max(index - 1, 0)]
        last_skip = widths[min(index + 1, len(widths) - 1)]
        count = config.layers_per_block + 1
        layers = [((before if j == 0 else out) + (last_skip if j == count - 1 else out), out) for j in range(count)]
        attends = config.up_block_types[index] == "CrossAttnUpBlock3D"
        super().__init__(layers, attends, config.up_motion(index), config)
        is_last = index == len(widths) - 1
        self.upsamplers = nn.ModuleList([] if is_last else [Upsampler(out)])

    def forward(self, x: Tensor, skips: list[Tensor], temb: Tensor, audio: Tensor | None) -> Tensor:
        """Takes its skips off the end of `skips`; the upsampler looks at the one after."""
        for index in range(len(self.resnets)):
            x = self.skip_layer(index, x, skips.pop(), temb, audio)
        for upsampler in self.upsamplers:
            x = upsampler(x, skips[-1])
        return x

    def skip_layer(self, index: int, x: Tensor, skip: Tensor, temb: Tensor, audio: Tensor | None) -> Tensor:
        """Layer `index` on x with its skip."""
        return self.layer(index, torch.cat((x, skip), dim=1), temb, audio)
