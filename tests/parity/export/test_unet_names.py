"""The full-size UNet's tensors against the released checkpoint's."""

import json
from pathlib import Path

import torch

from export.unet import UNet3D, UNetConfig


def test_released_unet_has_the_checkpoints_names_and_shapes(golden: Path) -> None:
    expected = json.loads((golden / "unet_v15_keys.json").read_text())

    with torch.device("meta"):
        network = UNet3D(UNetConfig())

    assert {name: list(tensor.shape) for name, tensor in network.state_dict().items()} == expected


def test_the_defaults_are_the_released_values(golden: Path) -> None:
    small = json.loads((golden / "unet_a.json").read_text())["model_config"]
    shrunk = {"block_out_channels": (32, 64, 96, 96), "norm_num_groups": 8, "sample_size": 16}

    assert UNetConfig.from_dict(small) == UNetConfig.from_dict(shrunk)
