"""The caller's audio as a track of the output: its own packets if the container can hold them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av import AudioLayout
from av.audio.stream import AudioStream
from av.codec import Codec
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from services.common.media.audio import decoded_audio
from services.common.media.containers import holds
from services.common.media.opening import open_media
from services.common.media.streams import audio_stream, packets_of, start_s

_LEAST_BIT_RATE: Final = 192_000
_BIT_RATE_PER_CHANNEL: Final = 96_000

_USUAL_LAYOUTS: Final = ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")


@dataclass(frozen=True)
class AudioTrack:
    """A track of the output and the packets to mux into it, in order."""

    codec: str
    copied: bool
    packets: "Iterator[Packet[Stream]]"


@contextmanager
def add_audio_track(container: OutputContainer, path: Path, end_s: float | None) -> Iterator[AudioTrack]:
    """Adds the audio of `path` to `container`, whose header is not written yet; what starts at `end_s` is dropped.

    Raises the errors of `open_media` and NoAudioStream.
    """
    with open_media(path) as source:
        stream = audio_stream(source, path)
        codec = stream.codec_context.codec.canonical_name
        if holds(container, codec):
            track = container.add_stream_from_template(stream, opaque=True)
            track.codec_context.layout = _layout(stream)
            yield AudioTrack(codec, True, _copied_packets(source, stream, track, end_s))
        else:
            track = _encoder_track(container, stream)
            codec = track.codec_context.codec.canonical_name
            yield AudioTrack(codec, False, _encoded_packets(source, stream, track, end_s))


def _copied_packets(
    source: InputContainer, stream: AudioStream, track: AudioStream, end_s: float | None
) -> "Iterator[Packet[Stream]]":
    for packet in packets_of(source, stream):
        start = round(start_s(source) / packet.time_base)
        if packet.pts is None:
            packet.pts = packet.dts
        if packet.pts is None:
            continue
        packet.pts -= start
        packet.dts = packet.pts
        if end_s is not None and packet.pts * packet.time_base >= end_s:
            return
        packet.stream = track
        yield packet


def _encoder_track(container: OutputContainer, stream: AudioStream) -> AudioStream:
    encoder = "aac" if holds(container, "aac") else "libopus"
    rates = Codec(encoder, "w").audio_rates
    rate = stream.codec_context.sample_rate
    if rates and rate not in rates:
        rate = 48_000
    track = container.add_stream(encoder, rate=rate)
    assert isinstance(track, AudioStream)
    track.codec_context.layout = _layout(stream)
    track.codec_context.bit_rate = max(_LEAST_BIT_RATE, _BIT_RATE_PER_CHANNEL * stream.codec_context.channels)
    track.codec_context.flags |= av.codec.context.Flags.bitexact
    return track


def _encoded_packets(
    source: InputContainer, stream: AudioStream, track: AudioStream, end_s: float | None
) -> "Iterator[Packet[Stream]]":
    position = None
    for frame in decoded_audio(source, stream):
        clock = Fraction(1, frame.sample_rate)
        if position is None:
            position = round(((frame.time or 0.0) - start_s(source)) / clock)
        if end_s is not None and position * clock >= end_s:
            break
        frame.pts, frame.time_base = position, clock
        position += frame.samples
        yield from track.encode(frame)
    yield from track.encode(None)


def _layout(stream: AudioStream) -> AudioLayout:
    """The stream's channel layout; where it only counts channels, as WAV files do, the usual one of that many."""
    layout = stream.codec_context.layout
    known = layout.name != f"{layout.nb_channels} channels" or layout.nb_channels > len(_USUAL_LAYOUTS)
    return layout if known else AudioLayout(_USUAL_LAYOUTS[layout.nb_channels - 1])
