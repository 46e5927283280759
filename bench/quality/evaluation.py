"""All measures in one pass over a dubbed video."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.quality.audio_envelope import speech_envelope
from bench.quality.figures import Evidence, ShownFace, mouth_quality, picture_quality, sync_quality
from bench.quality.frame_rate import nearest_frames, ticks_of_frames
from bench.quality.mouth_opening import mouth_opening
from bench.quality.picture_comparison import PictureComparison
from bench.quality.report import NotMeasured, QualityReport, SyncQuality
from bench.quality.speaker_frames import FACE_PX, SpeakerFrame, speaker_frames
from bench.quality.sync_meter import SyncMeter
from bench.quality.sync_networks import SyncNetwork
from services.common.errors import InvalidParameter, NoFace
from services.common.media.audio import decode_pcm16k_mono
from services.common.media.decode import read_pictures
from services.common.media.picture import Picture
from services.common.media.probe import VideoInfo, probe_video
from services.common.messages import Mode
from services.common.speakers import Speaker
from services.preprocess.crop import crop_studio
from services.preprocess.faces.detector import Face, MeshDetector

STRIP_FACES = 12


@dataclass(frozen=True)
class Question:
    """What is to be judged."""

    video: Path
    audio: Path
    """The voice that it should speak, beginning with it."""
    original: Path | None = None
    """What it was dubbed from."""
    mode: Mode = "studio"
    """Of the dub."""
    max_audio_s: float | None = None


class Evaluation:
    """Opens the files first, so that `frame_count` is known; `steps` then measures, frame by frame.

    Raises the errors of `probe_video` and `decode_pcm16k_mono`; InvalidParameter if the original has another size.
    """

    def __init__(
        self, question: Question, detector: MeshDetector, speaker: Speaker, network: SyncNetwork | NotMeasured
    ) -> None:
        self._question, self._detector, self._speaker = question, detector, speaker
        self._info = probe_video(question.video)
        self._original_info = _original_info(question, self._info)
        pcm_int16 = decode_pcm16k_mono(question.audio, question.max_audio_s)
        self._times_s = _times_s(self._info)
        unknown = np.full(self.frame_count, np.nan)
        envelope = speech_envelope(pcm_int16, self._times_s)
        self.evidence = Evidence(self._times_s, envelope, unknown, unknown.copy())
        self._meter = network if isinstance(network, NotMeasured) else SyncMeter(network, pcm_int16)
        self._comparison = PictureComparison(question.mode)

    @property
    def frame_count(self) -> int:
        return self._info.frame_count

    def steps(self) -> Iterator[None]:
        """Measures; yields after every frame."""
        ticks = ticks_of_frames(self._times_s, self._info.duration_s)
        strip = set(np.linspace(0, self.frame_count - 1, STRIP_FACES).round().astype(int).tolist())
        originals = self._originals()
        for frame in speaker_frames(self._question.video, self._info, self._detector, self._speaker):
            self.evidence.opening[frame.index] = self._opening(frame.rgb_hwc, frame.face)
            if isinstance(self._meter, SyncMeter):
                self._meter.push(frame, ticks[frame.index])
            original = next(originals, None)
            if original:
                self._compare(frame, original)
            if frame.index in strip:
                self._show(frame, original)
            yield

    def report(self) -> QualityReport:
        """After the last step. Raises NoFace if the speaker was never in sight."""
        if np.isnan(self.evidence.opening).all():
            raise NoFace(
                f"The speaker’s face was not found in “{self._question.video.name}”.", path=str(self._question.video)
            )
        original = self._question.original
        return QualityReport(
            video=self._question.video.name,
            audio=self._question.audio.name,
            original=original.name if original else None,
            mouth=mouth_quality(self.evidence),
            sync=self._sync(),
            picture=picture_quality(self._comparison) if original else NotMeasured("no original to compare with"),
        )

    def _originals(self) -> Iterator[Picture]:
        """For each frame of the video while the original lasts, the original's frame at that time."""
        if self._question.original is None or self._original_info is None:
            return iter(())
        times_s = self._times_s[self._times_s < self._original_info.duration_s]
        indices = nearest_frames(_times_s(self._original_info), times_s)
        return read_pictures(self._question.original, self._original_info, indices.tolist())

    def _show(self, frame: SpeakerFrame, original: Picture | None) -> None:
        """Keeps the face for the picture."""
        if frame.matrix is None:
            return
        time_s = float(self._times_s[frame.index])
        before = crop_studio(original.rgb(), frame.matrix, FACE_PX) if original else None
        self.evidence.faces.append(ShownFace(time_s, crop_studio(frame.rgb_hwc, frame.matrix, FACE_PX), before))

    def _compare(self, frame: SpeakerFrame, original: Picture) -> None:
        rgb_hwc = original.rgb()
        self._comparison.add(frame, original, rgb_hwc)
        self.evidence.original_opening[frame.index] = self._opening(rgb_hwc, frame.face)

    def _opening(self, rgb_hwc: NDArray[np.uint8], face: Face | None) -> float:
        """Of the mouth at the face's place. Both videos are looked at from the same starting point, so that equal
        pictures give equal figures."""
        found = self._detector.follow(rgb_hwc, [face]) if face else None
        return mouth_opening(found[0].landmarks if found else None)

    def _sync(self) -> SyncQuality | NotMeasured:
        if isinstance(self._meter, NotMeasured):
            return self._meter
        return sync_quality(self._meter.network.description, self._meter.score())


def _times_s(info: VideoInfo) -> NDArray[np.float64]:
    return np.asarray(info.timestamps * float(info.time_base))


def _original_info(question: Question, info: VideoInfo) -> VideoInfo | None:
    if question.original is None:
        return None
    original = probe_video(question.original)
    if (original.width, original.height) != (info.width, info.height):
        raise InvalidParameter(
            f"“{question.original.name}” has {original.width}×{original.height} pixels and “{question.video.name}” "
            f"{info.width}×{info.height}: one was not made from the other.",
            parameter="against",
        )
    return original
