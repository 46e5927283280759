"""One picture of a quality report: some faces, the mouth against the sound, and the two curves over the delay."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.quality.audio_envelope import without_trend
from bench.quality.figures import Evidence, ShownFace
from bench.quality.plot import AXIS, Plot, text
from bench.quality.report import NotMeasured, QualityReport, SyncQuality
from bench.quality.sync_offset import MAX_SHIFT_FRAMES

WIDTH_PX = 1280

_MARGIN_PX = 24
_PLOT_HEIGHT_PX = 240
_BACKGROUND = (252, 252, 252)
_INK = (40, 40, 40)
_DUBBED, _SOUND, _ORIGINAL = (200, 90, 20), (30, 120, 230), (170, 170, 170)
"""Colours are blue, green, red."""


def quality_sheet(report: QualityReport, evidence: Evidence) -> NDArray[np.uint8]:
    """BGR, WIDTH_PX wide."""
    parts = [_title(report), _strip(evidence.faces), _openings(evidence), _delays(report)]
    return np.vstack(parts)


def _title(report: QualityReport) -> NDArray[np.uint8]:
    part = _blank(56)
    text(part, f"{_ascii(report.video)}  speaking  {_ascii(report.audio)}", (_MARGIN_PX, 36), 0.7, _INK)
    return part


def _strip(faces: Sequence[ShownFace]) -> NDArray[np.uint8]:
    """The lower two thirds of some faces, the original's below."""
    rows = 2 if any(face.original is not None for face in faces) else 1
    side = (WIDTH_PX - 2 * _MARGIN_PX) // max(len(faces), 6)
    height = side * 8 // 9  # two thirds of a crop of 3:4
    part = _blank(rows * height + 28)
    for column, shown in enumerate(faces):
        x = _MARGIN_PX + column * side
        for row, face in enumerate((shown.face, shown.original)):
            if face is not None:
                lower = face[face.shape[0] // 3 :, :, ::-1]
                fitted = cv2.resize(lower, (side - 4, height - 4), interpolation=cv2.INTER_AREA)
                part[row * height : (row + 1) * height - 4, x : x + side - 4] = fitted
        text(part, f"{shown.time_s:.1f} s", (x, rows * height + 14), 0.4, AXIS)
    return part


def _openings(evidence: Evidence) -> NDArray[np.uint8]:
    part = _blank(_PLOT_HEIGHT_PX)
    plot = Plot(part, (_MARGIN_PX, 0, WIDTH_PX - 2 * _MARGIN_PX, _PLOT_HEIGHT_PX - 12), "time, s")
    times_s = evidence.times_s
    plot.across((float(times_s[0]), float(times_s[-1])), _steps(float(times_s[-1])))
    opening = without_trend(evidence.opening, evidence.frame_s)
    original = without_trend(evidence.original_opening, evidence.frame_s)
    reach = 1.3 * float(np.nanmax(np.abs([opening, original]))) or 1.0
    plot.up((-reach, reach), (0.0,))
    if np.isfinite(original).any():
        plot.curve(times_s, original, _ORIGINAL, "original mouth")
    envelope = without_trend(evidence.envelope, evidence.frame_s)
    loudest = float(np.nanmax(np.abs(envelope))) if np.isfinite(envelope).any() else 0.0
    if loudest > 0:
        plot.curve(times_s, envelope / loudest * reach * 0.8, _SOUND, "sound, 1-4 kHz")
    plot.curve(times_s, opening, _DUBBED, "mouth opening")
    return part


def _delays(report: QualityReport) -> NDArray[np.uint8]:
    part = _blank(_PLOT_HEIGHT_PX)
    half = WIDTH_PX // 2
    mouth = report.mouth
    box = (_MARGIN_PX, 0, half - 2 * _MARGIN_PX, _PLOT_HEIGHT_PX - 12)
    plot = Plot(part, box, "picture late by, frames", f"mouth and sound: r = {mouth.correlation:+.2f}")
    plot.across((mouth.lags_frames[0], mouth.lags_frames[-1]), (-10, -5, 0, 5, 10))
    plot.up((-1, 1), (-1, 0, 1))
    plot.curve(np.array(mouth.lags_frames, np.float64), np.array(mouth.correlations), _DUBBED)
    box = (half + _MARGIN_PX, 0, half - 2 * _MARGIN_PX, _PLOT_HEIGHT_PX - 12)
    match report.sync:
        case SyncQuality(offset_frames=offset, confidence=confidence):
            title = f"lip-sync network: offset {offset:+d}, confidence {confidence:.2f}"
            plot = Plot(part, box, "picture late by, frames of 40 ms", title)
            distances = np.array(report.sync.mean_distances)
            least, most = float(distances.min()), float(distances.max())
            spread = max(most - least, 1e-3)
            plot.across((-MAX_SHIFT_FRAMES, MAX_SHIFT_FRAMES), (-15, -10, -5, 0, 5, 10, 15))
            plot.up((least - 0.2 * spread, most + 0.4 * spread), (least, most))
            plot.curve(np.array(report.sync.shifts_frames, np.float64), distances, _DUBBED)
        case NotMeasured(reason):
            Plot(part, box, "", "lip-sync network: not measured")
            text(part, _ascii(reason), (box[0] + 64, _PLOT_HEIGHT_PX // 2), 0.45, AXIS)
    return part


def _steps(last_s: float) -> tuple[float, ...]:
    """About ten round times."""
    step = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 1e9) if last_s / step <= 12)
    return tuple(float(value) for value in np.arange(0, last_s + step / 100, step))


def _ascii(name: str) -> str:
    """OpenCV draws no other letters."""
    return name.encode("ascii", "replace").decode()


def _blank(height: int) -> NDArray[np.uint8]:
    return np.full((height, WIDTH_PX, 3), _BACKGROUND, np.uint8)
