"""The UNet's options and its DeepCache split, on a small network with random weights."""

from typing import Any

import pytest
import torch
from torch import Tensor

from export.random_weights import randomize
from export.unet import UNet3D, UNetConfig, timestep_sinusoid
from services.common.errors import InvalidParameter

SMALL: dict[str, Any] = {
    "block_out_channels": [32, 64],
    "down_block_types": ["CrossAttnDownBlock3D", "DownBlock3D"],
    "up_block_types": ["UpBlock3D", "CrossAttnUpBlock3D"],
    "layers_per_block": 1,
    "cross_attention_dim": 16,
    "norm_num_groups": 8,
}


def small_unet(**changes: Any) -> UNet3D:
    network = UNet3D(UNetConfig.from_dict(SMALL | changes))
    randomize(network, seed=1)
    return network.eval().requires_grad_(False)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def evaluate(network: UNet3D, batch: int = 1, frames: int = 3, size: tuple[int, int] = (6, 10)) -> Tensor:
    result = network(noise(batch, 13, frames, *size), 500, noise(batch, frames, 4, 16))
    assert isinstance(result, Tensor)
    return result


def test_full_size_variants_have_the_documented_parameter_counts() -> None:
    counts = {}
    for name, changes in {
        "released": {},
        "stage 1": {"use_motion_module": False},
        "decoder-only": {"motion_module_decoder_only": True},
        "whisper small": {"cross_attention_dim": 768},
    }.items():
        with torch.device("meta"):
            network = UNet3D(UNetConfig.from_dict(changes))
        counts[name] = (len(network.state_dict()), sum(p.numel() for p in network.parameters()))

    assert counts == {
        "released": (1246, 1_267_099_844),
        "stage 1": (686, 849_962_244),
        "decoder-only": (1022, 1_100_244_804),
        "whisper small": (1246, 1_276_684_484),
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"layers_per_block": 2},
        {"down_block_types": ["DownBlock3D"] * 2, "up_block_types": ["UpBlock3D"] * 2},
        {"attention_head_dim": 4},
        {"norm_num_groups": 16},
        {"norm_eps": 0.1},
        {"act_fn": "mish"},
        {"mid_block_scale_factor": 2},
        {"flip_sin_to_cos": False},
        {"freq_shift": 1},
        {"center_input_sample": True},
        {"resnet_time_scale_shift": "scale_shift"},
        {"add_audio_layer": False},
        {"use_inflated_groupnorm": True},
        {"only_cross_attention": True},
        {"use_motion_module": False},
        {"motion_module_resolutions": [1]},
        {"motion_module_mid_block": True},
        {"motion_module_decoder_only": True},
        {"motion_module_kwargs": {"num_attention_heads": 4}},
        {"motion_module_kwargs": {"num_transformer_block": 2}},
        {"motion_module_kwargs": {"attention_block_types": ["Temporal_Self"]}},
        {"motion_module_kwargs": {"temporal_position_encoding": False}},
        {"motion_module_kwargs": {"temporal_attention_dim_div": 2}},
    ],
    ids=str,
)
def test_every_option_changes_the_result_and_keeps_its_shape(changes: dict[str, Any]) -> None:
    plain, changed = evaluate(small_unet()), evaluate(small_unet(**changes))

    assert changed.shape == plain.shape == (1, 4, 3, 6, 10)
    assert torch.isfinite(changed).all()
    assert (changed - plain).abs().max() > 1e-3


@pytest.mark.parametrize("padding", [0, 2])
def test_downsampling_with_other_padding_still_fits_the_skips(padding: int) -> None:
    assert evaluate(small_unet(downsample_padding=padding), size=(7, 9)).shape == (1, 4, 3, 7, 9)


def test_linear_projections_compute_what_1x1_convolutions_do() -> None:
    convolutions, linears = small_unet(), small_unet(use_linear_projection=True)
    linears.load_state_dict(
        {
            name: tensor[:, :, 0, 0] if "attentions" in name and tensor.ndim == 4 else tensor
            for name, tensor in convolutions.state_dict().items()
        }
    )

    torch.testing.assert_close(evaluate(linears), evaluate(convolutions), rtol=0, atol=1e-5)


def test_upcast_attention_changes_only_half_precision() -> None:
    plain, upcast = small_unet(), small_unet(upcast_attention=True)
    sample, audio = noise(1, 13, 2, 4, 4).bfloat16(), noise(1, 2, 4, 16).bfloat16()

    assert torch.equal(evaluate(plain), evaluate(upcast))
    assert not torch.equal(plain.bfloat16()(sample, 9, audio), upcast.bfloat16()(sample, 9, audio))


def test_without_audio_a_network_computes_as_if_it_had_no_audio_layer() -> None:
    heard, deaf = small_unet(), small_unet(add_audio_layer=False)
    deaf.load_state_dict({name: heard.state_dict()[name] for name in deaf.state_dict()})
    sample = noise(1, 13, 2, 8, 8)

    assert torch.equal(heard(sample, 500, None), deaf(sample, 500, None))


def test_frames_are_coupled_by_pooled_norms_and_motion_and_by_nothing_else() -> None:
    sample, audio = noise(1, 13, 3, 8, 8), noise(1, 3, 4, 16)
    changed = sample.clone()
    changed[:, :, 2] += 1

    def first_frame_moves(network: UNet3D) -> bool:
        difference = network(sample, 500, audio)[:, :, 0] - network(changed, 500, audio)[:, :, 0]
        return bool(difference.abs().max() > 1e-4)

    assert first_frame_moves(small_unet(use_motion_module=False))
    assert first_frame_moves(small_unet(use_inflated_groupnorm=True))
    assert not first_frame_moves(small_unet(use_motion_module=False, use_inflated_groupnorm=True))


def test_clips_in_a_batch_do_not_see_each_other() -> None:
    network = small_unet()
    sample, audio, timestep = noise(2, 13, 3, 8, 8), noise(2, 3, 4, 16), torch.tensor([900, 1])

    together = network(sample, timestep, audio)
    apart = torch.cat([network(sample[i : i + 1], timestep[i], audio[i : i + 1]) for i in range(2)])

    torch.testing.assert_close(together, apart, rtol=0, atol=1e-5)


def test_audio_may_be_given_by_frame_or_by_clip() -> None:
    network = small_unet()
    sample, audio = noise(2, 13, 3, 8, 8), noise(2, 3, 4, 16)

    assert torch.equal(network(sample, 7, audio), network(sample, 7, audio.flatten(0, 1)))


@pytest.mark.parametrize("layers", [1, 2])
def test_a_cached_step_on_the_same_sample_gives_the_full_step(layers: int) -> None:
    network = small_unet(layers_per_block=layers)
    sample, audio = noise(2, 13, 3, 7, 9), noise(2, 3, 4, 16)

    full, deep_features = network.forward_deep(sample, 500, audio)

    assert deep_features.shape == (2, 32, 3, 7, 9)
    assert torch.equal(network.forward_cached(sample, 500, audio, deep_features), full)


def test_deep_features_are_what_the_last_layers_skip_joins() -> None:
    network = small_unet(layers_per_block=2)
    seen: list[Tensor] = []
    network.up_blocks[-1].motion_modules[1].register_forward_hook(lambda _m, _i, output: seen.append(output))  # type: ignore[operator]

    _, deep_features = network.forward_deep(noise(1, 13, 3, 8, 8), 500, noise(1, 3, 4, 16))

    assert torch.equal(deep_features[0].transpose(0, 1), seen[0])


def test_a_window_longer_than_the_position_table_is_refused() -> None:
    network = small_unet(motion_module_kwargs={"temporal_position_encoding_max_len": 4})

    assert evaluate(network, frames=4).shape[2] == 4
    with pytest.raises(InvalidParameter, match="5 frames exceeds the UNet's 4 temporal positions"):
        evaluate(network, frames=5)


def test_motion_modules_begin_as_the_identity_unless_told_otherwise() -> None:
    def projections(zero_initialize: bool) -> list[Tensor]:
        config = UNetConfig.from_dict(SMALL | {"motion_module_kwargs": {"zero_initialize": zero_initialize}})
        state = UNet3D(config).state_dict()
        return [tensor for name, tensor in state.items() if "temporal_transformer.proj_out.weight" in name]

    assert all(not tensor.any() for tensor in projections(True))
    assert all(tensor.any() for tensor in projections(False))


def test_timestep_sinusoid_follows_its_formula() -> None:
    sinusoid = timestep_sinusoid(torch.tensor([0, 250]), 4, flip_sin_to_cos=True, freq_shift=0)

    angle = torch.tensor([250.0, 2.5])
    torch.testing.assert_close(sinusoid[0], torch.tensor([1.0, 1.0, 0.0, 0.0]))
    torch.testing.assert_close(sinusoid[1], torch.cat((angle.cos(), angle.sin())), rtol=0, atol=2e-5)
    shifted = timestep_sinusoid(torch.tensor([250]), 4, flip_sin_to_cos=False, freq_shift=1)
    torch.testing.assert_close(shifted[0, 1], torch.tensor(0.025).sin())
