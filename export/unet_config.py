"""The UNet's configuration: the `model:` section of LatentSync's YAML files, every key checked."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from services.common.errors import InvalidParameter

MOTION_NORM_GROUPS = 32
"""Groups of a motion module's normalisation; fixed by the architecture, whatever `norm_num_groups` says."""

Count = Annotated[int, Field(strict=True, gt=0)]
Number = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


class MotionConfig(BaseModel):
    """`motion_module_kwargs`; the defaults are the released models'."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_attention_heads: Count = 8
    num_transformer_block: Count = 1
    attention_block_types: Annotated[tuple[Literal["Temporal_Self"], ...], Field(min_length=1)] = (
        "Temporal_Self",
        "Temporal_Self",
    )
    temporal_position_encoding: StrictBool = True
    temporal_position_encoding_max_len: Count = 24
    temporal_attention_dim_div: Count = 1
    zero_initialize: StrictBool = True


class UNetConfig(BaseModel):
    """A UNet's shape. Key names are the YAML's; the defaults are LatentSync 1.5's and 1.6's, which are the same.

    `attention_head_dim` is the *number of heads*, as in Stable Diffusion 1.x. `sample_size` (latent pixels) is only a
    default size and shapes nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_channels: Count = 13
    out_channels: Count = 4
    sample_size: Count | None = 64
    block_out_channels: Annotated[tuple[Count, ...], Field(min_length=1)] = (320, 640, 1280, 1280)
    down_block_types: tuple[Literal["CrossAttnDownBlock3D", "DownBlock3D"], ...] = (
        "CrossAttnDownBlock3D",
        "CrossAttnDownBlock3D",
        "CrossAttnDownBlock3D",
        "DownBlock3D",
    )
    mid_block_type: Literal["UNetMidBlock3DCrossAttn"] = "UNetMidBlock3DCrossAttn"
    up_block_types: tuple[Literal["CrossAttnUpBlock3D", "UpBlock3D"], ...] = (
        "UpBlock3D",
        "CrossAttnUpBlock3D",
        "CrossAttnUpBlock3D",
        "CrossAttnUpBlock3D",
    )
    layers_per_block: Count = 2
    attention_head_dim: Count = 8
    cross_attention_dim: Count = 384
    norm_num_groups: Count = 32
    norm_eps: Number = 1e-5
    act_fn: Literal["silu", "swish", "mish"] = "silu"
    downsample_padding: Annotated[int, Field(strict=True, ge=0)] = 1
    mid_block_scale_factor: Number = 1.0
    flip_sin_to_cos: StrictBool = True
    freq_shift: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] = 0.0
    center_input_sample: StrictBool = False
    resnet_time_scale_shift: Literal["default", "scale_shift"] = "default"
    add_audio_layer: StrictBool = True
    use_inflated_groupnorm: StrictBool = False
    use_linear_projection: StrictBool = False
    only_cross_attention: StrictBool = False
    upcast_attention: StrictBool = False
    use_motion_module: StrictBool = True
    motion_module_type: Literal["Vanilla"] = "Vanilla"
    motion_module_resolutions: tuple[Count, ...] = (1, 2, 4, 8)
    motion_module_mid_block: StrictBool = False
    motion_module_decoder_only: StrictBool = False
    motion_module_kwargs: MotionConfig = MotionConfig()
    audio_token_positions: Annotated[int, Field(strict=True, ge=0)] = 0
    """Learned positions for this many audio tokens of a frame. LatentSync has none: a large network reads the order
    from the tokens themselves, a tiny one cannot."""
    prediction_type: Literal["epsilon", "v_prediction"] = "epsilon"
    """What the weights were trained to predict, in diffusers' words. Exported graphs always predict the noise."""

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """The configuration in `values`; raises InvalidParameter for an unknown key or an unsupported value."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as invalid:
            problems = [_problem(".".join(map(str, e["loc"])), e["type"], e["msg"]) for e in invalid.errors()]
            raise InvalidParameter(f"The UNet configuration is not valid: {'; '.join(problems)}.") from None

    @property
    def time_embed_dim(self) -> int:
        return 4 * self.block_out_channels[0]

    def down_motion(self, level: int) -> bool:
        """Whether the down block at `level` (0 = full resolution) has motion modules."""
        return self._has_motion(level) and not self.motion_module_decoder_only

    def mid_motion(self) -> bool:
        """Whether the mid block has a motion module."""
        return self.use_motion_module and self.motion_module_mid_block

    def up_motion(self, index: int) -> bool:
        """Whether up block `index` (0 = lowest resolution) has motion modules."""
        return self._has_motion(len(self.block_out_channels) - 1 - index)

    def _has_motion(self, level: int) -> bool:
        return self.use_motion_module and 2**level in self.motion_module_resolutions

    @model_validator(mode="after")
    def _levels_agree(self) -> Self:
        levels = len(self.block_out_channels)
        for name, types in (("down_block_types", self.down_block_types), ("up_block_types", self.up_block_types)):
            if len(types) != levels:
                raise ValueError(f"{name} names {len(types)} blocks but block_out_channels has {levels} levels")
        if self.block_out_channels[0] % 2:
            raise ValueError(f"block_out_channels starts with {self.block_out_channels[0]}, which is not even")
        return self

    @model_validator(mode="after")
    def _widths_divide(self) -> Self:
        for level, width in enumerate(self.block_out_channels):
            _require_divisible(width, self.norm_num_groups, "norm_num_groups")
            if self._has_attention(level):
                _require_divisible(width, self.attention_head_dim, "attention_head_dim (the number of heads)")
            if self._has_motion(level) or (self.mid_motion() and level == len(self.block_out_channels) - 1):
                self._require_motion_fits(width)
        return self

    def _has_attention(self, level: int) -> bool:
        last = len(self.block_out_channels) - 1
        return (
            level == last
            or self.down_block_types[level] == "CrossAttnDownBlock3D"
            or self.up_block_types[last - level] == "CrossAttnUpBlock3D"
        )

    def _require_motion_fits(self, width: int) -> None:
        motion = self.motion_module_kwargs
        _require_divisible(width, MOTION_NORM_GROUPS, "the motion modules' fixed number of norm groups")
        _require_divisible(
            width,
            motion.num_attention_heads * motion.temporal_attention_dim_div,
            "motion_module_kwargs' num_attention_heads × temporal_attention_dim_div",
        )
        if motion.temporal_position_encoding and width // motion.temporal_attention_dim_div % 2:
            raise ValueError(f"a temporal position encoding needs an even width, and {width} gives an odd one")


def _require_divisible(width: int, divisor: int, name: str) -> None:
    if width % divisor:
        raise ValueError(f"a block of {width} channels cannot be divided by {name} = {divisor}")


def _problem(key: str, kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return f"unknown key {key}"
    return f"{key}: {message}" if key else message.removeprefix("Value error, ")
