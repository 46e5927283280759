"""One pass over a video stream's packets: when every frame is shown, without decoding them."""

from dataclasses import dataclass, field

import av
from av import VideoFrame
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from services.common.media.streams import packet_end_s, packets_of, start_s


@dataclass
class PacketWalk:
    """What one pass over the packets gathers; times in the video stream's units unless in seconds."""

    timestamps: list[int] = field(default_factory=list)
    keyframe_timestamps: list[int] = field(default_factory=list)
    last_frame: tuple[int, int] = (0, 0)
    """Timestamp and duration of the frame shown last."""
    in_decode_order: bool = True
    some_missing: bool = False
    stream_end_s: float = 0.0
    file_end_s: float = 0.0
    first_frame: VideoFrame | None = None


def walk_packets(container: InputContainer, stream: VideoStream) -> PacketWalk:
    """Reads the whole file once; only the first picture is decoded.

    Left out: packets that edit lists discard, VP8's hidden frames, and what comes before the first keyframe.
    """
    walk = PacketWalk()
    stream.codec_context.thread_type = "NONE"  # a picture then comes out of the packet that holds it
    is_vp8 = stream.codec_context.codec.canonical_name == "vp8"
    for packet in packets_of(container):
        end_s = packet_end_s(packet) - start_s(container)
        walk.file_end_s = max(walk.file_end_s, end_s)
        if packet.stream_index != stream.index:
            continue
        walk.stream_end_s = max(walk.stream_end_s, end_s)
        if walk.first_frame is None:
            walk.first_frame = _decoded(packet)
        is_shown = not (packet.is_discard or (is_vp8 and _is_hidden_vp8(packet)))
        _note_timestamp(walk, packet, is_shown)
    if walk.first_frame is None:
        walk.first_frame = _last_decoded(stream)
    return walk


def _note_timestamp(walk: PacketWalk, packet: "Packet[Stream]", is_shown: bool) -> None:
    latest, duration = walk.last_frame
    pts = packet.pts if packet.pts is not None else packet.dts
    walk.some_missing |= packet.pts is None
    if pts is None:
        pts = latest + max(duration, 1)
    if packet.is_keyframe:
        walk.keyframe_timestamps.append(pts)
    if not is_shown or not walk.keyframe_timestamps or pts < walk.keyframe_timestamps[0]:
        return
    walk.in_decode_order &= not walk.timestamps or pts > latest
    walk.timestamps.append(pts)
    if len(walk.timestamps) == 1 or pts >= latest:
        walk.last_frame = (pts, packet.duration or 0)


def _decoded(packet: "Packet[Stream]") -> VideoFrame | None:
    try:
        frames = packet.decode()
    except av.FFmpegError:
        return None
    return next((frame for frame in frames if isinstance(frame, VideoFrame)), None)


def _last_decoded(stream: VideoStream) -> VideoFrame | None:
    """What the decoder still holds at the end of the file."""
    try:
        frames = stream.decode(None)
    except av.FFmpegError:
        return None
    return frames[0] if frames else None


def _is_hidden_vp8(packet: "Packet[Stream]") -> bool:
    """VP8 stores its alternate reference frames as packets that are never shown (RFC 6386, 9.1: show_frame)."""
    return not bytes(memoryview(packet)[:1])[0] & 0x10
