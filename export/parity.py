"""Do our networks compute what the reference computed? Compares them on recorded inputs and outputs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from export.checkpoints import load_unet, load_vae, load_whisper
from export.unet import UNet3D, UNetConfig
from export.vae import LOGVAR_RANGE, VaeDecoder, VaeEncoder
from export.whisper import WhisperDims
from services.common.errors import InvalidParameter

Network = Literal["unet", "whisper", "vae"]

FLOAT32_TOLERANCE: dict[Network, float] = {"unet": 2e-5, "whisper": 5e-5, "vae": 2e-5}
FLOAT64_TOLERANCE = 1e-8
DEEP_CACHE_INTERVAL = 3

_Comparison = tuple[str, Tensor, Tensor]
"""A case's name, what the network computed and what it should have computed."""


@dataclass(frozen=True)
class CaseResult:
    """The largest absolute difference in one case; infinite where the shapes differ."""

    name: str
    max_abs_error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.max_abs_error <= self.tolerance


def run(network: str, config: Path, weights: Path, io: Path, tolerance: float | None = None) -> list[CaseResult]:
    """Compares `network` ("unet", "whisper" or "vae") with every case recorded in the safetensors file `io`.

    `config` is a JSON file with the network's configuration, by itself or under `model_config`, `dims` or `vae_config`.
    `tolerance` replaces the float32 tolerance; cases recorded in float64 (`<case>.output_f64`) keep theirs.
    Raises InvalidParameter for an unknown network and for a file without cases, and what loading the network raises.
    """
    values, recorded = json.loads(config.read_text()), load_file(io)
    with torch.no_grad():
        if network == "unet":
            unet = load_unet(UNetConfig.from_dict(values.get("model_config", values)), weights)
            results = _results(_unet_cases(unet, recorded), tolerance or FLOAT32_TOLERANCE["unet"])
            results += _results(_unet_float64_cases(unet, recorded), FLOAT64_TOLERANCE)
        elif network == "whisper":
            results = _results(_whisper_cases(values, weights, recorded, io), tolerance or FLOAT32_TOLERANCE["whisper"])
        elif network == "vae":
            results = _results(_vae_cases(values, weights, recorded), tolerance or FLOAT32_TOLERANCE["vae"])
        else:
            raise InvalidParameter(f"There is no network {network!r}; choose unet, whisper or vae.", network=network)
    if not results:
        raise InvalidParameter(f"{io} holds no case for the {network} network.", network=network)
    return results


def _results(comparisons: Iterator[_Comparison], tolerance: float) -> list[CaseResult]:
    return [CaseResult(name, _max_abs_error(actual, expected), tolerance) for name, actual, expected in comparisons]


def _max_abs_error(actual: Tensor, expected: Tensor) -> float:
    if actual.shape != expected.shape:
        return float("inf")
    return float((actual - expected).abs().max())


def _unet_cases(unet: UNet3D, recorded: Mapping[str, Tensor]) -> Iterator[_Comparison]:
    for case in _cases_with(recorded, ".output"):
        yield case, _evaluate(unet, recorded, case, torch.float32), recorded[f"{case}.output"]
    yield from _deep_cache_cases(unet, recorded)


def _unet_float64_cases(unet: UNet3D, recorded: Mapping[str, Tensor]) -> Iterator[_Comparison]:
    unet.double()
    for case in _cases_with(recorded, ".output_f64"):
        yield f"{case} in float64", _evaluate(unet, recorded, case, torch.float64), recorded[f"{case}.output_f64"]


def _cases_with(recorded: Mapping[str, Tensor], suffix: str) -> list[str]:
    return sorted(name.removesuffix(suffix) for name in recorded if name.endswith(suffix))


def _evaluate(unet: UNet3D, recorded: Mapping[str, Tensor], case: str, dtype: torch.dtype) -> Tensor:
    audio = recorded.get(f"{case}.encoder_hidden_states")
    return unet(  # type: ignore[no-any-return]
        recorded[f"{case}.sample"].to(dtype),
        recorded[f"{case}.timestep"],
        None if audio is None else audio.to(dtype),
    )


def _deep_cache_cases(unet: UNet3D, recorded: Mapping[str, Tensor]) -> Iterator[_Comparison]:
    """Steps `sample_j` of one denoising run, each evaluated in full and as DeepCache does."""
    audio = recorded.get("encoder_hidden_states")
    steps = sum(name.startswith("sample_") and name[7:].isdigit() for name in recorded)
    deep_features = torch.empty(0)
    for step in range(steps):
        sample, timestep = recorded[f"sample_{step}"], recorded[f"timestep_{step}"]
        full, deep = unet.forward_deep(sample, timestep, audio)
        yield f"step {step} in full", full, recorded[f"full_output_{step}"]
        if step % DEEP_CACHE_INTERVAL == 0:
            deep_features = deep
        cached = unet.forward_cached(sample, timestep, audio, deep_features)
        yield f"step {step} with DeepCache", cached, recorded[f"output_{step}"]


def _whisper_cases(
    values: Mapping[str, object], weights: Path, recorded: Mapping[str, Tensor], io: Path
) -> Iterator[_Comparison]:
    """`features` of a log-mel, in 30-second blocks filled up with zeros (latentsync §4.2)."""
    if "features" not in recorded:
        return
    dims = values.get("dims", values)
    if not isinstance(dims, Mapping):
        raise InvalidParameter("The Whisper dims are not a JSON object.")
    encoder = load_whisper(weights, WhisperDims.from_dict(dims))
    mel = recorded["mel"] if "mel" in recorded else _sibling_mel(str(values.get("input", "")), io)
    block_frames = 2 * encoder.dims.n_audio_ctx
    rows = [
        encoder(functional.pad(block, (0, block_frames - block.shape[1]))[None])[0, : block.shape[1] // 2]
        for block in mel.split(block_frames, dim=1)
    ]
    yield "features", torch.cat(rows), recorded["features"]


def _sibling_mel(input_name: str, io: Path) -> Tensor:
    """The log-mel of the recording `input_name`, from audio_logmel.safetensors beside `io`."""
    path, name = io.with_name("audio_logmel.safetensors"), input_name.replace("_pcm_int16", "_log_mel")
    mels = load_file(path) if path.is_file() else {}
    if name not in mels:
        raise InvalidParameter(f"{io} holds no mel, and there is no {name or 'log-mel'} in {path}.")
    return mels[name]


def _vae_cases(values: Mapping[str, object], weights: Path, recorded: Mapping[str, Tensor]) -> Iterator[_Comparison]:
    """Every recorded tensor named for a result, optionally with a suffix that it shares with its input."""
    config = values.get("vae_config", values)
    if not isinstance(config, Mapping):
        raise InvalidParameter("The VAE configuration is not a JSON object.")
    vae = load_vae(config, weights)
    encoder, decoder = VaeEncoder(vae), VaeDecoder(vae)
    for suffix in sorted(name.removeprefix("x") for name in recorded if name == "x" or name.startswith("x_")):
        mean, logvar = encoder(recorded[f"x{suffix}"]).chunk(2, dim=1)
        logvar = logvar.clamp(*LOGVAR_RANGE)
        std = torch.exp(0.5 * logvar)
        computed = {"mean": mean, "logvar": logvar, "std": std}
        if f"eps{suffix}" in recorded:
            computed["sample"] = mean + std * recorded[f"eps{suffix}"]
        latents = recorded.get(f"z{suffix}", recorded.get(f"mean{suffix}", mean))
        computed["decoded"] = decoder(latents)
        for name, value in computed.items():
            if f"{name}{suffix}" in recorded:
                yield f"{name}{suffix}", value, recorded[f"{name}{suffix}"]
