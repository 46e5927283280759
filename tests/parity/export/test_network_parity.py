"""The networks against the reference's recorded outputs, in torch and as exported graphs in ONNX Runtime."""

from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from export.parity import Runtime, run

UNET_CASES = {"cfg_square", "no_audio_f3", "nonsquare_f8_4d", "odd_size_f5"}
AUDIBLE_UNET_CASES = UNET_CASES - {"no_audio_f3"}
FLOAT64_CASES = {f"{case} in float64" for case in UNET_CASES}
DEEP_CACHE_CASES = {f"step {step} {how}" for step in range(7) for how in ("in full", "with DeepCache")}
VAE_CASES = {"mean", "std", "logvar", "sample", "decoded", "mean_nonsquare", "decoded_nonsquare"}


@pytest.mark.parametrize(
    ("network", "model", "io", "runtime", "cases"),
    [
        ("unet", "unet_a", "unet_a_io", "torch", UNET_CASES | FLOAT64_CASES),
        ("unet", "unet_a", "unet_a_io", "onnx", AUDIBLE_UNET_CASES),
        ("unet", "unet_a", "deepcache_unet_a_io", "torch", DEEP_CACHE_CASES),
        ("unet", "unet_a", "deepcache_unet_a_io", "onnx", DEEP_CACHE_CASES),
        ("whisper", "whisper_a", "whisper_a_io", "torch", {"features"}),
        ("whisper", "whisper_a", "whisper_a_io", "onnx", {"features"}),
        ("vae", "vae_small", "vae_small_io", "torch", VAE_CASES),
        ("vae", "vae_small", "vae_small_io", "onnx", VAE_CASES),
    ],
)
def test_network_meets_the_reference(
    golden: Path, network: str, model: str, io: str, runtime: Runtime, cases: set[str]
) -> None:
    results = run(
        network,
        golden / f"{model}.json",
        golden / f"{model}.safetensors",
        golden / f"{io}.safetensors",
        runtime=runtime,
    )

    assert {result.name for result in results} == cases
    assert not [result for result in results if not result.passed]


def test_a_wrong_norm_epsilon_fails_parity(golden: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text((golden / "unet_a.json").read_text().replace('"norm_eps": 1e-05', '"norm_eps": 1e-06'))

    results = run("unet", config, golden / "unet_a.safetensors", golden / "unet_a_io.safetensors")

    assert {result.name for result in results if not result.passed} >= FLOAT64_CASES


def test_a_given_tolerance_replaces_the_float32_one(golden: Path, tmp_path: Path) -> None:
    recorded = load_file(golden / "vae_small_io.safetensors")
    save_file({**recorded, "decoded": recorded["decoded"] + 0.01}, tmp_path / "io.safetensors")

    def failed(**tolerance: float) -> set[str]:
        vae = golden / "vae_small.json", golden / "vae_small.safetensors"
        results = run("vae", *vae, tmp_path / "io.safetensors", **tolerance)
        return {result.name for result in results if not result.passed}

    assert failed() == {"decoded"}
    assert failed(tolerance=0.1) == set()
