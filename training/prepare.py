"""Prepares real videos for training: one person in one shot, aligned as the pipeline aligns, 25 frames per second.

A clip is NAME-NNN.mp4, the faces, beside NAME-NNN.wav, their sound. `index.jsonl` remembers what became of every
source, so that a second run only does what is left; `summary.csv` says the same to people.
"""

import csv
import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain, count, groupby, islice
from pathlib import Path
from typing import Annotated

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from rich.progress import track

from bench.quality.speaker_frames import FACE_PX, SpeakerFrame
from bench.quality.sync_meter import SyncMeter
from bench.quality.sync_networks import ChungSyncNet, SyncNetwork
from bench.quality.sync_offset import SyncScore
from services.common.errors import InputError, InvalidParameter, OutputUnwritable
from services.common.face_geometry import crop_size_wh
from services.common.media.audio import SAMPLE_RATE_HZ, decode_pcm16k_mono
from services.common.media.decode import read_pictures
from services.common.media.opening import open_media
from services.common.media.picture import Picture
from services.common.media.probe import VideoInfo, probe_video
from services.common.media.streams import start_s
from services.common.speakers import Speaker, parse_speaker
from services.preprocess.face_frames import FaceFrame, face_frames
from services.preprocess.faces.detector import FaceDetector
from services.preprocess.faces.observe import observe
from services.preprocess.plan import REFERENCE_FPS, at_constant_rate, source_timeline
from training.settings import ConfigFile
from training.synthetic.clip import write_mp4
from training.waveforms import stretch_of, write_wav

INDEX = "index.jsonl"
SUMMARY = "summary.csv"
_SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // REFERENCE_FPS
_MISSING_FRAMES = 5
"""A clip may lack the sound of this many frames; a file's sound often ends a little before its pictures."""
_MARGIN_RGB = (110, 110, 110)


class PrepareSettings(ConfigFile):
    """Which stretches become clips."""

    least_s: Annotated[float, Field(gt=0)] = 5.0
    most_s: Annotated[float, Field(gt=0)] = 10.0
    speaker: str = "largest"
    """As `lipstage dub --speaker` takes it."""
    least_sync_confidence: float = 3.0
    """On the scale of the network that judges; 3 suits Chung & Zisserman's SyncNet."""
    most_offset_frames: Annotated[int, Field(ge=0)] = 6
    """Clips whose sound is further off are dropped; those less far off are put right."""


@dataclass(frozen=True)
class PreparedClip:
    """A stretch long enough, and what became of it."""

    name: str
    frames: int
    sync_confidence: float | None = None
    sync_offset_frames: int | None = None
    """By which the picture came late; the sound was moved by it."""
    dropped: str | None = None
    """Why it was not kept."""


@dataclass(frozen=True)
class PreparedSource:
    """A file and its clips."""

    source: str
    """Its path below the prepared folder."""
    name: str
    size_bytes: int
    clips: tuple[PreparedClip, ...]
    dropped: str | None
    """Why nothing, or nothing more, came of it."""


@dataclass(frozen=True)
class PrepareSummary:
    """Everything prepared so far, earlier runs' files included."""

    sources: tuple[PreparedSource, ...]
    sync_network: str | None
    """What judged this run's clips; None: nobody did, the sync filter was skipped."""

    @property
    def kept(self) -> tuple[PreparedClip, ...]:
        return tuple(clip for source in self.sources for clip in source.clips if clip.dropped is None)

    @property
    def kept_s(self) -> float:
        return sum(clip.frames for clip in self.kept) / REFERENCE_FPS


def prepare(
    source: Path,
    out: Path,
    settings: PrepareSettings,
    resolution: int,
    detector: FaceDetector,
    network: SyncNetwork | None = None,
) -> PrepareSummary:
    """Cuts every video below the folder `source` into clips of `resolution` px in `out`; memory is constant in length.

    Files that cannot be used are dropped with the reason, those an earlier run finished are left alone. With a
    `network`, clips of unsure or far-off sync are dropped too and the others' sound is moved (latentsync.md §10).
    Raises InvalidParameter without any file or for the speaker, DiskFull, OutputUnwritable, ModelError.
    """
    speaker = parse_speaker(settings.speaker)
    files = _files_below(source, out)
    out.mkdir(parents=True, exist_ok=True)
    finished = _finished(out / INDEX)
    with (out / INDEX).open("a", encoding="utf-8") as index:
        for file in track(files, "preparing"):
            path, size_bytes = file.relative_to(source).as_posix(), file.stat().st_size
            known = finished.get(path)
            if known and known.size_bytes == size_bytes:
                continue
            name = known.name if known else _free_name(Path(path), finished)
            cut = _Cutting(out, name, settings, resolution, speaker, detector, network)
            finished[path] = PreparedSource(path, name, size_bytes, *cut.clips_of(file))
            index.write(json.dumps(asdict(finished[path]), ensure_ascii=False) + "\n")
            index.flush()
    summary = PrepareSummary(tuple(finished.values()), network.description if network else None)
    _write_summary(out / SUMMARY, summary)
    return summary


@dataclass(frozen=True, eq=False)
class _Cutting:
    """What the clips of one source have in common."""

    out: Path
    name: str
    settings: PrepareSettings
    resolution: int
    speaker: Speaker
    detector: FaceDetector
    network: SyncNetwork | None

    def clips_of(self, file: Path) -> tuple[tuple[PreparedClip, ...], str | None]:
        """The clips, and why there are none or no more."""
        self._remove_leftovers()
        clips: list[PreparedClip] = []
        try:
            for clip in self._cut(file):
                clips.append(clip)
        except OutputUnwritable:
            raise
        except (InputError, av.FFmpegError) as unusable:
            return tuple(clips), str(unusable)
        if not clips:
            return (), f"Nobody’s face is in sight for {self.settings.least_s:g} s on end."
        return tuple(clips), None

    def _cut(self, file: Path) -> Iterator[PreparedClip]:
        info = probe_video(file)
        pcm_int16 = decode_pcm16k_mono(file)
        first_sample = round(_first_picture_s(file, info) * SAMPLE_RATE_HZ)
        least, most = (round(length_s * REFERENCE_FPS) for length_s in (self.settings.least_s, self.settings.most_s))
        taken = 0
        faces = faces_at_25_fps(file, info, self.detector, self.speaker, self.resolution)
        for run, frames in groupby(faces, key=lambda frame: frame.run):
            if run is None:
                continue
            for first, piece in _pieces(frames, most):
                clip = f"{self.name}-{taken:03}"
                written = self._write_faces(self.out / f"{clip}.mp4", piece)
                if written < least:
                    (self.out / f"{clip}.mp4").unlink()
                    continue
                start = first_sample + first.index * _SAMPLES_PER_FRAME
                yield self._with_sound(clip, written, pcm_int16, start)
                taken += 1

    def _write_faces(self, path: Path, frames: Iterator[FaceFrame]) -> int:
        """How many there were."""
        written = 0

        def faces() -> Iterator[NDArray[np.uint8]]:
            nonlocal written
            for frame in frames:
                assert frame.face is not None
                written += 1
                yield frame.face

        write_mp4(path, faces(), None, REFERENCE_FPS, (self.resolution, self.resolution))
        return written

    def _with_sound(self, clip: str, frames: int, pcm_int16: NDArray[np.int16], start: int) -> PreparedClip:
        """Writes the wav, or removes the faces if the clip is not to be kept."""
        video = self.out / f"{clip}.mp4"
        judged = PreparedClip(clip, frames)
        if self.network:
            heard = stretch_of(pcm_int16, start, frames * _SAMPLES_PER_FRAME)
            judged = self._judged(judged, clip_sync(video, heard, self.network, self.detector))
            start -= (judged.sync_offset_frames or 0) * _SAMPLES_PER_FRAME
        if judged.dropped is None and len(pcm_int16) - start < (frames - _MISSING_FRAMES) * _SAMPLES_PER_FRAME:
            judged = replace(judged, dropped="The sound ends before it.")
        if judged.dropped is not None:
            video.unlink()
            return judged
        write_wav(self.out / f"{clip}.wav", stretch_of(pcm_int16, start, frames * _SAMPLES_PER_FRAME))
        return judged

    def _judged(self, clip: PreparedClip, score: SyncScore | None) -> PreparedClip:
        if score is None:
            return replace(clip, dropped="Its sync cannot be measured.")
        clip = replace(clip, sync_confidence=round(score.confidence, 3), sync_offset_frames=score.offset_frames)
        if score.confidence < self.settings.least_sync_confidence:
            return replace(
                clip, dropped="The sync network is not confident enough that mouth and sound belong together."
            )
        if abs(score.offset_frames) > self.settings.most_offset_frames:
            return replace(clip, dropped=f"The picture is {score.offset_frames} frames late.")
        return clip

    def _remove_leftovers(self) -> None:
        """Clips of an interrupted run, or of the file that had this name before."""
        for path in self.out.iterdir():
            if re.fullmatch(rf"{re.escape(self.name)}-\d{{3,}}\.(mp4|wav)", path.name):
                path.unlink()


def faces_at_25_fps(
    video: Path, info: VideoInfo, detector: FaceDetector, speaker: Speaker, resolution: int
) -> Iterator[FaceFrame]:
    """The frames of a 25-Hz clock, `index` counting its ticks, each with its aligned face and run or with neither.

    Faces are followed and smoothed at the video's own rate; thinned out first, no two frames would be consecutive.
    """
    native = source_timeline(info.timestamps, info.last_frame_duration, info.time_base)
    ticks = np.bincount(at_constant_rate(native, REFERENCE_FPS).source, minlength=native.frames)
    tick = 0
    for frame in face_frames(video, info, native, detector, speaker, "studio", resolution):
        for _ in range(ticks[frame.index]):
            yield replace(frame, index=tick)
            tick += 1


def clip_sync(
    clip: Path, pcm_int16: NDArray[np.int16], network: SyncNetwork, detector: FaceDetector
) -> SyncScore | None:
    """How well the aligned faces of `clip` and a sound that begins with it fit; None where it cannot be told."""
    meter = SyncMeter(network, pcm_int16)
    for frame in _clip_frames(clip, network, detector):
        meter.push(frame, range(frame.index, frame.index + 1))
    return meter.score()


def _clip_frames(clip: Path, network: SyncNetwork, detector: FaceDetector) -> Iterator[SpeakerFrame]:
    """As the sync meter takes them: with the whole picture as the aligned face, or with the face's box."""
    info = probe_video(clip)
    if isinstance(network, ChungSyncNet):
        yield from _framed_faces(clip, info, detector)
        return
    scale_xy = np.array(crop_size_wh(FACE_PX)) / (info.width, info.height)
    resized = np.column_stack([np.diag(scale_xy), (scale_xy - 1) / 2])
    for picture in read_pictures(clip, info):
        yield SpeakerFrame(picture, picture.rgb(), None, resized, run=0)


def _framed_faces(clip: Path, info: VideoInfo, detector: FaceDetector) -> Iterator[SpeakerFrame]:
    """With a grey margin: the detector does not see a face that fills the picture."""
    pictures: deque[Picture] = deque()
    margin_px = info.width // 4

    def framed() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for picture in read_pictures(clip, info):
            pictures.append(picture)
            wide = cv2.copyMakeBorder(picture.rgb(), *(margin_px,) * 4, cv2.BORDER_CONSTANT, value=_MARGIN_RGB)
            yield picture.index, np.asarray(wide, np.uint8)

    for seen in observe(framed(), detector, lambda index: True):
        face = seen.faces[0].face if seen.faces else None
        yield SpeakerFrame(pictures.popleft(), seen.rgb_hwc, face, None, run=0 if face else None)


def _pieces(frames: Iterator[FaceFrame], most: int) -> Iterator[tuple[FaceFrame, Iterator[FaceFrame]]]:
    """Consecutive pieces of at most so many frames, each with its first one; they are to be read in turn."""
    while (first := next(frames, None)) is not None:
        yield first, chain([first], islice(frames, most - 1))


def _first_picture_s(file: Path, info: VideoInfo) -> float:
    """When the first picture is shown on the clock that decoded sound starts at 0 of."""
    with open_media(file) as container:
        return float(info.start_pts * info.time_base) - start_s(container)


def _files_below(source: Path, out: Path) -> list[Path]:
    hidden_or_ours = (out.resolve(), *(path.resolve() for path in source.rglob(".*")))
    files = sorted(path for path in source.rglob("*") if path.is_file())
    files = [file for file in files if not any(file.resolve().is_relative_to(path) for path in hidden_or_ours)]
    if not files:
        raise InvalidParameter(f"There are no files in {source}.", path=str(source))
    return files


def _finished(index: Path) -> dict[str, PreparedSource]:
    """By path below the prepared folder; the last line about a file counts."""
    if not index.exists():
        return {}
    finished: dict[str, PreparedSource] = {}
    for line in index.read_text(encoding="utf-8").splitlines():
        values = json.loads(line)
        clips = tuple(PreparedClip(**clip) for clip in values.pop("clips"))
        finished[values["source"]] = PreparedSource(**values, clips=clips)
    return finished


def _free_name(path: Path, finished: dict[str, PreparedSource]) -> str:
    """The path with its folders joined by hyphens; numbered where two files would be called alike."""
    name = "-".join(path.with_suffix("").parts)
    taken = {known.name for known in finished.values()}
    return next(free for free in chain([name], (f"{name}_{n}" for n in count(2))) if free not in taken)


def _write_summary(path: Path, summary: PrepareSummary) -> None:
    """One row for each clip, and one for each file dropped."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["source", "clip", "duration_s", "sync_confidence", "sync_offset_frames", "dropped"])
        for source in summary.sources:
            for clip in source.clips:
                sync = clip.sync_confidence, clip.sync_offset_frames
                rows.writerow([source.source, clip.name, clip.frames / REFERENCE_FPS, *sync, clip.dropped])
            if source.dropped is not None:
                rows.writerow([source.source, None, None, None, None, source.dropped])
