import json
import math

from bench.quality.figures import picture_quality
from bench.quality.picture_comparison import PictureComparison
from bench.quality.report import NotMeasured, QualityReport, SyncQuality
from bench.quality.sync_offset import SyncScore


def test_unknown_figures_are_null_and_absent_measures_say_why() -> None:
    nothing_compared = picture_quality(PictureComparison("studio"))
    sync = SyncQuality("net", 1, 1 / 3, math.inf, 9, (-1, 0), (0.5, math.nan))
    # A mouth quality's place is taken by a reason too: only the conversion is looked at here.
    report = QualityReport("v", "a", None, NotMeasured("no mouth"), sync, nothing_compared)  # type: ignore[arg-type]

    plain = json.loads(json.dumps(report.to_json(), allow_nan=False))

    assert plain["mouth"] == {"not_measured": "no mouth"}
    assert plain["sync"]["min_distance"] == 0.333333
    assert (plain["sync"]["confidence"], plain["sync"]["mean_distances"]) == (None, [0.5, None])
    assert set(plain["picture"].values()) == {0, None}


def test_confidence_is_how_far_the_best_shift_stands_out() -> None:
    score = SyncScore((-1, 0, 1), (0.9, 0.2, 0.8), 5)

    assert (score.offset_frames, score.min_distance) == (0, 0.2)
    assert math.isclose(score.confidence, 0.6)
