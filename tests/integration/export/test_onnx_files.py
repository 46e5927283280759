"""What an export leaves on disk: the graph, its weights, what it says about itself, and never half of it."""

from pathlib import Path

import onnx
import pytest
import torch

from export import networks, onnx_weights
from export.metadata import EXPORTER_VERSION, GraphMetadata
from export.networks import Network
from export.onnx_export import export_network, session_of
from export.random_weights import randomize
from export.whisper import WhisperDims, WhisperEncoder
from services.common.errors import ModelError

METADATA = GraphMetadata(variant="15", resolution=256, source_sha256="ab12", precision="fp32", note="")


@pytest.fixture
def network() -> Network:
    encoder = WhisperEncoder(WhisperDims(n_mels=80, n_audio_ctx=50, n_audio_state=32, n_audio_head=2, n_audio_layer=2))
    randomize(encoder, seed=1)
    return networks.whisper_encoder(encoder.eval().requires_grad_(False))


def features(path: Path) -> torch.Tensor:
    mel = torch.randn(1, 80, 40, generator=torch.Generator().manual_seed(2))
    return torch.from_numpy(session_of(path).run(["features"], {"mel": mel.numpy()})[0])


def test_a_graph_says_what_it_is(network: Network, tmp_path: Path) -> None:
    exported = export_network(network, METADATA, tmp_path)

    assert exported.path == tmp_path / "whisper_encoder" / "15" / "model.onnx"
    assert session_of(exported.path).get_modelmeta().custom_metadata_map == {
        "lipstage.variant": "15",
        "lipstage.resolution": "256",
        "lipstage.source_sha256": "ab12",
        "lipstage.exporter_version": EXPORTER_VERSION,
        "lipstage.precision": "fp32",
        "lipstage.note": "",
    }


def test_large_weights_go_to_a_file_of_their_own_and_compute_the_same(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = export_network(network, METADATA, tmp_path / "inside")
    monkeypatch.setattr(onnx_weights, "EXTERNAL_DATA_BYTES", 1000)

    outside = export_network(network, METADATA, tmp_path / "outside")

    assert sorted(file.name for file in outside.path.parent.iterdir()) == ["model.onnx", "model.onnx.data"]
    assert outside.path.stat().st_size < 0.2 * inside.path.stat().st_size
    assert torch.equal(features(inside.path), features(outside.path))


def test_weights_stored_in_half_the_space_compute_the_same_if_half_precision_holds_them(
    network: Network, tmp_path: Path
) -> None:
    network.module.half().float()
    full = export_network(network, METADATA, tmp_path / "full")

    half = export_network(network, METADATA, tmp_path / "half", store_half=True)

    assert half.bytes < 0.7 * full.bytes
    assert torch.equal(features(half.path), features(full.path))


def test_exporting_again_writes_the_same_bytes(network: Network, tmp_path: Path) -> None:
    first = export_network(network, METADATA, tmp_path / "first")
    again = export_network(network, METADATA, tmp_path / "again")

    assert first.path.read_bytes() == again.path.read_bytes()


def test_a_graph_that_disagrees_with_torch_replaces_nothing(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = export_network(network, METADATA, tmp_path)
    before = good.path.read_bytes()
    data = onnx_weights._Weight.data
    monkeypatch.setattr(onnx_weights._Weight, "data", lambda weight: data(weight)[::-1])

    with pytest.raises(ModelError, match="disagrees with torch"):
        export_network(network, METADATA, tmp_path)

    assert good.path.read_bytes() == before
    assert [entry.name for entry in (tmp_path / "whisper_encoder").iterdir()] == ["15"]


def test_no_weight_is_left_as_an_input_and_no_matrix_is_transposed_when_run(network: Network, tmp_path: Path) -> None:
    graph = onnx.load(export_network(network, METADATA, tmp_path).path).graph

    assert [value.name for value in graph.input] == ["mel"]
    stored = {weight.name for weight in graph.initializer}
    assert not [node.name for node in graph.node if node.op_type == "Transpose" and node.input[0] in stored]
