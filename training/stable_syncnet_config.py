"""StableSyncNet's shape: the `model:` section of LatentSync's syncnet YAML files, and the windows it compares."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.common.errors import InvalidParameter

Count = Annotated[int, Field(strict=True, gt=0)]
Factor = Count | tuple[Count, Count]
"""Down-sampling of a level: the same along both sides, or (rows, columns)."""


class TowerConfig(BaseModel):
    """One encoder. Level i has `block_out_channels[i]` channels, then shrinks by `downsample_factors[i]`.

    Self-attention follows where `attn_blocks[i]` is 1. `norm_num_groups` and `heads` are fixed in the published
    networks; narrow ones need fewer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_channels: Count
    block_out_channels: Annotated[tuple[Count, ...], Field(min_length=1)]
    downsample_factors: tuple[Factor, ...]
    attn_blocks: tuple[Annotated[int, Field(strict=True, ge=0, le=1)], ...]
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    norm_num_groups: Count = 32
    heads: Count = 8

    def features(self, height: int, width: int) -> int:
        """Length of the flattened output for an input of this size."""
        for factor in self.downsample_factors:
            rows, columns = factor if isinstance(factor, tuple) else (factor, factor)
            height, width = _shrunk(height, rows), _shrunk(width, columns)
        return self.block_out_channels[-1] * height * width

    @model_validator(mode="after")
    def _levels_agree(self) -> Self:
        levels = len(self.block_out_channels)
        for name, values in (("downsample_factors", self.downsample_factors), ("attn_blocks", self.attn_blocks)):
            if len(values) != levels:
                raise ValueError(f"{name} has {len(values)} entries but block_out_channels has {levels}")
        for width, attends in zip(self.block_out_channels, self.attn_blocks, strict=True):
            if width % self.norm_num_groups:
                raise ValueError(f"{width} channels cannot be divided by norm_num_groups = {self.norm_num_groups}")
            if attends and width % self.heads:
                raise ValueError(f"{width} channels cannot be divided among {self.heads} heads")
        return self


class StableSyncNetConfig(BaseModel):
    """Two towers over `num_frames` lower face halves and the mel columns of the same time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    visual_encoder: TowerConfig
    audio_encoder: TowerConfig
    resolution: Count = 256
    """Side of the square aligned face, px; the network sees its lower half."""
    num_frames: Count = 16
    mel_bands: Count = 80
    mel_columns: Count = 52

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """The configuration in `values`; raises InvalidParameter for an unknown key or an unsupported value."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as invalid:
            problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors())
            raise InvalidParameter(f"The StableSyncNet configuration is not valid: {problems}.") from None

    @property
    def visual_size(self) -> tuple[int, int]:
        """Rows and columns of the lower half, px."""
        return self.resolution // 2, self.resolution

    @property
    def embedding_width(self) -> int:
        return self.audio_encoder.features(self.mel_bands, self.mel_columns)

    @model_validator(mode="after")
    def _towers_agree(self) -> Self:
        if self.visual_encoder.in_channels != 3 * self.num_frames:
            raise ValueError(
                f"visual_encoder takes {self.visual_encoder.in_channels} channels, not 3 for each of"
                f" {self.num_frames} frames"
            )
        if self.audio_encoder.in_channels != 1:
            raise ValueError(f"audio_encoder takes {self.audio_encoder.in_channels} channels, not 1")
        visual = self.visual_encoder.features(*self.visual_size)
        if visual != self.embedding_width:
            raise ValueError(f"the embeddings differ: {visual} numbers for faces, {self.embedding_width} for sound")
        return self


def _shrunk(length: int, stride: int) -> int:
    """What a kernel of 3 leaves of a side, padded at both ends if it is not strided and else at one."""
    padding = 2 if stride == 1 else 1
    return (length + padding - 3) // stride + 1


LATENTSYNC_SYNCNET = StableSyncNetConfig(
    visual_encoder=TowerConfig(
        in_channels=48,
        block_out_channels=(64, 128, 256, 256, 512, 1024, 2048, 2048),
        downsample_factors=((1, 2), 2, 2, 2, 2, 2, 2, 2),
        attn_blocks=(0, 0, 0, 0, 1, 1, 0, 0),
    ),
    audio_encoder=TowerConfig(
        in_channels=1,
        block_out_channels=(32, 64, 128, 256, 512, 1024, 2048),
        downsample_factors=((2, 1), 2, 2, 1, 2, 2, (2, 3)),
        attn_blocks=(0, 0, 0, 1, 1, 0, 0),
    ),
)
"""The published network, `syncnet_16_pixel_attn`."""
