"""Streams of an open file and their packets."""

from collections.abc import Iterator
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from services.common.errors import MediaUnreadable, NoAudioStream, NoVideoStream


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first real video stream. Raises NoVideoStream (a cover picture does not count), MediaUnreadable."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            _check_decodable(stream, path)
            return stream
    raise NoVideoStream(f"“{path.name}” has no video stream.", path=str(path))


def audio_stream(container: InputContainer, path: Path) -> AudioStream:
    """The first audio stream. Raises NoAudioStream, MediaUnreadable."""
    if not container.streams.audio:
        raise NoAudioStream(f"“{path.name}” has no audio stream.", path=str(path))
    stream = container.streams.audio[0]
    _check_decodable(stream, path)
    return stream


def packets_of(container: InputContainer, *streams: Stream) -> "Iterator[Packet[Stream]]":
    """Packets in file order (of all streams if none is named); a read error ends them like the end of the file."""
    packets: Iterator[Packet[Stream]] = container.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        if packet.size:
            yield packet


def packet_end_s(packet: "Packet[Stream]") -> float:
    """The file's time when the packet has been presented; 0 if it does not say."""
    if packet.pts is None:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)


def start_s(container: InputContainer) -> float:
    """The file's own time that counts as 0 s: where its earliest stream starts."""
    return (container.start_time or 0) / av.time_base


def _check_decodable(stream: Stream, path: Path) -> None:
    if getattr(stream, "codec_context", None) is None:
        raise MediaUnreadable(f"“{path.name}” uses a {stream.type} codec that cannot be decoded.", path=str(path))
