"""Audio as the networks hear it: 16 kHz, mono, 16 bits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
import numpy as np
from av import AudioFrame, AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from services.common.errors import AudioEmpty
from services.common.media.opening import open_media
from services.common.media.probe import audio_too_long
from services.common.media.streams import audio_stream, packets_of, start_s

SAMPLE_RATE_HZ: Final = 16_000

_GAP_S: Final = 0.05
"""Timestamps that jump ahead by more are a gap, not rounding."""


def decode_pcm16k_mono(path: Path, max_s: float | None = None) -> NDArray[np.int16]:
    """All of a file's audio, resampled with swresample's defaults; sample 0 is the file's time 0 s.

    Audio that starts later than the file, or pauses, is filled with silence. 16 kHz mono 16-bit input is returned
    bit for bit. The file may be a video.
    Raises the errors of `open_media`, NoAudioStream, AudioEmpty, AudioTooLong (over `max_s` seconds).
    """
    samples = bytearray()
    with open_media(path) as container:
        stream = audio_stream(container, path)
        for chunk in _chunks(container, stream):
            samples += chunk.tobytes()
            if max_s is not None and len(samples) // 2 > max_s * SAMPLE_RATE_HZ:
                raise audio_too_long(path, max_s)
    if not samples:
        raise AudioEmpty(f"The audio of “{path.name}” has no samples.", path=str(path))
    return np.frombuffer(samples, np.int16)


def decoded_audio(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Audio frames in order; packets that cannot be decoded are left out."""
    for packet in packets_of(container, stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        yield from (frame for frame in frames if isinstance(frame, AudioFrame) and frame.samples)
    try:
        yield from stream.codec_context.decode(None)
    except av.FFmpegError:
        return


def _chunks(container: InputContainer, stream: AudioStream) -> Iterator[NDArray[np.int16]]:
    """Consecutive pieces of the 16 kHz signal, silence included."""
    resampler: AudioResampler | None = None
    shape = None
    written, expected_s = 0, 0.0
    for frame in decoded_audio(container, stream):
        frame_s = expected_s if frame.time is None else frame.time - start_s(container)
        frame_shape = (frame.sample_rate, frame.format.name, frame.layout.name)
        pauses = resampler is None or frame_s - expected_s > _GAP_S
        if pauses or frame_shape != shape:
            for chunk in _resampled(resampler, None):
                written += len(chunk)
                yield chunk
            silence = np.zeros(max(round(frame_s * SAMPLE_RATE_HZ) - written, 0) if pauses else 0, np.int16)
            written += len(silence)
            yield silence
            resampler, shape = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ), frame_shape
        for chunk in _resampled(resampler, frame):
            written += len(chunk)
            yield chunk
        expected_s = frame_s + frame.samples / frame.sample_rate
    yield from _resampled(resampler, None)


def _resampled(resampler: AudioResampler | None, frame: AudioFrame | None) -> list[NDArray[np.int16]]:
    """What comes out for `frame`, or (None) what was still held back."""
    if resampler is None:
        return []
    return [out.to_ndarray().reshape(-1).astype(np.int16, copy=False) for out in resampler.resample(frame)]
