"""The reference's own end-to-end run, repeated by the real stages: decode, plan, align, denoise, composite."""

import hashlib
import json
import wave
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from export import networks
from export.checkpoints import load_unet, load_vae, load_whisper
from export.metadata import GraphMetadata
from export.onnx_export import export_network
from export.unet_config import UNetConfig
from export.vae import VaeDecoder, VaeEncoder
from export.whisper import WhisperDims
from services.common.chunk_files import Chunk, Manifest, dump_faces
from services.common.media.decode import read_pictures
from services.common.media.probe import probe_video
from services.common.messages import DubParameters
from services.common.onnx_models import OnnxModels
from services.common.ports import Arrays, ModelName
from services.composite.stage import composited
from services.denoise.noise import Posterior
from services.denoise.stage import denoise
from services.preprocess.alignment import triple_from_106
from services.preprocess.faces.detector import Face
from services.preprocess.stage import NewChunk, NewSegment, preprocess

VARIANT = "15"


class GoldenLandmarks:
    """Detector port that knows each golden frame by its pixels."""

    def __init__(self, frames_u8: NDArray[np.uint8], landmarks_106: NDArray[np.int64]) -> None:
        self._landmarks = {_digest(frame): points for frame, points in zip(frames_u8, landmarks_106, strict=True)}

    def detect(
        self, rgb_hwc: NDArray[np.uint8], thorough: bool = False, near: Sequence[NDArray[np.float64]] = ()
    ) -> list[Face]:
        points = self._landmarks[_digest(rgb_hwc)]
        low, high = points.min(axis=0), points.max(axis=0)
        centre, half = (low + high) / 2, np.maximum((high - low) / 2, 50)
        box = np.concatenate([centre - half, centre + half])
        return [Face(triple=triple_from_106(points), box_xyxy=box, score=1.0)]


class GoldenNoise:
    """The reference's own random draws."""

    def __init__(self, draws: dict[str, NDArray[np.float32]]) -> None:
        self._draws = draws

    def initial(self, shape: tuple[int, int, int, int, int]) -> NDArray[np.float32]:
        return np.repeat(self._draws["initial_noise"], shape[2], axis=2)

    def posterior(
        self, output_frames: Sequence[int] | NDArray[np.int64], which: Posterior, shape: tuple[int, int, int]
    ) -> NDArray[np.float32]:
        return self._draws[f"posterior_noise_{int(output_frames[0]) // 16}_{which}"]


@dataclass
class WatchedModels:
    """The real adapter, remembering what went through it."""

    models: OnnxModels
    calls: list[tuple[str, Arrays, dict[str, NDArray[np.float32]]]] = field(default_factory=list)

    async def infer(
        self, model: ModelName, variant: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, NDArray[np.float32]]:
        answer = await self.models.infer(model, variant, inputs, outputs)
        self.calls.append((model, inputs, answer))
        return answer

    async def card(self, model: ModelName, variant: str) -> object:
        return await self.models.card(model, variant)

    def of(self, model: ModelName) -> list[tuple[Arrays, dict[str, NDArray[np.float32]]]]:
        return [(inputs, answer) for name, inputs, answer in self.calls if name == model]


@dataclass
class Run:
    """What the stages made of the golden inputs."""

    expected: dict[str, NDArray[np.generic]]
    models: WatchedModels
    chunks: list[Chunk]
    manifest: Manifest
    frames: NDArray[np.uint8]


@pytest.fixture(scope="module")
def repository(golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    metadata = GraphMetadata(variant=VARIANT, resolution=128, source_sha256="golden", precision="fp32")
    vae_config = json.loads((golden / "vae_small.json").read_text())["vae_config"]
    vae = load_vae(vae_config, golden / "vae_small.safetensors")
    dims = WhisperDims.from_dict(json.loads((golden / "whisper_a.json").read_text())["dims"])
    unet_config = UNetConfig.from_dict(json.loads((golden / "unet_a.json").read_text())["model_config"])
    for network in (
        networks.vae_encoder(VaeEncoder(vae)),
        networks.vae_decoder(VaeDecoder(vae)),
        networks.whisper_encoder(load_whisper(golden / "whisper_a.safetensors", dims)),
        networks.unet(load_unet(unet_config, golden / "unet_a.safetensors")),
    ):
        export_network(network, metadata, folder)
    return folder


@pytest.fixture(scope="module")
async def run(golden: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("media")
    expected = load_file(golden / "e2e_base.safetensors")
    settings = json.loads((golden / "e2e.json").read_text())
    video = _lossless_rgb_video(folder / "golden.mkv", expected["frames_u8"])
    audio = _wav(folder / "golden.wav", expected["audio_pcm_int16"])
    parameters = DubParameters(
        variant=VARIANT,
        mode="reference",
        steps=settings["num_inference_steps"],
        guidance_scale=settings["guidance_scale"],
    )
    models = WatchedModels(OnnxModels(repository))
    detector = GoldenLandmarks(expected["frames_u8"], expected["landmarks_106"])

    chunks, manifests, faces = [], [], {}
    async for event in preprocess(video, audio, parameters, models, detector, max_audio_s=600):
        if isinstance(event, NewChunk):
            chunks.append(event.chunk)
        elif isinstance(event, NewSegment):
            manifests.append(event.manifest)

    async def after_step(share: float) -> None: ...

    for index, chunk in enumerate(chunks):
        dubbed = await denoise(chunk, parameters, models, GoldenNoise(expected), after_step)
        faces[index] = folder / f"{index}.safetensors"
        faces[index].write_bytes(dump_faces(dubbed))
    (manifest,) = manifests
    pictures = read_pictures(video, probe_video(video), manifest.source.tolist(), "gbrp")
    frames = np.stack([picture.rgb() for picture in composited(pictures, manifest, faces, "reference")])
    return Run(expected, models, chunks, manifest, frames)


async def test_output_has_the_references_frames_in_its_order(run: Run, golden: Path) -> None:
    assert len(run.manifest.source) == 40
    assert run.manifest.source.tolist() == [*range(20), *range(19, -1, -1)]
    assert run.manifest.time_base == Fraction(1, 25)


async def test_windows_are_the_references(run: Run) -> None:
    assert [len(chunk.frames) for chunk in run.chunks] == [16, 16, 8]
    assert all(chunk.context == 0 for chunk in run.chunks)


async def test_matrices_and_faces(run: Run) -> None:
    assert np.abs(run.manifest.matrices - run.expected["matrices"]).max() <= 5e-4
    faces = np.concatenate([chunk.faces for chunk in run.chunks]).transpose(0, 3, 1, 2)
    difference = np.abs(faces.astype(np.int16) - run.expected["faces_u8"])
    assert (difference > 0).mean() <= 0.002
    # Matrices that differ in the sixth digit flip a truncation here and there, and the Lanczos resize amplifies it.
    assert difference.max() <= 2
    assert (difference > 1).mean() <= 2e-6


async def test_first_unet_call(run: Run) -> None:
    inputs, answer = run.models.of("unet")[0]
    sample = np.concatenate([inputs["latents"], inputs["conditioning"]], axis=1)
    expected = run.expected

    assert np.abs(sample - expected["first_unet_sample"][1:]).max() <= 2e-3
    assert np.abs(inputs["audio"][0] - expected["first_unet_audio"][16:]).max() <= 5e-5
    assert inputs["timestep"].tolist() == [int(expected["first_unet_timestep"])]
    unconditional, conditional = expected["first_unet_output"]
    guided = unconditional + 1.5 * (conditional - unconditional)
    assert np.abs(answer["noise_pred"][0] - guided).max() <= 2e-3


@pytest.mark.parametrize("window", [0, 1, 2])
async def test_latents_and_decoded_faces(run: Run, window: int) -> None:
    inputs, answer = run.models.of("vae_decoder")[window]
    latents = (inputs["latents"] * np.float32(0.18215)).transpose(1, 0, 2, 3)[None]

    assert np.abs(latents - run.expected[f"final_latents_{window}"]).max() <= 2e-3
    assert np.abs(answer["images"] - run.expected[f"decoded_{window}"]).max() <= 2e-3


async def test_output_frames(run: Run) -> None:
    difference = np.abs(run.frames.astype(np.int16) - run.expected["out_frames_u8"])
    assert difference.max() <= 1
    assert (difference > 0).mean() <= 0.001


def _digest(frame: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(frame).tobytes()).digest()


def _lossless_rgb_video(path: Path, frames_u8: NDArray[np.uint8]) -> Path:
    with av.open(path, "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = frames_u8.shape[1:3]
        stream.pix_fmt = "bgr0"
        for rgb in frames_u8:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="bgr0")))
        container.mux(stream.encode())
    return path


def _wav(path: Path, pcm_int16: NDArray[np.int16]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(pcm_int16.tobytes())
    return path
