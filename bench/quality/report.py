"""What is known of a video's quality, as it is written down."""

import math
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class MouthQuality:
    """The mouth's opening (inner-lip gap over the distance of the eyes) and the sound that should move it."""

    frames: int
    frames_with_face: int
    median: float
    range: float
    """5th to 95th percentile."""
    correlation: float
    """With the sound's envelope between 1 and 4 kHz, both without what is slower than 0.7 s; picture as it is."""
    best_correlation: float
    best_lag_ms: float
    """Positive: the picture is late."""
    lags_frames: tuple[int, ...]
    correlations: tuple[float, ...]
    range_vs_original: float = math.nan
    correlation_with_original: float = math.nan
    """High: the mouth moves as in the original, whatever the new voice says."""


@dataclass(frozen=True)
class SyncQuality:
    """A lip-sync network's opinion."""

    network: str
    offset_frames: int
    """Of 40 ms; positive: the picture is late."""
    min_distance: float
    confidence: float
    windows: int
    shifts_frames: tuple[int, ...]
    mean_distances: tuple[float, ...]


@dataclass(frozen=True)
class PictureQuality:
    """Against the original, over the frames both have. Outside: what dubbing must not change."""

    frames: int
    psnr_outside_db: float
    ssim_outside: float
    psnr_mouth_db: float
    ssim_mouth: float
    flicker: float
    """Levels per frame²."""
    flicker_vs_original: float
    seam: float
    """Levels per px."""
    seam_vs_original: float


@dataclass(frozen=True)
class NotMeasured:
    not_measured: str
    """Why."""


@dataclass(frozen=True)
class QualityReport:
    video: str
    audio: str
    original: str | None
    mouth: MouthQuality
    sync: SyncQuality | NotMeasured
    picture: PictureQuality | NotMeasured

    def to_json(self) -> dict[str, object]:
        """Plain values; what is not known (NaN) is null, other numbers have six significant digits."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: object) -> object:
    match value:
        case float():
            return float(f"{value:.6g}") if math.isfinite(value) else None
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case tuple() | list():
            return [_plain(inner) for inner in value]
    return value
