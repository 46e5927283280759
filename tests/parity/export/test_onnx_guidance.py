"""The exported UNet guides as the formula says, computes no branch it does not need, and takes any shape."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from export import networks
from export.exported_networks import ExportedNetwork
from export.metadata import GraphMetadata
from export.onnx_export import export_network
from export.random_weights import randomize
from export.unet import UNet3D
from export.variants import DEMO
from services.denoise.schedule import alphas_cumprod

TOLERANCE = 1e-4


NOISE_PREDICTING = DEMO.unet.model_copy(update={"prediction_type": "epsilon"})


@pytest.fixture(scope="module")
def unet() -> UNet3D:
    unet = UNet3D(NOISE_PREDICTING)
    randomize(unet, seed=5)
    return unet.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def exported(unet: UNet3D) -> ExportedNetwork:
    return ExportedNetwork(networks.unet(unet))


@pytest.fixture(scope="module")
def case(unet: UNet3D) -> dict[str, Tensor]:
    """Two windows of 6 frames at 16×24 latents, at two different timesteps, and their noise without guidance."""
    generator = torch.Generator().manual_seed(3)
    sample = torch.randn(2, 13, 6, 16, 24, generator=generator)
    audio = torch.randn(2, 6, DEMO.audio_tokens, DEMO.unet.cross_attention_dim, generator=generator)
    timestep = torch.tensor([951, 1])
    return {"sample": sample, "audio": audio, "timestep": timestep, "noise": unet(sample, timestep, audio)}


def step_inputs(case: dict[str, Tensor], guidance_scale: Tensor) -> tuple[Tensor, ...]:
    sample, audio = case["sample"], case["audio"]
    return sample[:, :4], sample[:, 4:], audio, case["timestep"], guidance_scale


def test_rows_are_guided_each_by_its_own_scale(
    unet: UNet3D, exported: ExportedNetwork, case: dict[str, Tensor]
) -> None:
    guidance_scale = torch.tensor([1.5, 3.0])

    noise, deep_features = exported.outputs(*step_inputs(case, guidance_scale))

    silent = unet(case["sample"], case["timestep"], torch.zeros_like(case["audio"]))
    heard, heard_deep = unet.forward_deep(case["sample"], case["timestep"], case["audio"])
    expected = silent + guidance_scale[:, None, None, None, None] * (heard - silent)
    assert (noise - expected).abs().max() <= TOLERANCE
    assert (silent - heard).abs().max() > 0.01
    assert deep_features.shape[:2] == (2, 2)
    assert (deep_features[:, 1] - heard_deep).abs().max() <= TOLERANCE * heard_deep.abs().max()


def test_a_row_without_guidance_is_the_audio_branch_whatever_it_is_batched_with(
    exported: ExportedNetwork, case: dict[str, Tensor]
) -> None:
    noise = exported(*step_inputs(case, torch.tensor([2.0, 1.0])))

    assert (noise[1] - case["noise"][1]).abs().max() <= TOLERANCE
    assert (noise[0] - case["noise"][0]).abs().max() > 0.01


def test_a_batch_without_guidance_evaluates_one_branch(exported: ExportedNetwork, case: dict[str, Tensor]) -> None:
    noise, deep_features = exported.outputs(*step_inputs(case, torch.tensor([1.0, 0.0])))

    assert deep_features.shape[:2] == (2, 1)
    assert (noise - case["noise"]).abs().max() <= TOLERANCE


@pytest.mark.parametrize(("frames", "height", "width"), [(1, 9, 11), (24, 8, 8)])
def test_any_number_of_frames_and_any_size_works(
    unet: UNet3D, exported: ExportedNetwork, frames: int, height: int, width: int
) -> None:
    generator = torch.Generator().manual_seed(3)
    sample = torch.randn(1, 13, frames, height, width, generator=generator)
    audio = torch.randn(1, frames, DEMO.audio_tokens, DEMO.unet.cross_attention_dim, generator=generator)

    noise = exported(sample[:, :4], sample[:, 4:], audio, torch.tensor([501]), torch.tensor([1.0]))

    assert (noise - unet(sample, 501, audio)).abs().max() <= TOLERANCE


def test_a_guided_cached_step_on_fresh_deep_features_is_the_full_step(
    unet: UNet3D, exported: ExportedNetwork, case: dict[str, Tensor]
) -> None:
    inputs = step_inputs(case, torch.tensor([1.5, 1.0]))
    noise, deep_features = exported.outputs(*inputs)

    cached = ExportedNetwork(networks.unet_cached(unet))(*inputs, deep_features)

    assert (cached - noise).abs().max() <= 1e-5


def test_a_network_that_predicts_v_is_exported_as_one_that_predicts_noise(case: dict[str, Tensor]) -> None:
    unet = UNet3D(DEMO.unet)
    randomize(unet, seed=5)
    unet.eval().requires_grad_(False)
    exported = ExportedNetwork(networks.unet(unet))

    noise, _ = exported.outputs(*step_inputs(case, torch.ones(2)))

    # v = √ᾱ·ε − √(1−ᾱ)·x₀ and x_t = √ᾱ·x₀ + √(1−ᾱ)·ε, so x₀ from either prediction is the same picture.
    kept = torch.tensor(alphas_cumprod(), dtype=torch.float32)[case["timestep"]][:, None, None, None, None]
    latents, v = case["sample"][:, :4], unet(case["sample"], case["timestep"], case["audio"])
    clean_by_v = kept.sqrt() * latents - (1 - kept).sqrt() * v
    clean_by_noise = (latents - (1 - kept).sqrt() * noise) / kept.sqrt()
    assert (clean_by_noise - clean_by_v).abs().max() <= 10 * TOLERANCE


def test_equal_weights_of_two_layers_are_both_kept(tmp_path: Path) -> None:
    unet = UNet3D(NOISE_PREDICTING)
    randomize(unet, seed=5)
    unet.eval().requires_grad_(False)
    for name, parameter in unet.named_parameters():
        if "motion_modules" in name and "proj_out" in name:
            parameter.zero_()
    unet.half().float()

    exported = export_network(networks.unet(unet), GraphMetadata("1", 128, "", "fp32"), tmp_path, store_half=True)

    assert exported.max_abs_error <= TOLERANCE
