from pathlib import Path

import numpy as np
import pytest
from capacity_inputs import fixed, plain_inputs
from pydantic import ValidationError
from rich.console import Console

from bench.capacity.cases import at_once_runs, beside_runs, day_runs, threshold_runs
from bench.capacity.drawing import day_picture
from bench.capacity.inputs import DEFAULT_INPUTS, read_inputs
from bench.capacity.jobs import HOUR_S, Arrival, beside_a_long_one, through_a_day
from bench.capacity.system import Run, simulate
from bench.capacity.tables import beside_table, cases_table
from services.common.messages import Priority

_PRIORITIES: tuple[Priority, ...] = ("high", "normal")


def test_lanes_keep_small_jobs_from_waiting_behind_a_long_one() -> None:
    with_lanes, in_order, alone = beside_runs(plain_inputs(chunk_s=2.0, preprocess_ms=16), seed=0)

    assert _small_p95(with_lanes) < _small_p95(in_order) / 10
    assert _small_p95(with_lanes) < _small_p95(alone) + 10 * 2.0
    assert with_lanes.jobs[0].turnaround_s < 2 * in_order.jobs[0].turnaround_s


def test_an_urgent_job_passes_a_crowd() -> None:
    inputs = plain_inputs(chunk_s=3.0)
    crowd = [Arrival(0.0, 5.0)] * 50

    urgent, normal = (
        simulate([*crowd, Arrival(1.0, 5.0, priority)], inputs, fixed(1)).jobs[-1] for priority in _PRIORITIES
    )

    assert urgent.turnaround_s < normal.turnaround_s / 10


def test_a_day_has_its_rates_and_its_bursts() -> None:
    inputs = plain_inputs()
    day = inputs.day.model_copy(update={"jobs_per_hour": 600})

    arrivals = through_a_day(day, inputs.sizes, np.random.default_rng(0))
    times_s = np.array([arrival.at_s for arrival in arrivals])

    mean_rate = (8 * 0.5 + 16 * 1.5) / 24
    per_hour = np.histogram(times_s, np.arange(25) * HOUR_S)[0]
    assert per_hour[:3].mean() == pytest.approx(600 * 0.5 / mean_rate, rel=0.1)
    assert per_hour[8:].mean() == pytest.approx(600 * 1.5 / mean_rate, rel=0.05)
    assert np.count_nonzero(times_s == 3 * HOUR_S) == 20
    assert (np.diff(times_s) >= 0).all()
    assert np.mean([arrival.video_s == 60 for arrival in arrivals]) == pytest.approx(0.2, abs=0.02)


def test_small_jobs_come_in_the_hour_after_the_long_one() -> None:
    beside = plain_inputs().beside

    first, *others = beside_a_long_one(beside, np.random.default_rng(0))

    assert (first.at_s, first.video_s) == (0.0, beside.long_s)
    assert len(others) == pytest.approx(beside.small_per_hour, rel=0.3)
    assert max(arrival.at_s for arrival in others) < HOUR_S


def test_every_case_is_in_the_tables_and_the_picture() -> None:
    inputs = plain_inputs(preprocess_ms=16, composite_ms=86)
    console = Console(record=True, width=200)

    days = day_runs(inputs, 0)
    for runs in (days, threshold_runs(inputs, 0), at_once_runs(inputs, 0)):
        console.print(cases_table("title", runs, inputs))
    console.print(beside_table("title", beside_runs(inputs, 0), inputs))
    printed = console.export_text()

    for words in ("2 fixed", "spot without", "100 chunks", "at most 8", "first in, first out", "GPU-hours"):
        assert words in printed
    picture = day_picture(days[:3])
    assert picture.dtype == np.uint8
    assert np.ptp(picture) > 200


def test_the_shipped_inputs_are_complete() -> None:
    inputs = read_inputs(DEFAULT_INPUTS)

    assert inputs.gpu is inputs.gpus[inputs.denoise.gpu]
    assert sum(size.share for size in inputs.sizes) == pytest.approx(1)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('gpu = "a100"', 'gpu = "b200"', "b200"),
        ("polling_s", "poling_s", "poling_s"),
        ("min_workers = 0", "min_workers = 99", "min_workers"),
        ("mean_life_h = 4", "mean_life_h = 0", "mean_life_h"),
    ],
)
def test_inputs_that_make_no_sense_are_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = DEFAULT_INPUTS.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "inputs.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")

    with pytest.raises(ValidationError, match=named):
        read_inputs(path)


def _small_p95(run: Run) -> float:
    small = [job.queued_s for job in run.jobs if job.arrival.video_s == 5]
    return float(np.percentile(small, 95))
