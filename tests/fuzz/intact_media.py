"""Small files that are in order, one for each container that is read: what broken ones are made from."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

WIDTH, HEIGHT, FRAMES, FPS = 320, 256, 12, 25
RATE_HZ, SOUND_S = 16_000, 0.5


class _Recipe(NamedTuple):
    container: str
    video: str | None
    audio: str | None
    pixel_format: str = "yuv420p"
    rate_hz: int = RATE_HZ


_FAST = {"preset": "ultrafast", "deadline": "realtime"}
"""Encoders take what they know of it."""

_RECIPES = {
    ".mp4": _Recipe("mp4", "libx264", "aac"),
    ".mov": _Recipe("mov", "mjpeg", "pcm_s16le", "yuvj420p"),
    ".png.mov": _Recipe("mov", "png", None, "rgb24"),
    ".mkv": _Recipe("matroska", "libx264", "flac"),
    ".webm": _Recipe("webm", "libvpx", "libopus", rate_hz=48_000),
    ".vp9.webm": _Recipe("webm", "libvpx-vp9", None),
    ".avi": _Recipe("avi", "mpeg4", "libmp3lame"),
    ".mjpeg.avi": _Recipe("avi", "mjpeg", "pcm_s16le", "yuvj420p"),
    ".ts": _Recipe("mpegts", "libx264", "aac"),
    ".mpg": _Recipe("mpeg", "mpeg2video", "ac3", rate_hz=48_000),
    ".flv": _Recipe("flv", "flv", "libmp3lame", rate_hz=44_100),
    ".wmv": _Recipe("asf", "wmv2", "libmp3lame"),
    ".mxf": _Recipe("mxf", "mpeg2video", None),
    ".nut": _Recipe("nut", "ffv1", "pcm_s16le"),
    ".gif": _Recipe("gif", "gif", None, "rgb8"),
    ".wav": _Recipe("wav", None, "pcm_s16le"),
    ".w64": _Recipe("w64", None, "pcm_s16le"),
    ".mp3": _Recipe("mp3", None, "libmp3lame"),
    ".flac": _Recipe("flac", None, "flac"),
    ".ogg": _Recipe("ogg", None, "libopus", rate_hz=48_000),
    ".m4a": _Recipe("mp4", None, "aac"),
    ".aac": _Recipe("adts", None, "aac"),
    ".ac3": _Recipe("ac3", None, "ac3", rate_hz=48_000),
    ".eac3": _Recipe("eac3", None, "eac3", rate_hz=48_000),
    ".aiff": _Recipe("aiff", None, "pcm_s16be"),
    ".au": _Recipe("au", None, "pcm_s16be"),
    ".caf": _Recipe("caf", None, "pcm_s16be"),
    ".amr": _Recipe("amr", None, "libopencore_amrnb", rate_hz=8_000),
}


def intact_media(folder: Path) -> dict[str, bytes]:
    """Each file's content under its ending."""
    return {ending: _written(folder / f"intact{ending}", recipe) for ending, recipe in _RECIPES.items()}


def many_streams(path: Path, streams: int) -> bytes:
    """A Matroska file with so many sounds."""
    with av.open(f"file:{path}", "w", format="matroska") as output:
        sounds = [output.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono") for _ in range(streams)]
        for sound in sounds:
            output.mux(sound.encode(_tone(RATE_HZ // 100, RATE_HZ)))
    return path.read_bytes()


def _written(path: Path, recipe: _Recipe) -> bytes:
    with av.open(f"file:{path}", "w", format=recipe.container) as output:
        video = _video(output.add_stream(recipe.video, rate=FPS, options=_FAST), recipe) if recipe.video else None
        sound = output.add_stream(recipe.audio, rate=recipe.rate_hz, layout="mono") if recipe.audio else None
        if video:
            for index in range(FRAMES):
                frame = av.VideoFrame.from_ndarray(_scene(index), "rgb24").reformat(format=recipe.pixel_format)
                frame.pts, frame.time_base = index, Fraction(1, FPS)
                output.mux(video.encode(frame))
            output.mux(video.encode(None))
        if sound:
            assert isinstance(sound, AudioStream)
            for part in _sound_frames(sound, recipe.rate_hz):
                output.mux(sound.encode(part))
            output.mux(sound.encode(None))
    return path.read_bytes()


def _video(stream: object, recipe: _Recipe) -> VideoStream:
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, recipe.pixel_format
    return stream


def _sound_frames(sound: AudioStream, rate_hz: int) -> list[av.AudioFrame]:
    resampler = av.AudioResampler(format=sound.codec_context.format, layout="mono", rate=rate_hz)
    fifo = av.AudioFifo()
    for frame in resampler.resample(_tone(round(SOUND_S * rate_hz), rate_hz)):
        fifo.write(frame)
    size = sound.codec_context.frame_size or 1024
    return fifo.read_many(size)


def _tone(samples: int, rate_hz: int) -> av.AudioFrame:
    wave = np.sin(2 * np.pi * 440 * np.arange(samples) / rate_hz) * 12_000
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16).reshape(1, -1), "s16", "mono")
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
    return frame


def _scene(index: int) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([columns * 200 // WIDTH, rows * 200 // HEIGHT, np.full_like(rows, 90)], axis=-1)
    picture[100:140, index * 8 : index * 8 + 24] = 235
    return picture.astype(np.uint8)
