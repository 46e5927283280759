"""Encoding one segment of the output; segments are joined later without encoding again."""

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Literal

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from services.common.media.formats import WorkingFormat, layout_of, yuv_format
from services.common.media.opening import file_url
from services.common.media.picture import Picture
from services.common.media.planes import frame_of
from services.common.media.probe import VideoInfo
from services.common.media.writing import new_file

os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder prints its configuration otherwise

VideoCodec = Literal["h264", "hevc", "av1"]
CodecChoice = Literal["auto", "h264", "hevc", "av1"]
Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]

_ENCODERS: Final[dict[VideoCodec, str]] = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1"}
_SVT_AV1_PRESETS: Final[dict[Preset, int]] = {
    "ultrafast": 12,
    "superfast": 11,
    "veryfast": 10,
    "faster": 9,
    "fast": 8,
    "medium": 6,
    "slow": 4,
    "slower": 3,
    "veryslow": 2,
}


@dataclass(frozen=True)
class EncoderSettings:
    """How the one video encode is done. The bytes depend on `threads`, so it is fixed rather than the machine's."""

    codec: CodecChoice = "auto"
    crf: float = 18
    preset: Preset = "medium"
    threads: int = 2


def pick_codec(choice: CodecChoice, info: VideoInfo, container_suffix: str = ".mp4") -> VideoCodec:
    """`auto` is AV1 in WebM, which holds no other codec of ours, else HEVC for 10-bit and H.264 for 8-bit sources."""
    if choice != "auto":
        return choice
    if container_suffix.lower() == ".webm":
        return "av1"
    return "hevc" if layout_of(info.working_format).bits > 8 else "h264"


class SegmentEncoder:
    """Writes one segment: its own file, a closed run of pictures that starts with a keyframe.

    Size, sampling, colour tags and pixel shape are those of the source `info` (AV1: always 4:2:0); RGB sources
    become 4:2:0, in BT.709 from 720 lines on, else BT.601. Pictures in another format are converted. `settings.codec`
    `auto` is resolved by `pick_codec` for .mp4; a caller who joins into WebM resolves it first.

    Use as a context manager; the file appears when it ends without an error. The same pictures and settings give
    the same bytes, also on another processor (AV1: on one that has AVX2). Raises DiskFull or OutputUnwritable.
    """

    def __init__(self, path: Path, info: VideoInfo, time_base: Fraction, settings: EncoderSettings) -> None:
        self._path = path
        self._info = info
        self._time_base = time_base
        self._settings = settings
        self._codec = pick_codec(settings.codec, info)
        self._format = encoded_format(info, self._codec)
        self._color = info.color.for_yuv(info.height) if layout_of(info.working_format).is_rgb else info.color
        self._resources = ExitStack()

    def __enter__(self) -> "SegmentEncoder":
        with ExitStack() as resources:
            temporary = resources.enter_context(new_file(self._path))
            self._container = resources.enter_context(
                av.open(file_url(temporary), "w", format="mp4", container_options={"fflags": "+bitexact"})
            )
            stream = self._container.add_stream(
                _ENCODERS[self._codec],
                rate=self._info.average_fps.limit_denominator(100_000),
                options=_encoder_options(self._codec, self._settings),
            )
            assert isinstance(stream, VideoStream)
            self._configure(stream.codec_context)
            self._stream = stream
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._resources:
            if error is not None:
                raise error
            self._container.mux(self._stream.encode(None))

    def write(self, picture: Picture, pts: int) -> None:
        """Adds a picture; `pts` (in the encoder's time base) increases from call to call."""
        encoded = replace(picture, color=self._color).converted(self._format)
        frame = frame_of(encoded.planes, self._format)
        frame.pts, frame.time_base = pts, self._time_base
        self._container.mux(self._stream.encode(frame))

    def _configure(self, context: VideoCodecContext) -> None:
        context.width, context.height = self._info.width, self._info.height
        context.pix_fmt = self._format
        context.time_base = self._time_base
        context.sample_aspect_ratio = self._info.sample_aspect_ratio
        context.color_primaries = self._color.primaries
        context.color_trc = self._color.trc
        context.colorspace = self._color.matrix
        context.color_range = self._color.range
        context.thread_count = self._settings.threads
        context.flags |= Flags.bitexact | Flags.closed_gop
        if self._codec == "hevc":
            context.codec_tag = "hvc1"  # the only HEVC tag that Apple's players accept


def encoded_format(info: VideoInfo, codec: VideoCodec) -> WorkingFormat:
    """The pixel format a source is encoded in."""
    layout = layout_of(info.working_format)
    if layout.is_rgb and (info.width % 2 or info.height % 2):
        return "yuv444p"
    return yuv_format(2, 2, layout.bits) if layout.is_rgb or codec == "av1" else info.working_format


def _encoder_options(codec: VideoCodec, settings: EncoderSettings) -> dict[str, str]:
    crf = f"{settings.crf:g}"
    if codec == "h264":
        # Else some of its decisions rest on approximations that differ between processors, and so would the bytes.
        return {"crf": crf, "preset": settings.preset, "x264-params": "cpu-independent=1"}
    if codec == "hevc":
        fixed = f"log-level=error:info=0:open-gop=0:pools={settings.threads}:frame-threads={settings.threads}"
        return {"crf": crf, "preset": settings.preset, "x265-params": fixed}
    preset = str(_SVT_AV1_PRESETS[settings.preset])
    return {"crf": f"{settings.crf:.0f}", "preset": preset, "svtav1-params": f"lp={settings.threads}"}
