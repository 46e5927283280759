"""Short clips of the sample's talking head in whatever form a test asks for, and what files hold."""

import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from services.common.chunk_files import Manifest
from services.common.media.picture import Picture
from services.common.messages import Mode
from services.composite import stage as composite_stage

Frames = Sequence[NDArray[np.uint8]]
MPEG, JPEG = 1, 2
VOICE_RATE_HZ = 16_000


def rgb_frames(path: Path, count: int, width: int, height: int) -> list[NDArray[np.uint8]]:
    """The first frames of a video, h×w×3 RGB, scaled."""
    with av.open(str(path)) as container:
        pictures = (frame for frame, _ in zip(container.decode(video=0), range(count), strict=False))
        return [picture.to_ndarray(format="rgb24", width=width, height=height) for picture in pictures]


def voice_samples(path: Path) -> NDArray[np.int16]:
    """A sound file at 16 kHz, mono."""
    resampler = av.AudioResampler("s16", "mono", VOICE_RATE_HZ)
    with av.open(str(path)) as container:
        pieces = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces])


def write_voice(path: Path, samples: NDArray[np.int16], duration_s: float) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(VOICE_RATE_HZ)
        file.writeframes(samples[: round(duration_s * VOICE_RATE_HZ)].tobytes())
    return path


@dataclass(frozen=True)
class Form:
    """How a clip is written. `tags` are primaries, transfer, matrix and range as H.273 numbers them."""

    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    time_base: Fraction = Fraction(1, 25)
    pts: Sequence[int] | None = None
    rotation_ccw_deg: int = 0
    tags: tuple[int, int, int, int] | None = None
    voice: NDArray[np.int16] | None = None
    """Sound of its own, 16 kHz."""
    options: Mapping[str, str] = field(default_factory=dict)


def write_clip(path: Path, frames: Frames, form: Form | None = None) -> Path:
    form = form or Form()
    with av.open(str(path), "w") as container:
        video = container.add_stream(form.codec, rate=25, options=dict(form.options))
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = form.pixel_format
        context = video.codec_context
        context.time_base = form.time_base
        if form.tags:
            context.color_primaries, context.color_trc, context.colorspace, context.color_range = form.tags
        if form.rotation_ccw_deg:
            video.set_display_rotation(form.rotation_ccw_deg)
        sound = container.add_stream("aac", rate=VOICE_RATE_HZ, layout="mono") if form.voice is not None else None
        matrix, color_range = (form.tags[2], form.tags[3]) if form.tags else (5, MPEG)
        for picture, pts in zip(frames, form.pts or range(len(frames)), strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24").reformat(
                format=form.pixel_format, dst_colorspace=1 if matrix == 1 else 5, dst_color_range=color_range
            )
            frame.pts, frame.time_base = pts, form.time_base
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None and form.voice is not None:
            voice = av.AudioFrame.from_ndarray(form.voice[None], "s16", "mono")
            voice.sample_rate, voice.pts, voice.time_base = VOICE_RATE_HZ, 0, Fraction(1, VOICE_RATE_HZ)
            container.mux(sound.encode(voice))
            container.mux(sound.encode(None))
    return path


def frame_times_s(path: Path) -> list[Fraction]:
    """Exact presentation times of all frames in display order."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def pictures_of(path: Path) -> list[NDArray[np.uint8]]:
    """All frames as they are coded, RGB, without turning them."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@dataclass
class Watch:
    """Remembers every picture on its way to the encoder: as it came from the source, and as it is encoded."""

    sources: list[Picture] = field(default_factory=list)
    results: list[Picture] = field(default_factory=list)

    def composited(
        self, pictures: Iterator[Picture], manifest: Manifest, faces: Mapping[int, Path], mode: Mode
    ) -> Iterator[Picture]:
        def remembered() -> Iterator[Picture]:
            for picture in pictures:
                self.sources.append(picture)
                yield picture

        for result in _composited(remembered(), manifest, faces, mode):
            self.results.append(result)
            yield result

    @property
    def source_frames(self) -> list[int]:
        return [picture.index for picture in self.sources]

    def changed(self) -> NDArray[np.bool_]:
        """Luma samples that differ from the source's, [frames, h, w]."""
        pairs = zip(self.sources, self.results, strict=True)
        return np.stack([source.planes[0] != result.planes[0] for source, result in pairs])


_composited = composite_stage.composited
