"""`python -m export`, command by command: what it writes, what it prints and how it fails."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from export.__main__ import app
from export.checkpoints import load_whisper
from export.onnx_export import session_of
from export.random_weights import randomize
from export.unet import UNet3D
from export.vae import build_vae
from export.variants import DEMO
from export.whisper import WhisperEncoder
from services.common.command_line import run_program
from services.common.content_hash import file_sha256
from services.common.ports import NETWORKS
from services.common.weights_record import RecordedFile, WeightsRecord, write_record


class Ran(NamedTuple):
    status: int
    out: str
    err: str


Export = Callable[..., Ran]
SHIPPED = Path(__file__).resolve().parents[3] / "model_repository"


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Export:
    """Runs `python -m export` with the given arguments in this process."""

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["export", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            run_program(app)
        captured = capsys.readouterr()
        return Ran(int(stopped.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def whisper(tmp_path: Path) -> Path:
    """A random checkpoint of the demo variant's Whisper encoder, in OpenAI's format."""
    encoder = WhisperEncoder(DEMO.whisper)
    randomize(encoder, seed=3)
    path = tmp_path / "weights" / "whisper" / "tiny.pt"
    path.parent.mkdir(parents=True)
    tensors = {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}
    torch.save({"dims": {**vars(DEMO.whisper), "n_vocab": 5}, "model_state_dict": tensors}, path)
    return path


def record(checkpoint: Path, variant: str, sha256: str | None = None) -> None:
    """Writes the record that fetching leaves, two folders above the checkpoint's file as for Whisper."""
    name = f"{checkpoint.parent.name}/{checkpoint.name}"
    entry = RecordedFile(
        sha256=sha256 or file_sha256(checkpoint), bytes=checkpoint.stat().st_size, repository="owner/name@main"
    )
    write_record(checkpoint.parent.parent, WeightsRecord(variant=variant, files={name: entry}))


def test_a_checkpoint_becomes_a_graph_that_names_it(export: Export, whisper: Path, tmp_path: Path) -> None:
    record(whisper, "1")

    ran = export("onnx", "--variant", "1", "--whisper", whisper, "--out", tmp_path / "repository")

    assert ran.status == 0, ran.err
    session = session_of(tmp_path / "repository" / "whisper_encoder" / "1" / "model.onnx")
    properties = session.get_modelmeta().custom_metadata_map
    assert properties["lipstage.source_sha256"] == file_sha256(whisper)
    assert properties["lipstage.variant"] == "1"
    assert properties["lipstage.note"] == DEMO.note
    mel = torch.randn(1, 80, 30)
    (features,) = session.run(["features"], {"mel": mel.numpy()})
    rounded = load_whisper(whisper).half().float()  # as every network that ships
    np.testing.assert_allclose(features, rounded(mel).numpy(), atol=1e-4)


def test_half_precision_is_recorded_in_the_graph(export: Export, whisper: Path, tmp_path: Path) -> None:
    ran = export("onnx", "--variant", "1", "--whisper", whisper, "--precision", "fp16", "--out", tmp_path / "out")

    assert ran.status == 0, ran.err
    session = session_of(tmp_path / "out" / "whisper_encoder" / "1" / "model.onnx")
    assert session.get_modelmeta().custom_metadata_map["lipstage.precision"] == "fp16"


def test_a_vae_becomes_an_encoder_and_a_decoder(export: Export, tmp_path: Path) -> None:
    vae = build_vae(DEMO.vae)
    randomize(vae, seed=3)
    save_file(vae.state_dict(), tmp_path / "vae.safetensors")

    ran = export("onnx", "--variant", "1", "--vae", tmp_path / "vae.safetensors", "--out", tmp_path / "out")

    assert ran.status == 0, ran.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["vae_decoder", "vae_encoder"]


def test_a_checkpoint_recorded_as_another_variant_is_refused(export: Export, whisper: Path, tmp_path: Path) -> None:
    record(whisper, "16")

    ran = export("onnx", "--variant", "1", "--whisper", whisper, "--out", tmp_path / "out")

    assert ran.status == 2
    assert ran.err == f"error [wrong_variant]: {whisper} was recorded as variant 16, not 1.\n"
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_that_is_not_the_recorded_file_is_refused(export: Export, whisper: Path, tmp_path: Path) -> None:
    record(whisper, "1", sha256="0" * 64)

    ran = export("onnx", "--variant", "1", "--whisper", whisper, "--out", tmp_path / "out")

    assert ran.status == 2
    assert ran.err.startswith("error [checkpoint_mismatch]: ")
    assert "weights.json" in ran.err


def test_exporting_nothing_is_an_error(export: Export, tmp_path: Path) -> None:
    ran = export("onnx", "--variant", "16", "--out", tmp_path)

    assert ran.status == 2
    assert ran.err.startswith("error [invalid_parameter]: Give at least one checkpoint")


def test_a_missing_checkpoint_is_named(export: Export, tmp_path: Path) -> None:
    ran = export("onnx", "--variant", "16", "--unet", tmp_path / "unet.pt", "--out", tmp_path)

    assert ran.status == 2
    assert ran.err == f"error [model_missing]: There is no checkpoint at {tmp_path / 'unet.pt'}.\n"


def test_the_shipped_networks_are_small_and_say_what_they_are() -> None:
    paths = [SHIPPED / network / "1" / "model.onnx" for network in NETWORKS]

    assert sum(path.stat().st_size for path in paths) < 25e6
    assert {session_of(path).get_modelmeta().custom_metadata_map["lipstage.note"] for path in paths} == {DEMO.note}


def test_verify_recognises_whisper_tiny(export: Export, golden: Path) -> None:
    ran = export("verify", golden / "whisper_a.safetensors")

    assert ran.status == 0, ran.err
    assert "network     whisper" in ran.out
    assert "parameters  7,632,384" in ran.out
    assert file_sha256(golden / "whisper_a.safetensors") in ran.out
    assert "not recorded" in ran.out


def test_verify_says_the_recorded_variant(export: Export, whisper: Path) -> None:
    record(whisper, "16")

    assert "variant     16" in export("verify", whisper).out


def test_verify_names_the_tensors_of_a_network_of_another_shape(export: Export, golden: Path) -> None:
    ran = export("verify", golden / "unet_a.safetensors")

    assert ran.status == 2
    assert ran.err.startswith("error [checkpoint_mismatch]: ")
    assert "conv_in.weight is 32×13×3×3 but should be 320×13×3×3" in ran.err


def test_verify_names_a_missing_tensor(export: Export, golden: Path, tmp_path: Path) -> None:
    tensors = load_file(golden / "whisper_a.safetensors")
    del tensors["encoder.conv1.bias"]
    save_file(tensors, tmp_path / "whisper.safetensors")

    ran = export("verify", tmp_path / "whisper.safetensors")

    assert ran.status == 2
    assert "Missing: encoder.conv1.bias." in ran.err


def test_verify_refuses_a_file_of_something_else(export: Export, tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")

    ran = export("verify", tmp_path / "other.safetensors")

    assert ran.status == 2
    assert "holds neither" in ran.err


def test_verify_tells_a_unet_from_a_vae(export: Export, tmp_path: Path) -> None:
    save_file(UNet3D(DEMO.unet).state_dict(), tmp_path / "unet.safetensors")
    save_file(build_vae(DEMO.vae).state_dict(), tmp_path / "vae.safetensors")

    unet, vae = export("verify", tmp_path / "unet.safetensors"), export("verify", tmp_path / "vae.safetensors")

    assert "up_blocks.3.motion_modules" in unet.err
    assert "decoder.up_blocks" in vae.err


def parity_arguments(golden: Path, *, io: Path | None = None) -> list[object]:
    """The VAE's golden set, its recorded outputs read from the folder `io` instead where one is given."""
    weights, recorded = golden / "vae_small.safetensors", (io or golden) / "vae_small_io.safetensors"
    return ["parity", "vae", golden / "vae_small.json", weights, recorded]


def test_parity_prints_the_largest_error_of_every_case(export: Export, golden: Path) -> None:
    ran = export(*parity_arguments(golden))

    assert ran.status == 0, ran.out
    assert {"mean", "decoded", "decoded_nonsquare"} <= {line.partition(":")[0] for line in ran.out.splitlines()}
    assert all("max abs error" in line and line.endswith(" ok") for line in ran.out.splitlines())


def test_parity_over_the_tolerance_exits_1(export: Export, golden: Path, tmp_path: Path) -> None:
    recorded = load_file(golden / "vae_small_io.safetensors")
    save_file({**recorded, "decoded": recorded["decoded"] + 0.01}, tmp_path / "vae_small_io.safetensors")

    ran = export(*parity_arguments(golden, io=tmp_path))

    assert ran.status == 1
    assert [line.partition(":")[0] for line in ran.out.splitlines() if "FAILED" in line] == ["decoded"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")
def test_tensorrt_where_it_cannot_run_says_so_in_one_sentence(export: Export, tmp_path: Path) -> None:
    graph = tmp_path / "unet" / "15" / "model.onnx"
    graph.parent.mkdir(parents=True)
    graph.write_bytes(b"")

    ran = export("tensorrt", "--variant", "15", "--inputs", tmp_path / "x", "--network", "unet", "--out", tmp_path)

    assert ran.status == 2
    assert ran.err.startswith("error [model_error]: TensorRT ")
    assert ran.err.count("\n") == 1


def test_tensorrt_asks_for_the_graph_first(export: Export, tmp_path: Path) -> None:
    ran = export("tensorrt", "--variant", "15", "--inputs", tmp_path / "x", "--network", "unet", "--out", tmp_path)

    assert ran.status == 2
    assert ran.err.startswith("error [model_missing]: ")


def test_an_unknown_variant_is_an_error_with_its_code(export: Export, tmp_path: Path) -> None:
    assert (
        export("onnx", "--variant", "17").err
        == "error [invalid_parameter]: There is no variant 17; there are 1, 15, 16.\n"
    )
