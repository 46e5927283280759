"""What a media file holds, learnt by walking its packets; only the first picture is decoded."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av import VideoFrame
from av.container import InputContainer
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Stream
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream
from numpy.typing import NDArray

from services.common.errors import (
    AudioEmpty,
    AudioTooLong,
    FrameTooLarge,
    MediaTruncated,
    MediaUnreadable,
    VideoTooShort,
)
from services.common.media.color import ColorTags
from services.common.media.formats import WorkingFormat, working_format_of
from services.common.media.frame_times import PacketWalk, walk_packets
from services.common.media.opening import open_media
from services.common.media.orientation import Orientation, orientation_of
from services.common.media.streams import audio_stream, packet_end_s, packets_of, start_s, video_stream

MAX_SIDE_PX: Final = 8192
MAX_AREA_PX: Final = 8192 * 4608

_TRUNCATION_SLACK_S: Final = 0.5
_TRUNCATION_SLACK_SHARE: Final = 0.02
_DECLARING_FORMATS: Final = frozenset({"mov", "matroska", "avi", "flac", "flv", "asf"})
"""Containers that state how long they are; elsewhere the duration is FFmpeg's guess."""


@dataclass(frozen=True, eq=False)
class VideoInfo:
    """The video stream of a file. Sizes are upright (as displayed) unless they say coded."""

    codec: str
    stream_index: int
    width: int
    height: int
    coded_width: int
    coded_height: int
    orientation: Orientation
    sample_aspect_ratio: Fraction
    """Of the upright picture; 1 when the file does not say."""
    pixel_format: str
    working_format: WorkingFormat
    color: ColorTags
    time_base: Fraction
    """Seconds per unit of `timestamps`, `start_pts` and `last_frame_duration`."""
    start_pts: int
    """The file's own timestamp of the first frame."""
    timestamps: NDArray[np.int64]
    """Presentation time of every frame in display order, strictly increasing, 0 at the first."""
    keyframes: NDArray[np.int64]
    """Increasing indices of the frames decoding can start at."""
    last_frame_duration: int
    untimed: bool
    """The file does not time its frames one by one (AVI): decoded frames are matched by counting them."""
    has_audio: bool

    @property
    def rotation_deg(self) -> int:
        return self.orientation.rotation_deg

    @property
    def frame_count(self) -> int:
        return len(self.timestamps)

    @property
    def duration_s(self) -> float:
        return float((int(self.timestamps[-1]) + self.last_frame_duration) * self.time_base)

    @property
    def average_fps(self) -> Fraction:
        return self.frame_count / ((int(self.timestamps[-1]) + self.last_frame_duration) * self.time_base)


@dataclass(frozen=True)
class AudioInfo:
    """The audio stream of a file."""

    codec: str
    stream_index: int
    sample_rate: int
    channels: int
    duration_s: float


def probe_video(path: Path) -> VideoInfo:
    """Reads a video file's stream parameters and the timestamp of every frame.

    Frames hidden by edit lists and frames before the first keyframe are left out.
    Raises the errors of `open_media`, and MediaTruncated, MediaUnreadable, NoVideoStream, VideoTooShort, FrameTooLarge.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        _check_size(stream.width, stream.height, path)
        walk = walk_packets(container, stream)
        _check_complete(container, stream, walk.stream_end_s, walk.file_end_s, path)
        if walk.first_frame is None:
            raise MediaUnreadable(f"No picture of “{path.name}” can be decoded.", path=str(path))
        timestamps = np.unique(np.array(walk.timestamps, np.int64))
        if len(timestamps) < 2:
            raise VideoTooShort(
                f"“{path.name}” has {len(timestamps)} video frame; at least 2 are needed.",
                path=str(path),
                frames=len(timestamps),
            )
        return _video_info(container, stream, walk, walk.first_frame, timestamps)


def probe_audio(path: Path, max_s: float | None = None) -> AudioInfo:
    """Reads an audio (or video) file's audio stream parameters; the duration comes from its packets.

    Raises the errors of `open_media`, and MediaTruncated, NoAudioStream, AudioEmpty, AudioTooLong (over `max_s`).
    """
    with open_media(path) as container:
        stream = audio_stream(container, path)
        end_s = 0.0
        for packet in packets_of(container, stream):
            end_s = max(end_s, packet_end_s(packet) - start_s(container))
            if max_s is not None and end_s > max_s:
                raise audio_too_long(path, max_s)
        if end_s <= 0:
            raise AudioEmpty(f"The audio of “{path.name}” has no samples.", path=str(path))
        _check_complete(container, stream, end_s, end_s, path)
        context = stream.codec_context
        return AudioInfo(context.codec.canonical_name, stream.index, context.sample_rate, context.channels, end_s)


def audio_too_long(path: Path, max_s: float) -> AudioTooLong:
    return AudioTooLong(
        f"The audio of “{path.name}” is longer than the limit of {max_s:g} s.", path=str(path), max_s=max_s
    )


def _check_size(width: int, height: int, path: Path) -> None:
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_AREA_PX:
        raise FrameTooLarge(
            f"“{path.name}” is {width}×{height} pixels; the largest size accepted is 8K (8192×4608).",
            path=str(path),
            width=width,
            height=height,
        )


def _check_complete(
    container: InputContainer, stream: Stream, stream_end_s: float, file_end_s: float, path: Path
) -> None:
    """Raises MediaTruncated when the packets end well before the time that the file declares."""
    if _DECLARING_FORMATS.isdisjoint(container.format.name.split(",")):
        return
    if stream.duration is not None and stream.time_base is not None:
        declared_s, end_s = float(stream.duration * stream.time_base), stream_end_s
    else:
        declared_s, end_s = (container.duration or 0) / av.time_base, file_end_s
    if declared_s - end_s > max(_TRUNCATION_SLACK_S, _TRUNCATION_SLACK_SHARE * declared_s):
        raise MediaTruncated(
            f"“{path.name}” is cut short: it declares {declared_s:.1f} s and ends after {end_s:.1f} s.",
            path=str(path),
            declared_s=declared_s,
            end_s=end_s,
        )


def _video_info(
    container: InputContainer, stream: VideoStream, walk: PacketWalk, frame: VideoFrame, timestamps: NDArray[np.int64]
) -> VideoInfo:
    assert stream.time_base is not None
    orientation = _orientation(frame)
    coded, upright = (frame.width, frame.height), (frame.width, frame.height)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if orientation.is_quarter_turn:
        upright, aspect = (frame.height, frame.width), 1 / aspect
    in_order = container.format.name == "avi" and walk.in_decode_order and stream.codec_context.has_b_frames
    return VideoInfo(
        codec=stream.codec_context.codec.canonical_name,
        stream_index=stream.index,
        width=upright[0],
        height=upright[1],
        coded_width=coded[0],
        coded_height=coded[1],
        orientation=orientation,
        sample_aspect_ratio=aspect,
        pixel_format=frame.format.name,
        working_format=working_format_of(frame.format.name, *upright, quarter_turn=orientation.is_quarter_turn),
        color=_color_tags(frame),
        time_base=stream.time_base,
        start_pts=int(timestamps[0]),
        timestamps=timestamps - timestamps[0],
        keyframes=_entry_points(timestamps, walk.keyframe_timestamps),
        last_frame_duration=walk.last_frame[1] or int(timestamps[-1] - timestamps[-2]),
        untimed=walk.some_missing or in_order,
        has_audio=bool(container.streams.audio),
    )


def _entry_points(timestamps: NDArray[np.int64], keyframe_timestamps: list[int]) -> NDArray[np.int64]:
    """The frames that keyframes are; a hidden keyframe stands for the first frame shown after it."""
    indices = np.unique(np.searchsorted(timestamps, keyframe_timestamps))
    return indices[indices < len(timestamps)].astype(np.int64)


def _orientation(frame: VideoFrame) -> Orientation:
    # `frame.side_data` would be kept by the frame it refers to: the two would live until cyclic collection.
    matrix = SideDataContainer(frame).get(SideDataType.DISPLAYMATRIX)  # type: ignore[call-arg]  # missing in PyAV's stub
    return orientation_of(bytes(matrix)) if matrix else Orientation()


def _color_tags(frame: VideoFrame) -> ColorTags:
    is_full_range = frame.format.name.startswith("yuvj")
    return ColorTags(
        primaries=int(frame.color_primaries),
        trc=int(frame.color_trc),
        matrix=int(frame.colorspace),
        range=int(ColorRange.JPEG) if is_full_range else int(frame.color_range),
    )
