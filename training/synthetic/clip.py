"""A drawn clip as an mp4, for the pipeline, the tests and the eyes of people."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from services.common.media.audio import SAMPLE_RATE_HZ
from services.common.media.color import BT709
from services.common.media.opening import file_url
from services.common.media.writing import new_file
from training.synthetic.head import draw_head, portrait
from training.synthetic.identity import Identity

_IN_FRONT: Final = {"movflags": "+faststart", "fflags": "+bitexact"}
"""The index before the media, as players on the web want it."""
_CRF: Final = "16"
_AUDIO_BIT_RATE: Final = 96_000
_TV_RANGE: Final = 1


def write_clip(
    path: Path,
    identity: Identity,
    visemes: NDArray[np.floating],
    poses: NDArray[np.floating],
    wave: NDArray[np.int16] | None,
    fps: int = 25,
    size_px: int = 512,
) -> None:
    """Writes `identity` with mouth [F, 3] and motion [F, 6] as H.264 (4:2:0, BT.709) and, with `wave` (mono, 16 kHz),
    AAC. Raises DiskFull or OutputUnwritable; ValueError if visemes and poses differ in length."""
    still = portrait(identity, px_per_unit=128 * max(1.0, size_px / 512))
    camera = frame_camera(size_px)
    frames = (draw_head(still, v, p, camera, size_px) for v, p in zip(visemes, poses, strict=True))
    write_mp4(path, frames, wave, fps, (size_px, size_px))


def frame_camera(size_px: int) -> NDArray[np.float64]:
    """2×3, scene units → px, of a square frame with head and shoulders."""
    scale = 0.285 * size_px
    return np.array([[scale, 0.0, 0.5 * size_px], [0.0, scale, 0.42 * size_px]])


def write_mp4(
    path: Path, frames: Iterable[NDArray[np.uint8]], wave: NDArray[np.int16] | None, fps: int, size_wh: tuple[int, int]
) -> None:
    """Writes frames (H×W×3 RGB, even sizes) and mono sound at 16 kHz. Raises DiskFull or OutputUnwritable."""
    with _new_mp4(path) as container:
        video = container.add_stream("libx264", rate=fps, options={"crf": _CRF, "preset": "fast", "threads": "1"})
        assert isinstance(video, VideoStream)
        video.width, video.height = size_wh
        video.pix_fmt = "yuv420p"
        context = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = _TV_RANGE
        sound = None if wave is None else _sound_stream(container)
        for index, rgb_hwc in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb_hwc), format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None and wave is not None:
            _encode_sound(container, sound, wave)


def write_sound(path: Path, wave: NDArray[np.int16]) -> None:
    """Writes mono sound at 16 kHz as AAC (.m4a). Raises DiskFull or OutputUnwritable."""
    with _new_mp4(path) as container:
        _encode_sound(container, _sound_stream(container), wave)


@contextmanager
def _new_mp4(path: Path) -> Iterator[OutputContainer]:
    with (
        new_file(path) as temporary,
        av.open(file_url(temporary), "w", format="mp4", container_options=_IN_FRONT) as container,
    ):
        yield container


def _sound_stream(container: OutputContainer) -> AudioStream:
    stream = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono", bit_rate=_AUDIO_BIT_RATE)
    assert isinstance(stream, AudioStream)
    return stream


def _encode_sound(container: OutputContainer, sound: AudioStream, wave: NDArray[np.int16]) -> None:
    for audio in _audio_frames(wave):
        container.mux(sound.encode(audio))
    container.mux(sound.encode(None))


def _audio_frames(wave: NDArray[np.int16]) -> Iterator[av.AudioFrame]:
    for start in range(0, len(wave), 1024):
        samples = np.ascontiguousarray(wave[None, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, start, Fraction(1, SAMPLE_RATE_HZ)
        yield frame
