"""What a UNet configuration may say."""

from typing import Any

import pytest

from export.unet_config import UNetConfig
from services.common.errors import InvalidParameter


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"num_class_embeds": 10}, "unknown key num_class_embeds"),
        ({"motion_module_kwargs": {"heads": 8}}, "unknown key motion_module_kwargs.heads"),
        ({"down_block_types": ["AttnDownBlock3D"] * 4}, "down_block_types.0"),
        ({"mid_block_type": "UNetMidBlock2D"}, "mid_block_type"),
        ({"motion_module_type": "Sparse"}, "motion_module_type"),
        ({"motion_module_kwargs": {"attention_block_types": ["Temporal_Cross"]}}, "attention_block_types.0"),
        ({"resnet_time_scale_shift": "ada_group"}, "resnet_time_scale_shift"),
        ({"act_fn": "relu"}, "act_fn"),
        ({"norm_eps": "1e-5"}, "norm_eps"),
        ({"layers_per_block": 0}, "layers_per_block"),
        ({"layers_per_block": True}, "layers_per_block"),
        ({"add_audio_layer": "yes"}, "add_audio_layer"),
        ({"block_out_channels": [320, 640]}, "down_block_types names 4 blocks but block_out_channels has 2 levels"),
        ({"attention_head_dim": 7}, "320 channels cannot be divided by attention_head_dim"),
        ({"norm_num_groups": 48}, "320 channels cannot be divided by norm_num_groups = 48"),
        (
            {"block_out_channels": [48, 96, 96, 96], "norm_num_groups": 8},
            "48 channels cannot be divided by the motion modules' fixed number of norm groups = 32",
        ),
    ],
)
def test_an_unknown_key_or_unsupported_value_is_refused_by_name(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        UNetConfig.from_dict(values)

    assert complaint in str(refused.value)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InvalidParameter) as refused:
        UNetConfig.from_dict({"act_fn": "relu", "colour": 3})

    assert "act_fn" in str(refused.value)
    assert "colour" in str(refused.value)


def test_widths_that_no_motion_module_sees_need_not_suit_one() -> None:
    values = {"block_out_channels": [48, 96, 96, 96], "norm_num_groups": 8, "motion_module_resolutions": [2, 4, 8]}

    config = UNetConfig.from_dict(values)

    assert [config.down_motion(level) for level in range(4)] == [False, True, True, True]
    assert [config.up_motion(index) for index in range(4)] == [True, True, True, False]
