"""A small model repository of what can be wrong: networks that are missing, mislabelled, held up or of other widths."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export import networks
from export.metadata import GraphMetadata
from export.onnx_export import write_graph
from export.random_weights import randomize
from export.whisper import WhisperDims, WhisperEncoder
from services.common.model_cards import CARRIER, card_text, parameter_of
from services.common.ports import ModelCard
from services.triton.cards import write_cards

QUEUE_SIZE = 2
OTHER_DIMS = WhisperDims(n_mels=80, n_audio_ctx=100, n_audio_state=32, n_audio_head=2, n_audio_layer=1)
NOTE = "It's \\ an odd “one”."

_ECHO_CONFIG = f"""
backend: "python"
max_batch_size: 32
input [ {{ name: "images" data_type: TYPE_FP32 dims: [ 3, -1, -1 ] }} ]
output [ {{ name: "moments" data_type: TYPE_FP32 dims: [ 3, -1, -1 ] }} ]
instance_group [ {{ count: 1 }} ]
dynamic_batching {{ default_queue_policy {{ max_queue_size: {QUEUE_SIZE} }} }}
"""
_ECHO = """
import time
from pathlib import Path
import triton_python_backend_utils as triton

class TritonPythonModel:
    def initialize(self, args):
        self.held_up = Path(args["model_repository"], "held_up")

    def execute(self, requests):
        while self.held_up.exists():
            time.sleep(0.005)
        images = [triton.get_input_tensor_by_name(request, "images").as_numpy() for request in requests]
        return [triton.InferenceResponse([triton.Tensor("moments", array)]) for array in images]
"""


def make_odd_repository(source: Path, repository: Path) -> None:
    """whisper_encoder 1, 15 of other widths, 16 listed but not there; vae_decoder 1, and again as 15; an echo as
    vae_encoder 1; no UNet."""
    for name in ("whisper_encoder", "vae_decoder"):
        shutil.copytree(source / name / "1", repository / name / "1")
        shutil.copy(source / name / "config.pbtxt", repository / name)
    shutil.copytree(source / "vae_decoder/1", repository / "vae_decoder/15")
    _write_other_whisper(repository / "whisper_encoder/15")
    config = repository / "whisper_encoder/config.pbtxt"
    config.write_text(config.read_text().replace("all {}", "specific { versions: [ 1, 15, 16 ] }"))
    write_cards(repository)
    _write_echo(repository)


@contextmanager
def held_up(repository: Path) -> Iterator[None]:
    """The echo answers nothing meanwhile."""
    sign = repository / "vae_encoder/held_up"
    sign.touch()
    try:
        yield
    finally:
        sign.unlink()


def _write_other_whisper(folder: Path) -> None:
    encoder = WhisperEncoder(OTHER_DIMS)
    randomize(encoder, seed=1)
    network = networks.whisper_encoder(encoder.eval().requires_grad_(False))
    folder.mkdir()
    write_graph(network, GraphMetadata("15", 256, "ab12", "fp32", NOTE), folder / "model.onnx")


def _write_echo(repository: Path) -> None:
    folder = repository / "vae_encoder"
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(_ECHO_CONFIG)
    (folder / "1/model.py").write_text(_ECHO)
    key, card = parameter_of("vae_encoder", "1"), card_text(ModelCard("vae_encoder", "1", 128, "ab12", "1"))
    with (repository / CARRIER / "config.pbtxt").open("a") as config:
        config.write(f"parameters {{ key: \"{key}\" value {{ string_value: '{card}' }} }}\n")
