"""Every kind of bad input: its own code, one clear sentence, exit status 2, and nothing left behind."""

import shutil
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from command import COMMAND, Lipstage

Inputs = tuple[Path, Path]


def plain_video(path: Path, frames: int, width: int = 320, height: int = 240) -> Path:
    """A video without a face."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            picture = np.full((height, width, 3), 40 + index % 64, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def silent_wav(path: Path, seconds: float) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * int(8000 * seconds)))
    return path


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


BAD_MEDIA: dict[str, Callable[[Path, Path, Path], Inputs]] = {
    "missing video": lambda d, video, voice: (d / "none.mp4", voice),
    "missing voice": lambda d, video, voice: (video, d / "none.wav"),
    "empty video": lambda d, video, voice: (_file(d / "empty.mp4", b""), voice),
    "video cut before its index": lambda d, video, voice: (_file(d / "cut.mp4", _without_index(video)), voice),
    "video cut in the middle": lambda d, video, voice: (_file(d / "half.mp4", _half(video)), voice),
    "text as video": lambda d, video, voice: (_file(d / "text.mp4", b"not a video\n" * 99), voice),
    "folder as video": lambda d, video, voice: (d, voice),
    "sound as video": lambda d, video, voice: (voice, voice),
    "voice without sound": lambda d, video, voice: (video, plain_video(d / "mute.mp4", 5)),
    "voice of no length": lambda d, video, voice: (video, silent_wav(d / "nothing.wav", 0)),
    "voice over ten minutes": lambda d, video, voice: (video, silent_wav(d / "long.wav", 601)),
    "one frame": lambda d, video, voice: (plain_video(d / "one.mp4", 1), voice),
    "over 8K": lambda d, video, voice: (plain_video(d / "huge.mp4", 2, 8320, 64), voice),
    "nobody": lambda d, video, voice: (plain_video(d / "nobody.mp4", 12), voice),
}
CODES = {
    "missing video": "media_not_found",
    "missing voice": "media_not_found",
    "empty video": "media_empty",
    "video cut before its index": "media_truncated",
    "video cut in the middle": "media_truncated",
    "text as video": "media_unreadable",
    "folder as video": "media_unreadable",
    "sound as video": "no_video_stream",
    "voice without sound": "no_audio_stream",
    "voice of no length": "audio_empty",
    "voice over ten minutes": "audio_too_long",
    "one frame": "video_too_short",
    "over 8K": "frame_too_large",
    "nobody": "no_face",
}


@pytest.mark.parametrize("case", BAD_MEDIA)
def test_bad_media(
    case: str, lipstage: Lipstage, sample_video: Path, sample_voice: Path, tmp_path: Path, work_dir: Path
) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    video, voice = BAD_MEDIA[case](inputs, sample_video, sample_voice)
    before = sorted(inputs.rglob("*"))

    answer = lipstage(["dub", video, voice, "-o", inputs / "out.mp4", "--steps", "1"])

    assert (answer.status, answer.error_code) == (2, CODES[case]), answer
    error_lines = [line for line in answer.stderr.splitlines() if line.startswith("error [")]
    assert len(error_lines) == 1
    assert error_lines[0].endswith(".")
    assert "Traceback" not in answer.stderr
    assert sorted(inputs.rglob("*")) == before
    assert not list(work_dir.rglob("*"))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--speaker", "point:0.02,0.02"], "speaker_not_found"),
        (["--speaker", "someone"], "invalid_parameter"),
        (["--segment", "50-60"], "invalid_parameter"),
        (["--segment", "x"], "invalid_parameter"),
        (["--steps", "0"], "invalid_parameter"),
        (["--variant", "1.7"], "invalid_parameter"),
        (["--variant", "1.6"], "model_missing"),
    ],
)
def test_bad_requests(
    options: list[str], code: str, lipstage: Lipstage, sample_video: Path, sample_voice: Path, tmp_path: Path
) -> None:
    answer = lipstage(["dub", sample_video, sample_voice, "-o", tmp_path / "out.mp4", "--steps", "1", *options])

    assert (answer.status, answer.error_code) == (2, code), answer
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("output", ["none/out.mp4", "/proc/out.mp4", "."])
def test_output_that_cannot_be_written(
    output: str, lipstage: Lipstage, sample_video: Path, sample_voice: Path, tmp_path: Path
) -> None:
    answer = lipstage(["dub", sample_video, sample_voice, "-o", output])

    assert (answer.status, answer.error_code) == (2, "output_unwritable")


def test_output_over_an_input(lipstage: Lipstage, sample_video: Path, sample_voice: Path, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    shutil.copyfile(sample_video, video)

    answer = lipstage(["dub", video, sample_voice, "-o", "clip.mp4"])

    assert (answer.status, answer.error_code) == (2, "output_unwritable")
    assert video.read_bytes() == sample_video.read_bytes()


def test_a_container_nobody_knows(lipstage: Lipstage, sample_video: Path, sample_voice: Path, tmp_path: Path) -> None:
    answer = lipstage(["dub", sample_video, sample_voice, "-o", tmp_path / "out.doc"])

    assert (answer.status, answer.error_code) == (2, "invalid_parameter")


def test_model_of_another_variant(
    environment: dict[str, str], lipstage: Lipstage, sample_video: Path, sample_voice: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    demo = Path(__file__).resolve().parents[2] / "model_repository"
    for source in demo.glob("*/1/model.onnx"):
        target = repository / source.parent.parent.name / "16" / "model.onnx"
        target.parent.mkdir(parents=True)
        shutil.copyfile(source, target)
    environment["LIPSTAGE_MODELS_DIR"] = str(repository)

    answer = lipstage(["dub", sample_video, sample_voice, "-o", tmp_path / "out.mp4", "--variant", "1.6"])

    assert (answer.status, answer.error_code) == (2, "wrong_variant")


def test_full_disk(environment: dict[str, str], sample_video: Path, sample_voice: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    environment["LIPSTAGE_WORK_DIR"] = str(small / "work")
    inside = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    namespace = ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*namespace, *inside], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a small file system of their own")
    script = 'mount -t tmpfs -o size=1m tmpfs "$0" && "$@"; status=$?; find "$0" -mindepth 2; exit $status'
    dub = [*COMMAND, "dub", str(sample_video), str(sample_voice), "-o", str(tmp_path / "out.mp4"), "--steps", "1"]

    done = subprocess.run(
        [*namespace, "sh", "-c", script, str(small), *dub], capture_output=True, text=True, env=environment, timeout=300
    )

    assert "error [disk_full]" in done.stderr, done
    assert done.returncode == 2
    assert str(small / "work") + "/" not in done.stdout
    assert not (tmp_path / "out.mp4").exists()


def _half(video: Path) -> bytes:
    """The first half of a file whose index stands in front."""
    source = video.read_bytes()
    assert source.find(b"moov") < source.find(b"mdat"), "the sample is written with its index in front"
    return source[: len(source) // 2]


def _without_index(video: Path) -> bytes:
    """The beginning of a file, up to where its index would start."""
    source = video.read_bytes()
    return source[: source.find(b"moov") - 4]
