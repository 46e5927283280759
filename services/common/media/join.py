"""Joining encoded segments and the caller's audio into the output file, without encoding again."""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from services.common.errors import InvalidParameter, LipstageError
from services.common.media.containers import holds
from services.common.media.mux_audio import add_audio_track
from services.common.media.opening import file_url, open_media
from services.common.media.streams import packets_of, video_stream
from services.common.media.writing import new_file

_MUXERS: Final = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
_MUXER_OPTIONS: Final = {"fflags": "+bitexact", "movflags": "+faststart"}


@dataclass(frozen=True)
class Joined:
    """What the output holds."""

    video_codec: str
    audio_codec: str | None
    audio_copied: bool
    """The caller's audio packets are in the output as they were."""


@dataclass(frozen=True)
class _Timeline:
    """Timestamps of all packets in decoding order, over all segments."""

    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    durations: NDArray[np.int64]


def join(
    segments: Sequence[Path],
    frame_pts: Sequence[int] | NDArray[np.int64],
    last_frame_duration: int,
    time_base: Fraction,
    output: Path,
    audio: Path | None = None,
    audio_end_s: float | None = None,
) -> Joined:
    """Writes `output` (.mp4, .m4v, .mov, .mkv or .webm) from segments of `SegmentEncoder`, in their order.

    `frame_pts` are the strictly increasing presentation times of all frames in units of `time_base`. The audio of
    the file `audio` (which may be a video) is copied packet by packet, in sync with its own start, up to
    `audio_end_s`; it is encoded (AAC, in WebM Opus) only if the container cannot hold its codec. The output appears
    whole or not at all, and the same inputs give the same bytes.
    Raises InvalidParameter (container), DiskFull, OutputUnwritable, and for the audio the errors of `open_media`
    and NoAudioStream.
    """
    check_container(output)
    timeline = _timeline(segments, np.asarray(frame_pts, np.int64), last_frame_duration)
    with ExitStack() as resources:
        temporary = resources.enter_context(new_file(output))
        container = resources.enter_context(
            av.open(file_url(temporary), "w", format=_MUXERS[output.suffix.lower()], container_options=_MUXER_OPTIONS)
        )
        video = _add_video_track(container, segments[0], time_base, output)
        sources = [_video_packets(segments, timeline, time_base, video)]
        track = None
        if audio is not None:
            track = resources.enter_context(add_audio_track(container, audio, audio_end_s))
            sources.append(track.packets)
        for packet in heapq.merge(*sources, key=_decoding_time_s):
            container.mux(packet)
        codec = video.codec_context.codec.canonical_name
        return Joined(codec, track.codec if track else None, track.copied if track else False)


def check_container(output: Path) -> None:
    """Raises InvalidParameter if the file's suffix is no container this writes."""
    if output.suffix.lower() not in _MUXERS:
        raise InvalidParameter(f"“{output.name}” has to end in {', '.join(_MUXERS)}.", output=str(output))


def decoding_timestamps(ranks: NDArray[np.int64], sorted_pts: NDArray[np.int64]) -> NDArray[np.int64]:
    """dts of packets in decoding order, strictly increasing and never above their pts.

    `ranks` (n) is each packet's position in display order. dts[i] = sorted_pts[i − delay], where delay is the
    smallest that keeps dts ≤ pts; before the first frame the first frame interval is continued backwards.
    """
    count = len(ranks)
    delay = int((np.arange(count) - ranks).max())
    interval = int(sorted_pts[1] - sorted_pts[0]) if count > 1 else 1
    before = sorted_pts[0] - interval * np.arange(delay, 0, -1, dtype=np.int64)
    return np.concatenate([before, sorted_pts])[:count]


def _timeline(segments: Sequence[Path], frame_pts: NDArray[np.int64], last_frame_duration: int) -> _Timeline:
    ranks = [np.empty(0, np.int64)]
    headers = set()
    for segment in segments:
        with open_media(segment) as container:
            stream = video_stream(container, segment)
            headers.add(stream.codec_context.extradata)
            pts = np.array([packet.pts for packet in packets_of(container, stream)], np.int64)
        ranks.append(np.argsort(np.argsort(pts)) + sum(len(earlier) for earlier in ranks))
    all_ranks = np.concatenate(ranks)
    if len(all_ranks) != len(frame_pts) or len(headers) != 1:
        raise LipstageError(
            f"The segments do not fit together: {len(all_ranks)} frames for {len(frame_pts)} timestamps, "
            f"{len(headers)} encoder configurations."
        )
    durations = np.append(np.diff(frame_pts), last_frame_duration)
    return _Timeline(frame_pts[all_ranks], decoding_timestamps(all_ranks, frame_pts), durations[all_ranks])


def _add_video_track(container: OutputContainer, segment: Path, time_base: Fraction, output: Path) -> VideoStream:
    with open_media(segment) as source:
        template = video_stream(source, segment)
        codec = template.codec_context.codec.canonical_name
        if not holds(container, codec):
            raise InvalidParameter(f"{codec} video does not fit into “{output.name}”.", codec=codec)
        track = container.add_stream_from_template(template, opaque=True)
    track.time_base = time_base
    return track


def _video_packets(
    segments: Sequence[Path], timeline: _Timeline, time_base: Fraction, track: VideoStream
) -> "Iterator[Packet[Stream]]":
    position = 0
    for segment in segments:
        with open_media(segment) as container:
            for packet in packets_of(container, video_stream(container, segment)):
                packet.pts = int(timeline.pts[position])
                packet.dts = int(timeline.dts[position])
                packet.duration = int(timeline.durations[position])
                packet.time_base = time_base
                packet.stream = track
                position += 1
                yield packet


def _decoding_time_s(packet: "Packet[Stream]") -> float:
    return float((packet.dts or 0) * packet.time_base)
