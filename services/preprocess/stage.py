"""Preprocess: a video and a sound become chunks to denoise, and manifests that say where each chunk's frames belong."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.common.chunk_files import Chunk, Manifest, Outcome
from services.common.errors import NoFace, SpeakerNotFound
from services.common.media.audio import decode_pcm16k_mono
from services.common.media.probe import VideoInfo, probe_audio, probe_video
from services.common.messages import DubParameters
from services.common.ports import Models
from services.common.speakers import parse_speaker
from services.common.threads import in_thread
from services.preprocess.audio_features import AudioFeatures
from services.preprocess.audio_windows import reference_frame_count, window_centres, window_rows
from services.preprocess.face_frames import FaceFrame, face_frames
from services.preprocess.faces.detector import FaceDetector
from services.preprocess.ledger import Ledger
from services.preprocess.mel import SAMPLE_RATE_HZ, log_mel
from services.preprocess.plan import (
    REFERENCE_FPS,
    Timeline,
    Window,
    Windows,
    at_constant_rate,
    fitted,
    source_timeline,
    with_segments,
)


@dataclass(frozen=True)
class Planned:
    """The timeline is known."""

    frames: int
    width: int
    height: int


@dataclass(frozen=True)
class FrameLookedAt:
    index: int


@dataclass(frozen=True)
class NewChunk:
    """A chunk is ready to be denoised."""

    index: int
    chunk: Chunk
    segments: tuple[int, ...]


@dataclass(frozen=True)
class NewSegment:
    """What becomes of every frame of a segment is decided."""

    index: int
    manifest: Manifest


@dataclass(frozen=True)
class Finished:
    outcomes: dict[Outcome, int]


Progress = Planned | FrameLookedAt | NewChunk | NewSegment | Finished


async def preprocess(
    video: Path, audio: Path, parameters: DubParameters, models: Models, detector: FaceDetector, max_audio_s: float
) -> AsyncGenerator[Progress, None]:
    """Yields each chunk and each segment's manifest as soon as it is known.

    Raises InputError for media that cannot be dubbed, NoFace and SpeakerNotFound when not one frame can be.
    """
    speaker = parse_speaker(parameters.speaker)
    info = await asyncio.to_thread(probe_video, video)
    await asyncio.to_thread(probe_audio, audio, max_audio_s)
    pcm = await asyncio.to_thread(decode_pcm16k_mono, audio, max_audio_s)
    timeline = plan_timeline(info, len(pcm), parameters)
    yield Planned(timeline.frames, info.width, info.height)

    features = await _audio_features(pcm, timeline, parameters, models)
    del pcm  # 19 MB where the sound lasts ten minutes
    card = await models.card("unet", parameters.variant)
    ledger = Ledger(timeline)
    windows = Windows[FaceFrame](full_tail=parameters.mode == "studio")
    centres = window_centres(timeline.pts, timeline.time_base)
    chunks = 0

    async def deliver(window: Window[FaceFrame]) -> NewChunk:
        nonlocal chunks
        ledger.assign(chunks, window)
        chunk = await _chunk(window, centres, features)
        chunks += 1
        return NewChunk(chunks - 1, chunk, ledger.segments_of(window))

    frames = face_frames(video, info, timeline, detector, speaker, parameters.mode, card.resolution)
    async for frame in in_thread(frames):
        ledger.enter(frame)
        for window in windows.push(frame, _run(frame, timeline, parameters)):
            yield await deliver(window)
        for index, manifest in ledger.decided():
            yield NewSegment(index, manifest)
        yield FrameLookedAt(frame.index)
    for window in windows.close():
        yield await deliver(window)

    outcomes = ledger.outcomes()
    if not outcomes[Outcome.DUBBED]:
        raise _nobody_to_dub(parameters.speaker, outcomes)
    for index, manifest in ledger.decided():
        yield NewSegment(index, manifest)
    yield Finished(outcomes)


def plan_timeline(info: VideoInfo, samples: int, parameters: DubParameters) -> Timeline:
    """The output's frames for a sound of `samples` at 16 kHz.

    Raises InvalidParameter when a length policy or the segments do not fit the media.
    """
    source = source_timeline(info.timestamps, info.last_frame_duration, info.time_base)
    sound_s = Fraction(samples, SAMPLE_RATE_HZ)
    if parameters.mode == "reference":
        source = at_constant_rate(source, REFERENCE_FPS)
        feature_rows = samples // (SAMPLE_RATE_HZ // 100) // 2
        sound_s = Fraction(reference_frame_count(feature_rows), REFERENCE_FPS)
    return with_segments(fitted(source, sound_s, parameters.length), parameters.segments)


async def _audio_features(
    pcm: NDArray[np.int16], timeline: Timeline, parameters: DubParameters, models: Models
) -> AudioFeatures:
    async def encode(mel_block: NDArray[np.float32]) -> NDArray[np.float32]:
        outputs = await models.infer("whisper_encoder", parameters.variant, {"mel": mel_block[None]}, ("features",))
        features: NDArray[np.float32] = outputs["features"][0]
        return features

    if parameters.length == "silence":
        missing = int(timeline.duration_s * SAMPLE_RATE_HZ) - len(pcm)
        pcm = np.pad(pcm, (0, max(0, missing)))
    mel = await asyncio.to_thread(log_mel, pcm)
    return AudioFeatures(mel, encode, parameters.mode)


def _run(frame: FaceFrame, timeline: Timeline, parameters: DubParameters) -> object:
    """What must not change within a window: in studio mode shot, face and continuous playback; the reference mixes."""
    if frame.face is None:
        return None
    return 0 if parameters.mode == "reference" else (frame.run, timeline.take[frame.index])


async def _chunk(window: Window[FaceFrame], centres: NDArray[np.int64], features: AudioFeatures) -> Chunk:
    frames = np.array([frame.index for frame in window.frames])
    rows = window_rows(centres[frames], features.length)
    first, last = int(rows.min()), int(rows.max())
    return Chunk(
        faces=np.stack([frame.face for frame in window.frames if frame.face is not None]),
        frames=frames,
        context=window.context,
        audio_rows=await features.rows(first, last + 1),
        audio_index=rows - first,
    )


def _nobody_to_dub(speaker: str, outcomes: dict[Outcome, int]) -> NoFace | SpeakerNotFound:
    if outcomes[Outcome.SPEAKER_ABSENT]:
        return SpeakerNotFound(f"There are faces in the video, but none is the speaker “{speaker}”.", speaker=speaker)
    return NoFace("No face that can be dubbed was found in the video.")
