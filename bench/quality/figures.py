"""From what was measured frame by frame to the figures of the report."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.quality.audio_envelope import without_trend
from bench.quality.correlation import amplitude_ratio, correlate_at_lags
from bench.quality.picture_comparison import PictureComparison
from bench.quality.report import MouthQuality, NotMeasured, PictureQuality, SyncQuality
from bench.quality.sync_offset import SyncScore


@dataclass(frozen=True, eq=False)
class ShownFace:
    """An aligned face, RGB, and the same place of the original."""

    time_s: float
    face: NDArray[np.uint8]
    original: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class Evidence:
    """A value per frame; NaN = unknown."""

    times_s: NDArray[np.float64]
    envelope: NDArray[np.float64]
    opening: NDArray[np.float64]
    original_opening: NDArray[np.float64]
    faces: list[ShownFace] = field(default_factory=list)
    """Some of the frames."""

    @property
    def frame_s(self) -> float:
        return float(np.median(np.diff(self.times_s)))


def mouth_quality(evidence: Evidence) -> MouthQuality:
    """The mouth must have been seen at least once."""
    opening, original = evidence.opening, evidence.original_opening
    moving = without_trend(opening, evidence.frame_s)
    lags = correlate_at_lags(moving, without_trend(evidence.envelope, evidence.frame_s))
    low, median, high = np.nanpercentile(opening, (5, 50, 95))
    return MouthQuality(
        frames=len(opening),
        frames_with_face=int(np.isfinite(opening).sum()),
        median=float(median),
        range=float(high - low),
        correlation=lags.at_zero,
        best_correlation=lags.best,
        best_lag_ms=float("nan") if lags.best_lag_frames is None else 1000 * evidence.frame_s * lags.best_lag_frames,
        lags_frames=lags.lags_frames,
        correlations=lags.correlations,
        range_vs_original=amplitude_ratio(np.where(np.isnan(original), np.nan, opening), original),
        correlation_with_original=correlate_at_lags(moving, without_trend(original, evidence.frame_s), 0).at_zero,
    )


def sync_quality(network: str, score: SyncScore | None) -> SyncQuality | NotMeasured:
    if score is None:
        return NotMeasured("too little of the face or of the sound")
    return SyncQuality(
        network=network,
        offset_frames=score.offset_frames,
        min_distance=score.min_distance,
        confidence=score.confidence,
        windows=score.windows,
        shifts_frames=score.shifts_frames,
        mean_distances=score.mean_distances,
    )


def picture_quality(found: PictureComparison) -> PictureQuality:
    return PictureQuality(
        frames=found.frames,
        psnr_outside_db=found.outside.psnr_db,
        ssim_outside=found.outside.ssim.value,
        psnr_mouth_db=found.mouth.psnr_db,
        ssim_mouth=found.mouth.ssim.value,
        flicker=found.flicker.value,
        flicker_vs_original=_ratio(found.flicker.value, found.original_flicker.value),
        seam=found.seam.value,
        seam_vs_original=_ratio(found.seam.value, found.original_seam.value),
    )


def _ratio(value: float, original: float) -> float:
    return value / original if original > 0 else float("nan")
