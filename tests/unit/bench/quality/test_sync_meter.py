"""Both kinds of lip-sync network, run for real, on a face whose brightness follows the loudness of a noise."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawn_frames import flat, speaker_frame
from numpy.typing import NDArray
from tiny_sync_networks import save_chung, save_stable

from bench.quality.frame_rate import ticks_of_frames
from bench.quality.sync_meter import SyncMeter
from bench.quality.sync_networks import find_towers, open_sync_network
from bench.quality.sync_offset import SyncScore
from services.common.errors import ModelError, ModelMissing

SECONDS = 6
KINDS = pytest.mark.parametrize("save", [save_stable, save_chung])


def _loudness() -> NDArray[np.float64]:
    """A level every 40 ms, 0…1."""
    return np.random.default_rng(0).uniform(0, 1, SECONDS * 25)


def _sound(loudness: NDArray[np.float64]) -> NDArray[np.int16]:
    noise = np.random.default_rng(1).normal(0, 1, len(loudness) * 640)
    return (noise * 10 ** (1 + 2.5 * np.repeat(loudness, 640))).clip(-32768, 32767).astype(np.int16)


def _score(
    folder: Path, shown: NDArray[np.float64], fps: float, runs: list[int | None] | None = None
) -> SyncScore | None:
    """`shown` is the brightness of each frame, 0…1."""
    meter = SyncMeter(open_sync_network(folder), _sound(_loudness()))
    times_s = np.arange(len(shown)) / fps
    ticks = ticks_of_frames(times_s, len(shown) / fps)
    for index, level in enumerate(shown):
        run = runs[index] if runs else 0
        meter.push(speaker_frame(flat(40 + 170 * level), index, run), ticks[index])
    return meter.score()


@KINDS
@pytest.mark.parametrize("late_frames", [0, 3, -4])
def test_the_delay_of_the_picture_is_found(save: Callable[[Path], Path], late_frames: int, tmp_path: Path) -> None:
    score = _score(save(tmp_path), np.roll(_loudness(), late_frames), fps=25)

    assert score is not None
    assert score.offset_frames == late_frames
    assert score.confidence > 0.3


@KINDS
def test_another_voice_gives_less_confidence(save: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = save(tmp_path)
    right = _score(folder, _loudness(), fps=25)
    wrong = _score(folder, np.random.default_rng(9).uniform(0, 1, SECONDS * 25), fps=25)

    assert right is not None
    assert wrong is not None
    assert wrong.confidence < 0.4 * right.confidence


@KINDS
def test_a_video_of_another_frame_rate_is_resampled(save: Callable[[Path], Path], tmp_path: Path) -> None:
    shown = np.repeat(_loudness(), 2)

    score = _score(save(tmp_path), shown, fps=50)

    assert score is not None
    assert score.offset_frames == 0
    assert score.confidence > 0.3


@KINDS
def test_no_window_spans_two_faces(save: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = save(tmp_path)
    frames = SECONDS * 25
    network = open_sync_network(folder)
    whole = _score(folder, _loudness(), 25)
    split = _score(folder, _loudness(), 25, [0] * (frames // 2) + [None] + [1] * (frames // 2 - 1))
    broken = _score(folder, _loudness(), 25, [index // (network.window_frames - 1) for index in range(frames)])

    assert whole is not None
    assert split is not None
    assert 0 < whole.windows - split.windows <= network.window_frames + 1
    assert split.offset_frames == 0
    assert broken is None


def test_a_folder_without_both_towers_is_no_network(tmp_path: Path) -> None:
    save_stable(tmp_path)
    (tmp_path / "syncnet_audio" / "1" / "model.onnx").unlink()

    assert find_towers(tmp_path) is None
    with pytest.raises(ModelMissing):
        open_sync_network(tmp_path)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    save_stable(tmp_path)
    (tmp_path / "syncnet_visual" / "1" / "model.onnx").write_text("no network")

    with pytest.raises(ModelError):
        open_sync_network(tmp_path)


def test_towers_of_two_kinds_are_refused(tmp_path: Path) -> None:
    save_chung(tmp_path)
    save_stable(tmp_path / "other")
    (tmp_path / "other" / "syncnet_visual" / "1" / "model.onnx").replace(tmp_path / "syncnet_visual.onnx")

    with pytest.raises(ModelError, match="no lip-sync network that is known"):
        open_sync_network(tmp_path)
