"""File names that shells, FFmpeg, the option parser or the terminal could take for something else."""

from collections.abc import Sequence
from pathlib import Path

import av
import pytest
from command import Lipstage
from made_clips import rgb_frames, voice_samples, write_clip, write_voice

FRAMES = 6
QUICK = ["--steps", "1", "--guidance", "1", "--preset", "ultrafast"]


@pytest.fixture(scope="module")
def media(sample_video: Path, sample_voice: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A short video and a voice of the same length."""
    folder = tmp_path_factory.mktemp("media")
    video = write_clip(folder / "video.mp4", rgb_frames(sample_video, FRAMES, 320, 240))
    voice = write_voice(folder / "voice.wav", voice_samples(sample_voice), FRAMES / 25)
    return video.read_bytes(), voice.read_bytes()


def check(answer_output: str, video: str, voice: str, output: str, folder: Path) -> None:
    """The result is there under its name, and nothing else is."""
    with av.open(f"file:{folder / output}") as container:
        assert sum(1 for _ in container.decode(video=0)) == FRAMES
    report = str(Path(output).with_suffix(".report.json"))
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {video, voice, output, report}
    assert output in answer_output.replace("\n", "")


def dubbed(
    lipstage: Lipstage, media: tuple[bytes, bytes], folder: Path, names: tuple[str, str, str], arguments: Sequence[str]
) -> None:
    for name, content in zip(names, media, strict=False):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)

    answer = lipstage(["dub", *QUICK, *arguments])

    assert answer.status == 0, answer
    check(answer.stdout, *names, folder)


@pytest.mark.parametrize(
    "stem",
    [
        'it\'s "two  words" žlutý kůň 日本語 🎬',
        "$(touch pwned) `touch pwned`; touch pwned & *?",
        "pipe:1 frame%03d",
        "concat:a|b 12:30",
        "[red]take[1][/red]",
    ],
)
def test_names_mean_nothing_but_themselves(
    stem: str, lipstage: Lipstage, media: tuple[bytes, bytes], tmp_path: Path
) -> None:
    names = f"{stem}.mp4", f"{stem}.wav", f"{stem} out.mp4"

    dubbed(lipstage, media, tmp_path, names, [names[0], names[1], "-o", names[2]])


def test_names_that_look_like_options(lipstage: Lipstage, media: tuple[bytes, bytes], tmp_path: Path) -> None:
    names = "-x.mp4", "--help.wav", "-out.mp4"

    dubbed(lipstage, media, tmp_path, names, ["-o", names[2], "--", names[0], names[1]])


def test_names_that_look_like_options_with_their_folder(
    lipstage: Lipstage, media: tuple[bytes, bytes], tmp_path: Path
) -> None:
    names = "-x.mp4", "-y.wav", "-out.mp4"

    dubbed(lipstage, media, tmp_path, names, [f"./{names[0]}", f"./{names[1]}", "-o", f"./{names[2]}"])
