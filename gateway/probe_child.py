"""`python -m gateway.probe_child FILE video|audio LIMITS`: what a stranger's file holds, as one line of JSON.

Run by `gateway.probing` in a process of its own, which confines itself before it opens the file.
"""

import json
import os
import sys
from pathlib import Path

# PyAV and NumPy import these in the middle of their work, when Python could not open them any more.
import av.subtitles.codeccontext
import av.subtitles.stream  # noqa: F401
import numpy.ma  # noqa: F401

from gateway.confinement import confine
from gateway.probe_limits import ProbeLimits
from services.common.errors import InputError, LipstageError, MediaTooComplex, MediaUnreadable, VideoTooLong
from services.common.media.audio import decoded_audio
from services.common.media.opening import open_media
from services.common.media.probe import AudioInfo, probe_audio, probe_video
from services.common.media.streams import audio_stream, packets_of


def main() -> None:
    path, kind, limits = Path(sys.argv[1]), sys.argv[2], ProbeLimits(**json.loads(sys.argv[3]))
    confine(limits.memory_bytes, limits.cpu_s, limits.wall_s)
    sys.stdout.write(json.dumps(answer(path, kind, limits)) + "\n")
    sys.stdout.flush()
    os._exit(0)  # what FFmpeg made of the file need not be cleared away piece by piece


def answer(path: Path, kind: str, limits: ProbeLimits) -> dict[str, object]:
    """`{"facts": {…}}` or `{"error": {…}}`, as `gateway.probing` reads them."""
    try:
        container = _check_amount(path, limits)
        facts = _video_facts(path, limits) if kind == "video" else _audio_facts(path, limits)
        return {"facts": {"kind": kind, "container": container, **facts}}
    except LipstageError as error:
        return {"error": {"code": error.code, "sentence": error.sentence}}
    except MemoryError:
        sentence = f"“{path.name}” needs more memory to be examined than it is given."
        return {"error": {"code": MediaTooComplex.code, "sentence": sentence}}


def _check_amount(path: Path, limits: ProbeLimits) -> str:
    """The container's FFmpeg name, after one pass over the packets. Raises MediaTooComplex."""
    with open_media(path) as container:
        if len(container.streams) > limits.streams:
            raise MediaTooComplex(
                f"“{path.name}” has {len(container.streams)} streams; at most {limits.streams} are accepted."
            )
        for packets, _ in enumerate(packets_of(container), start=1):
            if packets > limits.packets:
                raise MediaTooComplex(f"“{path.name}” has more than {limits.packets} packets.")
        return container.format.name


def _video_facts(path: Path, limits: ProbeLimits) -> dict[str, object]:
    info = probe_video(path)
    if info.duration_s > limits.video_s:
        raise VideoTooLong(f"“{path.name}” is longer than the limit of {limits.video_s:g} s.")
    audio_s = _sound_of_video_s(path)
    return {
        "codec": info.codec,
        "duration_s": info.duration_s,
        "width": info.width,
        "height": info.height,
        "fps": float(info.average_fps),
        "frames": info.frame_count,
        "has_audio": audio_s is not None,
        "audio_s": audio_s,
    }


def _sound_of_video_s(path: Path) -> float | None:
    try:
        return _decodable_audio(path, None).duration_s
    except InputError:
        return None


def _audio_facts(path: Path, limits: ProbeLimits) -> dict[str, object]:
    info = _decodable_audio(path, limits.audio_s)
    return {
        "codec": info.codec,
        "duration_s": info.duration_s,
        "sample_rate": info.sample_rate,
        "channels": info.channels,
    }


def _decodable_audio(path: Path, max_s: float | None) -> AudioInfo:
    info = probe_audio(path, max_s)
    with open_media(path) as container:
        if next(decoded_audio(container, audio_stream(container, path)), None) is None:
            raise MediaUnreadable(f"No sound of “{path.name}” can be decoded.")
    return info


if __name__ == "__main__":
    main()
