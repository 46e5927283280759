"""What is found out about media, and what happens to the process that finds it out."""

import asyncio
import os
import sys
from fractions import Fraction
from pathlib import Path

import av
import psutil
import pytest

from gateway.probe_limits import ProbeLimits
from gateway.probing import AudioFacts, Prober, VideoFacts
from services.common.errors import (
    AudioTooLong,
    FrameTooLarge,
    InputError,
    MediaEmpty,
    MediaNotFound,
    MediaTooComplex,
    MediaUnreadable,
    NoAudioStream,
    NoVideoStream,
    VideoTooLong,
)

_SAMPLES = Path(__file__).resolve().parents[3] / "samples"
_CLIP, _VOICE = _SAMPLES / "talking_head.mp4", _SAMPLES / "voice_b.m4a"


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """Two large pictures, no sound."""
    path = tmp_path / "silent.mov"
    with av.open(str(path), "w") as output:
        video = output.add_stream("mjpeg", rate=25)
        video.width, video.height, video.pix_fmt = 8208, 16, "yuvj420p"
        for pts in range(2):
            frame = av.VideoFrame(8208, 16, "yuvj420p")
            frame.pts, frame.time_base = pts, Fraction(1, 25)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    return path


async def test_a_clip_and_its_sound_are_described() -> None:
    prober = Prober(ProbeLimits())

    video, audio = await asyncio.gather(prober.video(_CLIP), prober.audio(_CLIP))

    container = "mov,mp4,m4a,3gp,3g2,mj2"
    assert video == VideoFacts(
        kind="video",
        container=container,
        codec="h264",
        duration_s=3.84,
        width=512,
        height=512,
        fps=25,
        frames=96,
        has_audio=True,
        audio_s=3.84,
    )
    assert audio == AudioFacts(
        kind="audio", container=container, codec="aac", duration_s=3.84, sample_rate=16_000, channels=1
    )


async def test_what_is_missing_or_too_much_keeps_its_own_code(silent: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "notes.mp4").write_text("no media at all\n" * 50)
    os.mkfifo(tmp_path / "pipe.mp4")
    narrow = Prober(ProbeLimits(video_s=3, audio_s=2))

    async def code(examining: object) -> type[Exception]:
        with pytest.raises(InputError) as raised:
            await examining  # type: ignore[misc]
        return raised.type

    found = await asyncio.gather(
        code(narrow.video(_VOICE)),
        code(narrow.audio(silent)),
        code(narrow.video(silent)),
        code(narrow.video(_CLIP)),
        code(narrow.audio(_VOICE)),
        code(narrow.video(tmp_path / "gone.mp4")),
        code(narrow.video(tmp_path / "empty.mp4")),
        code(narrow.video(tmp_path / "notes.mp4")),
        code(narrow.video(tmp_path / "pipe.mp4")),
        code(narrow.video(tmp_path)),
        code(Prober(ProbeLimits(streams=1)).video(_CLIP)),
        code(Prober(ProbeLimits(packets=90)).video(_CLIP)),
    )

    assert found == [
        NoVideoStream,
        NoAudioStream,
        FrameTooLarge,
        VideoTooLong,
        AudioTooLong,
        MediaNotFound,
        MediaEmpty,
        MediaUnreadable,
        MediaUnreadable,
        MediaUnreadable,
        MediaTooComplex,
        MediaTooComplex,
    ]


async def test_names_are_only_names(tmp_path: Path) -> None:
    path = tmp_path / "-x http:$(rm) %03d “ü”.m4a"
    path.write_bytes(_VOICE.read_bytes())

    assert (await Prober(ProbeLimits()).audio(path)).sample_rate == 16_000


async def test_sentences_name_a_file_as_people_do(program: "Program") -> None:
    program.answers('{"error": {"code": "media_empty", "sentence": "“talking_head.mp4” is empty."}}')

    with pytest.raises(MediaEmpty, match=r"^“my holiday\.mov” is empty\.$"):
        await Prober(ProbeLimits()).video(_CLIP, called="my holiday.mov")


async def test_a_video_whose_sound_cannot_be_decoded_has_none(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(_CLIP)) as source, av.open(str(path), "w") as output:
        copies = {stream.index: output.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream_index]
                output.mux(packet)
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_WHO"))

    facts = await Prober(ProbeLimits()).video(path)

    assert (facts.frames, facts.has_audio, facts.audio_s) == (96, False, None)


async def test_a_file_that_needs_more_memory_than_there_is_is_refused() -> None:
    with pytest.raises(InputError):  # native code that does not ask whether it got any ends the process
        await Prober(ProbeLimits(memory_bytes=64 << 20)).video(_CLIP)


async def test_one_that_takes_too_long_is_ended(program: "Program") -> None:
    program.does("sleep 60")
    others = psutil.Process().children()

    with pytest.raises(MediaTooComplex, match="too long"):
        await Prober(ProbeLimits(wall_s=1)).video(_CLIP)

    assert psutil.Process().children() == others


async def test_one_that_nobody_waits_for_any_more_is_ended(program: "Program") -> None:
    program.does("sleep 60")
    others = psutil.Process().children()
    probing = asyncio.create_task(Prober(ProbeLimits()).video(_CLIP))
    while psutil.Process().children() == others:
        await asyncio.sleep(0.01)

    probing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probing

    assert psutil.Process().children() == others


async def test_only_so_many_run_at_once(program: "Program", tmp_path: Path) -> None:
    program.does(f"mkdir {tmp_path}/running || touch {tmp_path}/two; sleep 0.05; rmdir {tmp_path}/running; kill -9 $$")
    prober = Prober(ProbeLimits(), at_once=1)

    await asyncio.gather(*(prober.video(_CLIP) for _ in range(3)), return_exceptions=True)

    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "nonsense",
        "{}",
        '{"facts": {"kind": "video"}}',
        '{"facts": {"kind": "audio", "container": "wav", "codec": "pcm", "duration_s": 1, "sample_rate": 1, '
        '"channels": 1}}',
        '{"facts": {"kind": "video", "container": "a", "codec": "b", "duration_s": NaN, "width": 1, "height": 1, '
        '"fps": 1, "frames": 2, "has_audio": false}}',
        '{"error": {"code": "disk_full", "sentence": "x"}}',
        '{"error": {"code": "no_such_code", "sentence": "x"}}',
        '{"error": {"code": "media_empty", "sentence": "' + "x" * 501 + '"}}',
        '{"facts": "' + "x" * 100_000 + '"}',
    ],
)
async def test_an_answer_is_taken_for_nothing_more_than_it_may_say(program: "Program", answer: str) -> None:
    program.answers(answer)

    with pytest.raises(MediaUnreadable):
        await Prober(ProbeLimits()).video(_CLIP)


async def test_one_that_dies_is_an_error_of_the_file(program: "Program") -> None:
    program.does("kill -SEGV $$")

    with pytest.raises(MediaUnreadable) as raised:
        await Prober(ProbeLimits()).video(_CLIP)

    assert raised.value.fields["ended_with"] == -11


async def test_it_learns_nothing_of_our_environment(program: "Program", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIPSTAGE_S3_SECRET_KEY", "do-not-tell")
    program.does("""printf '{"error": {"code": "media_empty", "sentence": "%s"}}\\n' "$(env | tr '\\n' ' ')" """)

    with pytest.raises(MediaEmpty) as raised:
        await Prober(ProbeLimits()).video(_CLIP)

    assert "OPENBLAS_NUM_THREADS=1" in str(raised.value)
    assert "do-not-tell" not in str(raised.value)


class Program:
    """Stands where Python was, with whatever it does instead of examining."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def does(self, script: str) -> None:
        self._path.write_text(f"#!/bin/sh\n{script}\n")
        self._path.chmod(0o755)

    def answers(self, line: str) -> None:
        answer = self._path.with_suffix(".json")
        answer.write_text(f"{line}\n")
        self.does(f"exec cat {answer}")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "program"))
    return Program(tmp_path / "program")
