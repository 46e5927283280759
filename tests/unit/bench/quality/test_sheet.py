import numpy as np
import pytest

from bench.quality.figures import Evidence, ShownFace, mouth_quality
from bench.quality.report import NotMeasured, QualityReport, SyncQuality
from bench.quality.sheet import WIDTH_PX, quality_sheet

SYNC = SyncQuality("net", 0, 0.5, 0.4, 9, tuple(range(-15, 16)), tuple(np.linspace(1, 0.5, 31).tolist()))


@pytest.mark.parametrize("sync", [SYNC, NotMeasured("no network")])
@pytest.mark.parametrize("seen", [50, 1])
def test_a_sheet_is_drawn_of_much_and_of_little(sync: SyncQuality | NotMeasured, seen: int) -> None:
    noise = np.random.default_rng(0)
    opening = np.where(np.arange(50) < seen, noise.uniform(0, 0.2, 50), np.nan)
    face = noise.integers(0, 255, (256, 256, 3)).astype(np.uint8)
    evidence = Evidence(np.arange(50) / 25, np.full(50, np.nan), opening, opening, [ShownFace(0.0, face, face)])
    report = QualityReport("vidéo.mp4", "a.wav", "o.mp4", mouth_quality(evidence), sync, NotMeasured("none"))

    sheet = quality_sheet(report, evidence)

    assert sheet.shape[1:] == (WIDTH_PX, 3)
    assert sheet.dtype == np.uint8
    assert np.ptp(sheet) > 200
