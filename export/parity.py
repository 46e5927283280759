"""Do our networks compute what the reference computed? Compares them on recorded inputs and outputs."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from export.checkpoints import load_unet, load_vae, load_whisper
from export.exported_networks import ExportedUNet, exported_vae, exported_whisper
from export.unet import UNet3D, UNetConfig
from export.vae import LOGVAR_RANGE, VaeDecoder, VaeEncoder
from export.whisper import WhisperDims
from services.common.errors import InvalidParameter

Runtime = Literal["torch", "onnx"]

FLOAT32_TOLERANCE = {"unet": 2e-5, "whisper": 5e-5, "vae": 2e-5}
FLOAT64_TOLERANCE = 1e-8
DEEP_CACHE_INTERVAL = 3


class _UNet(Protocol):
    """What is compared of a UNet: UNet3D itself, or its exported graphs."""

    def forward_deep(self, sample: Tensor, timestep: Tensor, audio: Tensor | None) -> tuple[Tensor, Tensor]: ...

    def forward_cached(
        self, sample: Tensor, timestep: Tensor, audio: Tensor | None, deep_features: Tensor
    ) -> Tensor: ...


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


def run(
    network: str, config: Path, weights: Path, io: Path, tolerance: float | None = None, runtime: Runtime = "torch"
) -> list[CaseResult]:
    """Compares `network` ("unet", "whisper" or "vae") with every case recorded in the safetensors file `io`.

    `config` is a JSON file with the network's configuration, by itself or under `model_config`, `dims` or `vae_config`.
    `tolerance` replaces the float32 tolerance; cases recorded in float64 (`<case>.output_f64`) keep theirs. With
    `runtime` "onnx" the network is exported first and computed by ONNX Runtime, and cases that its graph cannot
    express are left out: a UNet in float64 or without audio.
    Raises InvalidParameter for an unknown network, an unreadable `config` or `io` and an `io` without cases, and what
    loading the network raises.
    """
    if network not in FLOAT32_TOLERANCE:
        raise InvalidParameter(f"There is no network {network!r}; choose unet, whisper or vae.", network=network)
    values, recorded = _read_config(config), _read_recorded(io)
    allowed = FLOAT32_TOLERANCE[network] if tolerance is None else tolerance
    with torch.no_grad():
        if network == "unet":
            results = _compare_unet(values, weights, recorded, allowed, runtime)
        elif network == "whisper":
            results = _results(_whisper_cases(values, weights, recorded, io, runtime), allowed)
        else:
            results = _results(_vae_cases(values, weights, recorded, runtime), allowed)
    if not results:
        raise InvalidParameter(f"{io} holds no case for the {network} network.", network=network)
    return results


def _read_config(path: Path) -> Mapping[str, object]:
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidParameter(f"{path} is not a readable JSON file: {error}.") from error
    if not isinstance(values, Mapping):
        raise InvalidParameter(f"{path} does not hold a JSON object.")
    return values


def _read_recorded(path: Path) -> Mapping[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise InvalidParameter(f"{path} is not a readable safetensors file: {error}.") from error


def _results(comparisons: Iterable[_Comparison], tolerance: float) -> list[CaseResult]:
    return [CaseResult(name, _max_abs_error(actual, expected), tolerance) for name, actual, expected in comparisons]


def _max_abs_error(actual: Tensor, expected: Tensor) -> float:
    if actual.shape != expected.shape:
        return float("inf")
    return float((actual - expected).abs().max())


def _section(values: Mapping[str, object], name: str) -> Mapping[str, object]:
    section = values.get(name, values)
    if not isinstance(section, Mapping):
        raise InvalidParameter(f"The configuration's {name} is not a JSON object.")
    return section


def _compare_unet(
    values: Mapping[str, object], weights: Path, recorded: Mapping[str, Tensor], tolerance: float, runtime: Runtime
) -> list[CaseResult]:
    network = load_unet(UNetConfig.from_dict(_section(values, "model_config")), weights)
    if runtime == "onnx":
        audible = {name.removesuffix(".encoder_hidden_states") for name in recorded}
        cases = [case for case in _cases_with(recorded, ".output") if case in audible]
        exported = ExportedUNet(network)
        return _results([*_unet_cases(exported, recorded, cases), *_deep_cache_cases(exported, recorded)], tolerance)
    cases = _cases_with(recorded, ".output")
    results = _results([*_unet_cases(network, recorded, cases), *_deep_cache_cases(network, recorded)], tolerance)
    return results + _results(_unet_float64_cases(network, recorded), FLOAT64_TOLERANCE)


def _cases_with(recorded: Mapping[str, Tensor], suffix: str) -> list[str]:
    return sorted(name.removesuffix(suffix) for name in recorded if name.endswith(suffix))


def _unet_cases(unet: _UNet, recorded: Mapping[str, Tensor], cases: list[str]) -> Iterator[_Comparison]:
    for case in cases:
        yield case, _evaluate(unet, recorded, case, torch.float32), recorded[f"{case}.output"]


def _unet_float64_cases(unet: UNet3D, recorded: Mapping[str, Tensor]) -> Iterator[_Comparison]:
    unet.double()
    for case in _cases_with(recorded, ".output_f64"):
        yield f"{case} in float64", _evaluate(unet, recorded, case, torch.float64), recorded[f"{case}.output_f64"]


def _evaluate(unet: _UNet, recorded: Mapping[str, Tensor], case: str, dtype: torch.dtype) -> Tensor:
    audio = recorded.get(f"{case}.encoder_hidden_states")
    sample, timestep = recorded[f"{case}.sample"].to(dtype), recorded[f"{case}.timestep"]
    return unet.forward_deep(sample, timestep, None if audio is None else audio.to(dtype))[0]


def _deep_cache_cases(unet: _UNet, recorded: Mapping[str, Tensor]) -> Iterator[_Comparison]:
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
    values: Mapping[str, object], weights: Path, recorded: Mapping[str, Tensor], io: Path, runtime: Runtime
) -> Iterator[_Comparison]:
    """`features` of a log-mel, in 30-second blocks filled up with zeros (latentsync §4.2)."""
    if "features" not in recorded:
        return
    network = load_whisper(weights, WhisperDims.from_dict(_section(values, "dims")))
    encode: Callable[[Tensor], Tensor] = exported_whisper(network) if runtime == "onnx" else network
    mel = recorded["mel"] if "mel" in recorded else _sibling_mel(str(values.get("input", "")), io)
    block_frames = 2 * network.dims.n_audio_ctx
    rows = []
    for start in range(0, mel.shape[1], block_frames):
        block = mel[:, start : start + block_frames]
        padded = functional.pad(block, (0, block_frames - block.shape[1]))
        rows.append(encode(padded[None])[0, : block.shape[1] // 2])
    yield "features", torch.cat(rows), recorded["features"]


def _sibling_mel(input_name: str, io: Path) -> Tensor:
    """The log-mel of the recording `input_name`, from audio_logmel.safetensors beside `io`."""
    path, name = io.with_name("audio_logmel.safetensors"), input_name.replace("_pcm_int16", "_log_mel")
    mels = load_file(path) if path.is_file() else {}
    if name not in mels:
        raise InvalidParameter(f"{io} holds no mel, and there is no {name or 'log-mel'} in {path}.")
    return mels[name]


def _vae_cases(
    values: Mapping[str, object], weights: Path, recorded: Mapping[str, Tensor], runtime: Runtime
) -> Iterator[_Comparison]:
    """Every recorded tensor named for a result, optionally with a suffix that it shares with its input."""
    vae = load_vae(_section(values, "vae_config"), weights)
    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]
    encode, decode = VaeEncoder(vae), VaeDecoder(vae)
    if runtime == "onnx":
        encode, decode = exported_vae(encode, decode)
    for suffix in sorted(name.removeprefix("x") for name in recorded if name == "x" or name.startswith("x_")):
        mean, logvar = encode(recorded[f"x{suffix}"]).chunk(2, dim=1)
        logvar = logvar.clamp(*LOGVAR_RANGE)
        std = torch.exp(0.5 * logvar)
        computed = {"mean": mean, "logvar": logvar, "std": std}
        if f"eps{suffix}" in recorded:
            computed["sample"] = mean + std * recorded[f"eps{suffix}"]
        latents = recorded.get(f"z{suffix}", recorded.get(f"mean{suffix}", mean))
        computed["decoded"] = decode(latents)
        for name, value in computed.items():
            if f"{name}{suffix}" in recorded:
                yield f"{name}{suffix}", value, recorded[f"{name}{suffix}"]
