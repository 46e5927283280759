"""The variants Lipstage serves: each is one version of the same five networks."""

from collections.abc import Mapping
from dataclasses import dataclass

from export.unet_config import MotionConfig, UNetConfig
from export.whisper import WhisperDims
from services.common.errors import InvalidParameter

AUDIO_ROWS_PER_FRAME = 10
"""Whisper time steps given to one video frame, each with every hidden state as a token."""


@dataclass(frozen=True)
class Variant:
    """What a variant's networks look like, and the face they work on."""

    name: str
    resolution: int
    """Side of the square face, px."""
    unet: UNetConfig
    whisper: WhisperDims
    vae: Mapping[str, object]
    """A diffusers AutoencoderKL config."""
    ships: bool = False
    """The variant's graphs come with the source: their weights are rounded to half precision and stored as such."""
    note: str = ""
    """One line a user should see before trusting what the variant makes."""

    @property
    def audio_tokens(self) -> int:
        """Tokens per video frame."""
        return AUDIO_ROWS_PER_FRAME * (self.whisper.n_audio_layer + 1)


def variant_named(name: str) -> Variant:
    """Raises InvalidParameter for a name that is no variant."""
    if name not in VARIANTS:
        raise InvalidParameter(f"There is no variant {name}; there are {', '.join(VARIANTS)}.", variant=name)
    return VARIANTS[name]


def _vae(widths: tuple[int, ...], layers_per_block: int, norm_groups: int) -> dict[str, object]:
    return {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 4,
        "down_block_types": ("DownEncoderBlock2D",) * len(widths),
        "up_block_types": ("UpDecoderBlock2D",) * len(widths),
        "block_out_channels": widths,
        "layers_per_block": layers_per_block,
        "act_fn": "silu",
        "norm_num_groups": norm_groups,
    }


_WHISPER_TINY = WhisperDims(n_mels=80, n_audio_ctx=1500, n_audio_state=384, n_audio_head=6, n_audio_layer=4)
_SD_VAE = _vae((128, 256, 512, 512), layers_per_block=2, norm_groups=32)

LATENTSYNC_15 = Variant("15", 256, UNetConfig(), _WHISPER_TINY, _SD_VAE)
LATENTSYNC_16 = Variant("16", 512, UNetConfig(), _WHISPER_TINY, _SD_VAE)
DEMO = Variant(
    "1",
    128,
    UNetConfig(
        block_out_channels=(64, 96, 128),
        down_block_types=("DownBlock3D", "CrossAttnDownBlock3D", "CrossAttnDownBlock3D"),
        up_block_types=("CrossAttnUpBlock3D", "CrossAttnUpBlock3D", "UpBlock3D"),
        layers_per_block=1,
        attention_head_dim=4,
        cross_attention_dim=96,
        norm_num_groups=8,
        use_inflated_groupnorm=True,  # one frame at a time, then clips: statistics must not depend on the clip's length
        motion_module_resolutions=(2, 4),
        motion_module_kwargs=MotionConfig(num_attention_heads=4),
        audio_token_positions=30,
        prediction_type="v_prediction",
    ),
    WhisperDims(n_mels=80, n_audio_ctx=1500, n_audio_state=96, n_audio_head=2, n_audio_layer=2),
    _vae((16, 16, 64, 128), layers_per_block=1, norm_groups=8) | {"mid_block_add_attention": False},
    ships=True,
    note="Variant 1 is a tiny network trained on drawn faces: to see the pipeline work, not for production.",
)

VARIANTS: Mapping[str, Variant] = {variant.name: variant for variant in (DEMO, LATENTSYNC_15, LATENTSYNC_16)}
