"""A small model repository with what can be wrong: networks that are missing, mislabelled, slow or of other widths."""

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export import networks
from export.metadata import GraphMetadata, attach
from export.onnx_export import OPSET, write_graph
from export.random_weights import randomize
from export.whisper import WhisperDims, WhisperEncoder
from services.triton.cards import write_cards

OTHER_DIMS = WhisperDims(n_mels=80, n_audio_ctx=100, n_audio_state=32, n_audio_head=2, n_audio_layer=1)
QUEUE_SIZE = 2
SIDE = 200
"""Of the matrix that the slow network multiplies; one round takes about a millisecond."""


def make_odd_repository(source: Path, repository: Path) -> None:
    """whisper_encoder 1, and 15 of other widths; vae_decoder 1, and again as 15; vae_encoder 1, slow; no UNet."""
    for name in ("whisper_encoder", "vae_decoder", "vae_encoder"):
        (repository / name).mkdir(parents=True)
        config = (source / name / "config.pbtxt").read_text()
        small_queue = config.replace("max_queue_size: 64", f"max_queue_size: {QUEUE_SIZE}")
        (repository / name / "config.pbtxt").write_text(small_queue)
    shutil.copytree(source / "whisper_encoder/1", repository / "whisper_encoder/1")
    for version in ("1", "15"):
        shutil.copytree(source / "vae_decoder/1", repository / "vae_decoder" / version)
    _write_other_whisper(repository / "whisper_encoder/15")
    _write_slow_encoder(repository / "vae_encoder/1")
    write_cards(repository)


def _write_other_whisper(folder: Path) -> None:
    encoder = WhisperEncoder(OTHER_DIMS)
    randomize(encoder, seed=1)
    folder.mkdir()
    network = networks.whisper_encoder(encoder.eval().requires_grad_(False))
    write_graph(network, _metadata("15"), folder / "model.onnx")


def _write_slow_encoder(folder: Path) -> None:
    """images [N,3,H,W] → moments: as slow as the images are high, whatever they show."""
    folder.mkdir()
    one_round = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["goes_on"]),
            helper.make_node("MatMul", ["state", "matrix"], ["next_state"]),
        ],
        "round",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [SIDE, SIDE]),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next_state", TensorProto.FLOAT, [SIDE, SIDE]),
        ],
    )
    graph = helper.make_graph(
        [
            helper.make_node("Shape", ["images"], ["height"], start=2, end=3),
            helper.make_node("Squeeze", ["height"], ["rounds"]),
            helper.make_node("Loop", ["rounds", "", "matrix"], ["last_state"], body=one_round),
            helper.make_node("ReduceSum", ["last_state"], ["sum"], keepdims=0),
            helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
            helper.make_node("Add", ["images", "nothing"], ["moments"]),
        ],
        "slow",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["images", 3, "height", "width"])],
        [helper.make_tensor_value_info("moments", TensorProto.FLOAT, ["images", 3, "height", "width"])],
        [
            numpy_helper.from_array(np.eye(SIDE, dtype=np.float32), "matrix"),
            numpy_helper.from_array(np.float32(0), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    attach(model, _metadata("1"))
    onnx.save(model, folder / "model.onnx")


def _metadata(variant: str) -> GraphMetadata:
    return GraphMetadata(variant, resolution=128, source_sha256="ab12", precision="fp32", note="It's an odd one: \\ ü")
