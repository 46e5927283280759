"""How well variant 1 lip-syncs people and voices it has never met, through everything a user runs.

    python -m bench.demo_model [--cases 50] [--processes 2] [--guidance 1.5] [--steps 5] [--syncnet DIR]

For each held-out person: draws a talking clip, dubs it with another held-out voice, and measures the result with the
face detector against the track that drives that voice, and against the same clip re-drawn with the right mouth.
"""

import json
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.quality.correlation import amplitude_ratio, correlate_at_lags
from bench.quality.evaluation import Evaluation, Question
from bench.quality.report import NotMeasured, PictureQuality, SyncQuality
from bench.quality.sync_networks import SyncNetwork, open_sync_network
from cli.dub import dub_file
from services.common.media.audio import SAMPLE_RATE_HZ
from services.common.messages import DubParameters
from services.common.settings import Settings
from services.common.speakers import parse_speaker
from services.preprocess.faces.detector import MeshDetector
from training.speech_bank import FPS
from training.synthetic.clip import write_clip
from training.synthetic.identity import draw_identity
from training.synthetic.pose import pose_track
from training.synthetic.speech import Speech, speak
from training.synthetic.splits import identity_rng, voice_rng
from training.synthetic.visemes import VISEME_RATE_HZ
from training.waveforms import as_int16, write_wav

FRAMES = 50
OPEN = 0
SILENT_CASES = 6
"""People who are also dubbed with silence."""
CLOSED = 0.035
"""A mouth whose measured opening is less is closed: a shut one measures about 0.02, the widest vowel about 0.17."""


@dataclass(frozen=True)
class CaseResult:
    """One person; NaN where not measured."""

    correlation: float
    correlation_of_truth: float
    best_lag_frames: int
    amplitude: float
    with_wrong_audio: float
    with_source: float
    ssim_mouth: float
    ssim_mouth_of_source: float
    seam_vs_source: float
    confidence_vs_truth: float
    confidence_of_source_vs_truth: float
    offset_frames: float
    offset_frames_of_truth: float
    closed_in_digital_silence: float
    closed_in_noise: float


@dataclass(frozen=True)
class Setting:
    steps: int
    guidance: float
    syncnet: Path | None


def main(
    cases: Annotated[int, typer.Option(help="Held-out people.")] = 50,
    processes: Annotated[int, typer.Option(help="Cases at a time.")] = 2,
    steps: Annotated[int, typer.Option(help="Denoising steps.")] = 5,
    guidance: Annotated[float, typer.Option(help="Guidance scale.")] = 1.5,
    syncnet: Annotated[
        Path | None, typer.Option(help="Folder of a lip-sync network in ONNX, as `lipstage evaluate` takes.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write every case's figures here, JSON.")] = None,
) -> None:
    """Prints one table."""
    jobs = [(index, Setting(steps, guidance, syncnet)) for index in range(cases)]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        results = list(track(pool.map(_measured, jobs), "dubbing", cases))
    if out:
        out.write_text(json.dumps([asdict(result) for result in results], indent=1), encoding="utf-8")
    table = Table("measure", "median", "middle 80 %", "least", "most", title=f"{cases} held-out people")
    for name in CaseResult.__dataclass_fields__:
        values = np.array([getattr(result, name) for result in results], dtype=np.float64)
        known = values[np.isfinite(values)]
        if len(known):
            low, high = np.percentile(known, (10, 90))
            middle = f"{low:.3f} … {high:.3f}"
            table.add_row(name, f"{np.median(known):.3f}", middle, f"{known.min():.3f}", f"{known.max():.3f}")
        else:
            table.add_row(name, "not measured", "", "", "")
    Console().print(table)


def _measured(job: tuple[int, Setting]) -> CaseResult:
    index, setting = job
    with tempfile.TemporaryDirectory() as folder:
        return _Case(index, setting, Path(folder)).result()


class _Case:
    def __init__(self, index: int, setting: Setting, folder: Path) -> None:
        self._index, self._setting, self._folder = index, setting, folder
        self._settings = Settings()
        rng = identity_rng("held_out", index)
        self._identity, self._poses = draw_identity(rng), pose_track(rng, FRAMES, FPS)
        self._source, self._wanted, self._wrong = (self._speech(offset) for offset in (0, 1, 3))
        self._detector = MeshDetector(self._settings.faces_dir)
        self._syncnet = _syncnet(setting.syncnet)

    def result(self) -> CaseResult:
        source = self._drawn("source", self._source)
        truth = self._drawn("truth", self._wanted)
        voice = self._voice("voice", self._wanted.wave)
        dubbed = self._dubbed(source, voice)
        opening, picture, sync = self._seen(dubbed, voice, truth)
        true_opening, _, true_sync = self._seen(truth, voice, truth)
        _, of_source, source_sync = self._seen(source, voice, truth)
        _, seam, _ = self._seen(dubbed, voice, source)
        lags = correlate_at_lags(opening, _track(self._wanted))
        assert isinstance(picture, PictureQuality)
        assert isinstance(of_source, PictureQuality)
        assert isinstance(seam, PictureQuality)
        true_confidence, true_offset = _judged(true_sync)
        confidence, offset = _judged(sync)
        source_confidence, _ = _judged(source_sync)
        silent = self._index < SILENT_CASES
        return CaseResult(
            correlation=lags.best,
            correlation_of_truth=correlate_at_lags(true_opening, _track(self._wanted)).best,
            best_lag_frames=lags.best_lag_frames or 0,
            amplitude=amplitude_ratio(opening, true_opening),
            with_wrong_audio=correlate_at_lags(opening, _track(self._wrong), 0).at_zero,
            with_source=correlate_at_lags(opening, _track(self._source), 0).at_zero,
            ssim_mouth=picture.ssim_mouth,
            ssim_mouth_of_source=of_source.ssim_mouth,
            seam_vs_source=seam.seam_vs_original,
            confidence_vs_truth=confidence / true_confidence,
            confidence_of_source_vs_truth=source_confidence / true_confidence,
            offset_frames=offset,
            offset_frames_of_truth=true_offset,
            closed_in_digital_silence=self._closed(source, "digital", 0.0) if silent else float("nan"),
            closed_in_noise=self._closed(source, "noise", 0.003) if silent else float("nan"),
        )

    def _speech(self, offset: int) -> Speech:
        return speak(voice_rng("held_out", 4 * self._index + offset), FRAMES / FPS, clean=True)

    def _drawn(self, name: str, speech: Speech) -> Path:
        path = self._folder / f"{name}.mp4"
        write_clip(path, self._identity, _frames(speech), self._poses, as_int16(speech.wave))
        return path

    def _voice(self, name: str, sound: NDArray[np.float32]) -> Path:
        path = self._folder / f"{name}.wav"
        write_wav(path, as_int16(sound))
        return path

    def _dubbed(self, source: Path, voice: Path) -> Path:
        output = self._folder / f"dubbed_{voice.stem}.mp4"
        parameters = DubParameters(variant="1", steps=self._setting.steps, guidance_scale=self._setting.guidance)
        dub_file(source, voice, output, parameters, self._settings.model_copy(update={"work_dir": self._folder}))
        return output

    def _seen(
        self, video: Path, voice: Path, original: Path
    ) -> tuple[NDArray[np.float64], PictureQuality | NotMeasured, SyncQuality | NotMeasured]:
        evaluation = Evaluation(
            Question(video, voice, original), self._detector, parse_speaker("largest"), self._syncnet
        )
        for _ in evaluation.steps():
            pass
        report = evaluation.report()
        return evaluation.evidence.opening, report.picture, report.sync

    def _closed(self, source: Path, name: str, noise: float) -> float:
        rng = np.random.default_rng(self._index)
        voice = self._voice(name, (noise * rng.standard_normal(FRAMES * SAMPLE_RATE_HZ // FPS)).astype(np.float32))
        opening, _, _ = self._seen(self._dubbed(source, voice), voice, source)
        return float(np.mean(opening[np.isfinite(opening)] < CLOSED))


def _syncnet(directory: Path | None) -> SyncNetwork | NotMeasured:
    return open_sync_network(directory) if directory else NotMeasured("no lip-sync network was named")


def _judged(sync: SyncQuality | NotMeasured) -> tuple[float, float]:
    """Confidence and offset."""
    return (float("nan"),) * 2 if isinstance(sync, NotMeasured) else (sync.confidence, float(sync.offset_frames))


def _frames(speech: Speech) -> NDArray[np.float32]:
    return speech.visemes[:: VISEME_RATE_HZ // FPS][:FRAMES]


def _track(speech: Speech) -> NDArray[np.float32]:
    return _frames(speech)[:, OPEN]


if __name__ == "__main__":
    typer.run(main)
