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
from services.common.media.probe import AudioInfo, audio_too_long, probe_audio, probe_video
from services.common.media.streams import audio_stream, packet_end_s, packets_of, start_s, video_stream


def main() -> None:
    path, kind, limits = Path(sys.argv[1]), sys.argv[2], ProbeLimits(**json.loads(sys.argv[3]))
    confine(limits.memory_bytes, limits.cpu_s, limits.wall_s)
    sys.stdout.write(json.dumps(answer(path, kind, limits)) + "\n")
    sys.stdout.flush()
    os._exit(0)  # what FFmpeg made of the file need not be cleared away piece by piece


def answer(path: Path, kind: str, limits: ProbeLimits) -> dict[str, object]:
    """`{"facts": {…}}` or `{"error": {…}}`, as `gateway.probing` reads them."""
    try:
        container = _check_amount(path, kind, limits)
        facts = _video_facts(path) if kind == "video" else _audio_facts(path)
        return {"facts": {"kind": kind, "container": container, **facts}}
    except LipstageError as error:
        return {"error": {"code": error.code, "sentence": error.sentence}}
    except MemoryError:
        sentence = f"“{path.name}” needs more memory to be examined than it is given."
        return {"error": {"code": MediaTooComplex.code, "sentence": sentence}}


def _check_amount(path: Path, kind: str, limits: ProbeLimits) -> str:
    """The container's FFmpeg name, after one pass over the packets that ends at the first limit."""
    with open_media(path) as container:
        if len(container.streams) > limits.streams:
            raise MediaTooComplex(
                f"“{path.name}” has {len(container.streams)} streams; at most {limits.streams} are accepted."
            )
        wanted = video_stream(container, path) if kind == "video" else audio_stream(container, path)
        for packets, packet in enumerate(packets_of(container), start=1):
            if packets > limits.packets:
                raise MediaTooComplex(f"“{path.name}” has more than {limits.packets} packets.")
            if packet.stream_index == wanted.index:
                _check_time(path, kind, packet_end_s(packet) - start_s(container), limits)
        return container.format.name


def _check_time(path: Path, kind: str, end_s: float, limits: ProbeLimits) -> None:
    if kind == "video" and end_s > limits.video_s:
        raise VideoTooLong(f"“{path.name}” is longer than the limit of {limits.video_s:g} s.")
    if kind == "audio" and end_s > limits.audio_s:
        raise audio_too_long(path, limits.audio_s)


def _video_facts(path: Path) -> dict[str, object]:
    info = probe_video(path)
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
        return _decodable_audio(path).duration_s
    except InputError:
        return None


def _audio_facts(path: Path) -> dict[str, object]:
    info = _decodable_audio(path)
    return {
        "codec": info.codec,
        "duration_s": info.duration_s,
        "sample_rate": info.sample_rate,
        "channels": info.channels,
    }


def _decodable_audio(path: Path) -> AudioInfo:
    info = probe_audio(path)
    with open_media(path) as container:
        if next(decoded_audio(container, audio_stream(container, path)), None) is None:
            raise MediaUnreadable(f"No sound of “{path.name}” can be decoded.")
    return info


if __name__ == "__main__":
    main()
