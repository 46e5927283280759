"""Small media files made on the spot."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np
import pytest
from numpy.typing import NDArray


class MakeVideo(Protocol):
    def __call__(
        self,
        name: str,
        codec: str = "libx264",
        pixel_format: str = "yuv420p",
        size_wh: tuple[int, int] = (96, 64),
        pts: Sequence[int] = range(30),
        time_base: Fraction = Fraction(1, 25),
        container: str | None = None,
        options: dict[str, str] | None = None,
        rotation_ccw_deg: int = 0,
        mirrored: bool = False,
        tags: tuple[int, int, int, int] | None = None,
        sound_start_s: float | None = None,
        aspect: Fraction | None = None,
    ) -> Path: ...


def scene(index: int, width: int, height: int) -> NDArray[np.uint8]:
    """RGB h×w×3: a still gradient, dark left-top corner, and a bright bar whose place tells the frame's index."""
    rows, columns = np.mgrid[:height, :width]
    rgb_hwc = np.stack([columns * 150 // width + 40, rows * 150 // height + 40, np.full_like(rows, 90)], axis=-1)
    rgb_hwc[: height // 4, : width // 4] = 10
    left = width // 4 + (index * 2) % (width - width // 4 - 6)
    rgb_hwc[height // 2 :, left : left + 6] = 235
    return rgb_hwc.astype(np.uint8)


def tone(duration_s: float, rate: int, channels: int = 1) -> NDArray[np.int16]:
    """samples×channels int16: 440 Hz, one semitone higher per channel."""
    time_s = np.arange(round(duration_s * rate)) / rate
    pitch_hz = 440 * 2 ** (np.arange(channels) / 12)
    return np.asarray(np.sin(2 * np.pi * time_s[:, None] * pitch_hz) * 12_000, np.int16)


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    def make(
        name: str,
        codec: str = "libx264",
        pixel_format: str = "yuv420p",
        size_wh: tuple[int, int] = (96, 64),
        pts: Sequence[int] = range(30),
        time_base: Fraction = Fraction(1, 25),
        container: str | None = None,
        options: dict[str, str] | None = None,
        rotation_ccw_deg: int = 0,
        mirrored: bool = False,
        tags: tuple[int, int, int, int] | None = None,
        sound_start_s: float | None = None,
        aspect: Fraction | None = None,
    ) -> Path:
        width, height = size_wh
        path = tmp_path / name
        with av.open(f"file:{path}", "w", format=container) as output:
            video = output.add_stream(codec, rate=25, options=options or {})
            video.width, video.height, video.pix_fmt = width, height, pixel_format
            video.codec_context.time_base = time_base
            if aspect:
                video.codec_context.sample_aspect_ratio = aspect
            if rotation_ccw_deg or mirrored:
                video.set_display_rotation(rotation_ccw_deg, hflip=mirrored)
            context = video.codec_context
            if tags:
                context.color_primaries, context.color_trc, context.colorspace, context.color_range = tags
            sound = output.add_stream("aac", rate=44_100, layout="mono") if sound_start_s is not None else None
            frame_format = av.VideoFormat(pixel_format)
            matrix, value_range = (tags[2], tags[3]) if tags else (5, 1)
            for index, stamp in enumerate(pts):
                frame = av.VideoFrame.from_ndarray(scene(index, width, height), "rgb24").reformat(
                    format=pixel_format,
                    dst_colorspace=1 if matrix == 1 else 5,
                    dst_color_range=2 if frame_format.is_rgb else value_range,
                )
                frame.pts, frame.time_base = stamp, time_base
                output.mux(video.encode(frame))
            output.mux(video.encode(None))
            if sound is not None:
                frame = av.AudioFrame.from_ndarray(tone(1.0, 44_100).T.copy(), "s16", "mono")
                frame.sample_rate, frame.time_base = 44_100, Fraction(1, 44_100)
                frame.pts = round(sound_start_s * 44_100)
                output.mux(sound.encode(frame))
                output.mux(sound.encode(None))
        return path

    return make


MakeSound = Callable[..., Path]


@pytest.fixture
def make_sound(tmp_path: Path) -> MakeSound:
    def make(
        name: str,
        codec: str = "pcm_s16le",
        rate: int = 16_000,
        channels: int = 1,
        duration_s: float = 1.0,
        samples: NDArray[np.int16] | None = None,
    ) -> Path:
        path = tmp_path / name
        samples = tone(duration_s, rate, channels) if samples is None else samples
        layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
        with av.open(f"file:{path}", "w") as output:
            stream = output.add_stream(codec, rate=rate, layout=layout)
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path

    return make
