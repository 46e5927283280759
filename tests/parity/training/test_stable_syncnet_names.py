"""The full-size StableSyncNet's tensors against what is known of the published checkpoint."""

import re

import pytest
import torch

from training.stable_syncnet import StableSyncNet
from training.stable_syncnet_config import LATENTSYNC_SYNCNET

PARAMETERS, TENSORS = 401_306_080, 266

_RESIDUAL = r"down_blocks\.\d+\.(norm1|conv1|norm2|conv2|conv_shortcut|downsample_conv)"
_ATTENTION = (
    r"down_blocks\.\d+\.(norm[123]|ff\.net\.0\.proj|ff\.net\.2|conv_in|conv_out|attn\.(to_q|to_k|to_v|to_out\.0))"
)
NAME = re.compile(
    rf"(audio_encoder|visual_encoder)\.(conv_in|{_RESIDUAL}|{_ATTENTION}|norm_out)\.(weight|bias)",
)


@pytest.fixture(scope="module")
def shapes() -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        network = StableSyncNet(LATENTSYNC_SYNCNET)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def test_it_has_the_published_number_of_parameters_and_tensors(shapes: dict[str, tuple[int, ...]]) -> None:
    assert sum(torch.Size(shape).numel() for shape in shapes.values()) == PARAMETERS
    assert len(shapes) == TENSORS


def test_every_tensor_has_a_published_name(shapes: dict[str, tuple[int, ...]]) -> None:
    assert not [name for name in shapes if not NAME.fullmatch(name)]


def test_attention_follows_the_published_levels_under_its_own_number(shapes: dict[str, tuple[int, ...]]) -> None:
    """Levels 4 and 5 of the visual tower and 3 and 4 of the audio tower, counted from 0."""
    widths = {name.removesuffix(".attn.to_q.bias"): shape for name, shape in shapes.items() if "attn.to_q.bias" in name}

    assert widths == {
        "visual_encoder.down_blocks.5": (512,),
        "visual_encoder.down_blocks.7": (1024,),
        "audio_encoder.down_blocks.4": (256,),
        "audio_encoder.down_blocks.6": (512,),
    }


def test_it_embeds_the_published_windows() -> None:
    with torch.device("meta"):
        network = StableSyncNet(LATENTSYNC_SYNCNET)
        faces, sound = network(torch.empty(2, 48, 128, 256), torch.empty(2, 1, 80, 52))

    assert faces.shape == sound.shape == (2, 2048)
