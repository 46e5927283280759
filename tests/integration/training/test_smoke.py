"""The whole recipe in miniature: draw, train every network a little, export, load."""

import csv
from pathlib import Path

import numpy as np
import pytest

from export.__main__ import export_onnx
from export.onnx_export import session_of
from services.common.ports import NETWORKS
from training import __main__ as training
from training.runs import WorkFolder

STEPS = 40


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with every network trained for some steps."""
    work = tmp_path_factory.mktemp("training")
    training.synth(voices=4, people=4, unseen=4, utterance_s=10.0, processes=1, work=work)
    training.vae(training.CONFIGS / "vae.toml", STEPS, work)
    training.whisper(training.CONFIGS / "whisper.toml", STEPS, work)
    training.unet(_in_small_batches(training.CONFIGS / "unet_frames.toml", work), None, "unet_frames", STEPS, work)
    start = work / "unet_frames" / "weights.safetensors"
    training.unet(training.CONFIGS / "unet.toml", start, "unet", 3, work)
    return work


def _in_small_batches(config: Path, work: Path) -> Path:
    written = config.read_text()
    assert "batch_size = 32" in written
    small = work / config.name
    small.write_text(written.replace("batch_size = 32", "batch_size = 8"))
    return small


@pytest.mark.parametrize(("run", "loss"), [("vae", "total"), ("whisper", "visemes"), ("unet_frames", "denoising")])
def test_training_lowers_the_loss(work: Path, run: str, loss: str) -> None:
    with (work / run / "losses.csv").open() as file:
        values = [float(row[loss]) for row in csv.DictReader(file)]

    assert len(values) == STEPS // 10
    assert np.mean(values[-2:]) < 0.9 * values[0]


def test_what_was_trained_can_be_exported_and_loaded(work: Path, tmp_path: Path) -> None:
    trained = WorkFolder(work).trained

    export_onnx("1", trained.unet, trained.whisper, trained.vae, "fp32", tmp_path)

    for network in NETWORKS:
        session_of(tmp_path / network / "1" / "model.onnx")


def test_sample_sheets_show_source_result_and_truth(work: Path) -> None:
    sheets = sorted((work / "unet" / "sheets").iterdir())

    assert sheets
