"""`lipstage evaluate` on the sample clip and on a dub of it."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from command import Lipstage

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def _evaluated(lipstage: Lipstage, *arguments: str | Path) -> None:
    answer = lipstage(["evaluate", *arguments])
    assert answer.status == 0, answer


@pytest.fixture
def clip(sample_video: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(sample_video, tmp_path / "clip.mp4"))


def test_a_mouth_follows_its_own_voice_and_not_another(lipstage: Lipstage, clip: Path) -> None:
    mouths = []
    for voice in ("voice_a.m4a", "voice_b.m4a"):
        _evaluated(lipstage, clip, SAMPLES / voice)
        mouths.append(json.loads(clip.with_suffix(".quality.json").read_text())["quality"]["mouth"])

    right, wrong = mouths
    assert right["frames_with_face"] == right["frames"]
    assert right["correlation"] > 0.7
    assert right["best_lag_ms"] == 0
    assert wrong["correlation"] < 0.4


def test_an_unchanged_picture_is_perfect(lipstage: Lipstage, clip: Path, sample_video: Path) -> None:
    _evaluated(lipstage, clip, SAMPLES / "voice_a.m4a", "--against", sample_video)

    quality = json.loads(clip.with_suffix(".quality.json").read_text())["quality"]
    picture, mouth = quality["picture"], quality["mouth"]
    assert picture["frames"] == mouth["frames"]
    assert (picture["psnr_outside_db"], picture["psnr_mouth_db"]) == (100, 100)
    assert picture["ssim_outside"] == pytest.approx(1, abs=1e-4)
    assert (picture["flicker_vs_original"], picture["seam_vs_original"]) == (1, 1)
    assert (mouth["range_vs_original"], mouth["correlation_with_original"]) == pytest.approx((1, 1))


def test_a_dub_changes_the_mouth_alone_and_its_report_gains_the_figures(
    lipstage: Lipstage, sample_video: Path, tmp_path: Path
) -> None:
    output, voice = tmp_path / "out.mp4", SAMPLES / "voice_b.m4a"
    dubbed = lipstage(["dub", sample_video, voice, "-o", output, "--steps", "2", "--length", "cut", "--crf", "12"])
    assert dubbed.status == 0, dubbed

    _evaluated(lipstage, output, voice, "--against", sample_video)

    report = json.loads(output.with_suffix(".report.json").read_text())
    picture = report["quality"]["picture"]
    assert report["frames_dubbed"] > 0
    assert picture["psnr_outside_db"] > picture["psnr_mouth_db"] + 10
    assert not output.with_suffix(".quality.json").exists()


def test_the_curves_are_drawn(lipstage: Lipstage, clip: Path) -> None:
    _evaluated(lipstage, clip, SAMPLES / "voice_a.m4a")

    sheet = cv2.imread(str(clip.with_suffix(".quality.png")))
    assert sheet is not None
    assert sheet.shape[1] == 1280
    assert len(np.unique(sheet)) > 50


def test_without_a_network_the_lip_sync_figures_are_said_not_to_be_measured(
    environment: dict[str, str], lipstage: Lipstage, clip: Path, tmp_path: Path
) -> None:
    environment["LIPSTAGE_MODELS_DIR"] = str(tmp_path)

    _evaluated(lipstage, clip, SAMPLES / "voice_a.m4a")

    sync = json.loads(clip.with_suffix(".quality.json").read_text())["quality"]["sync"]
    assert list(sync) == ["not_measured"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["none.mp4", "VOICE"], "media_not_found"),
        (["CLIP", "none.wav"], "media_not_found"),
        (["VOICE", "VOICE"], "no_video_stream"),
        (["CLIP", "VOICE", "--against", "none.mp4"], "media_not_found"),
        (["CLIP", "VOICE", "--syncnet", "."], "model_missing"),
        (["CLIP", "VOICE", "--speaker", "someone"], "invalid_parameter"),
        (["CLIP", "VOICE", "--speaker", "point:0.02,0.02"], "no_face"),
    ],
)
def test_bad_input(arguments: list[str], code: str, lipstage: Lipstage, clip: Path, tmp_path: Path) -> None:
    paths = {"CLIP": str(clip), "VOICE": str(SAMPLES / "voice_a.m4a")}

    answer = lipstage(["evaluate", *(paths.get(argument, argument) for argument in arguments)])

    assert (answer.status, answer.error_code) == (2, code), answer
    assert "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == [clip]


def test_an_original_of_another_size_is_refused(lipstage: Lipstage, clip: Path, clips: Path) -> None:
    answer = lipstage(["evaluate", clip, SAMPLES / "voice_a.m4a", "--against", clips / "demo1_video.mp4"])

    assert (answer.status, answer.error_code) == (2, "invalid_parameter")
