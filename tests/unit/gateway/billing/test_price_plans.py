"""What jobs cost. Amounts are micro-dollars."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.billing.plans import Plan, load_plans, plan_named, price
from services.common.errors import InvalidParameter

# The same examples on every machine, however slow.
drawn = settings(deadline=None, derandomize=True)

PLANS = load_plans()
WAVESPEED, FAL = PLANS["per-5-seconds"], PLANS["flat-then-per-second"]

durations_s = st.floats(0, 100_000)
amounts = st.integers(0, 10**9)
bounds_s = st.integers(0, 10_000)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    included_s, minimum_s = draw(bounds_s), draw(bounds_s)
    maximum_s = draw(st.none() | st.integers(max(included_s, minimum_s), 20_000))
    return Plan(
        name="any",
        metered=draw(st.sampled_from(["voice", "output"])),
        base=draw(amounts),
        per_unit=draw(amounts),
        unit_s=draw(st.integers(1, 600)),
        included_s=included_s,
        minimum_s=minimum_s,
        maximum_s=maximum_s,
    )


@pytest.mark.parametrize(
    ("seconds", "amount"),
    [
        (0.0, 150_000),
        (0.5, 150_000),
        (5.0, 150_000),
        (5.5, 300_000),
        (30.0, 900_000),
        (60.0, 1_800_000),
        (599.0, 18_000_000),
        (600.0, 18_000_000),
        (600.5, 18_000_000),
        (7200.0, 18_000_000),
    ],
)
def test_wavespeeds_plan_counts_started_five_seconds_from_5_to_600(seconds: float, amount: int) -> None:
    assert price(WAVESPEED, seconds) == amount


@pytest.mark.parametrize(
    ("seconds", "amount"),
    [(0.0, 200_000), (1.0, 200_000), (40.0, 200_000), (40.5, 205_000), (41.0, 205_000), (100.0, 500_000)],
)
def test_fals_plan_is_flat_to_40_seconds_and_then_counts_started_seconds(seconds: float, amount: int) -> None:
    assert price(FAL, seconds) == amount


def test_the_other_plans_are_per_second_and_free() -> None:
    assert [price(PLANS["per-second"], seconds) for seconds in (0.0, 1.0, 1.5, 60.0)] == [0, 30_000, 60_000, 1_800_000]
    assert price(PLANS["free"], 1234.5) == 0


def test_wavespeeds_plan_meters_the_voice_and_fals_the_output() -> None:
    assert (WAVESPEED.metered, FAL.metered) == ("voice", "output")


@pytest.mark.parametrize("over_s", [1e-9, 1 / 48_000, 0.001])
@pytest.mark.parametrize(
    ("plan", "boundary_s"), [(WAVESPEED, 5), (WAVESPEED, 30), (WAVESPEED, 595), (FAL, 40), (FAL, 41)]
)
def test_up_to_a_millisecond_beyond_a_unit_starts_no_other(plan: Plan, boundary_s: int, over_s: float) -> None:
    assert price(plan, boundary_s + over_s) == price(plan, boundary_s)


@pytest.mark.parametrize(
    ("plan", "boundary_s"), [(WAVESPEED, 5), (WAVESPEED, 30), (WAVESPEED, 595), (FAL, 40), (FAL, 41)]
)
def test_more_than_a_millisecond_beyond_a_unit_starts_another(plan: Plan, boundary_s: int) -> None:
    assert price(plan, boundary_s + 0.001_001) == price(plan, boundary_s) + plan.per_unit


@drawn
@given(plans(), durations_s, durations_s)
def test_a_longer_job_never_costs_less(plan: Plan, one_s: float, other_s: float) -> None:
    shorter_s, longer_s = sorted((one_s, other_s))

    assert price(plan, shorter_s) <= price(plan, longer_s)


@drawn
@given(plans(), durations_s)
def test_a_price_is_the_base_and_whole_units_and_never_negative(plan: Plan, seconds: float) -> None:
    beyond = price(plan, seconds) - plan.base

    assert beyond >= 0
    assert beyond % max(plan.per_unit, 1) == 0


@drawn
@given(plans(), durations_s)
def test_no_job_costs_less_than_the_minimum_nor_more_than_the_maximum(plan: Plan, seconds: float) -> None:
    longest_s = 100_000 if plan.maximum_s is None else plan.maximum_s

    assert price(plan, plan.minimum_s) <= price(plan, seconds) <= price(plan, max(longest_s, plan.minimum_s))


@drawn
@given(plans(), durations_s)
def test_whole_seconds_are_counted_without_rounding(plan: Plan, seconds: float) -> None:
    whole_s = int(seconds)
    metered_s = min(max(whole_s, plan.minimum_s), 10**9 if plan.maximum_s is None else plan.maximum_s)
    units, rest = divmod(max(0, metered_s - plan.included_s), plan.unit_s)

    assert price(plan, whole_s) == plan.base + plan.per_unit * (units + bool(rest))


@pytest.mark.parametrize("seconds", [-0.001, float("nan"), float("inf")])
def test_what_is_no_duration_has_no_price(seconds: float) -> None:
    with pytest.raises(InvalidParameter, match="no duration"):
        price(WAVESPEED, seconds)


def test_an_operators_own_plans_take_the_place_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "plans.toml"
    file.write_text('[house]\nmetered = "voice"\nper_unit = 7\nunit_s = 1\n')

    plans = load_plans(file)

    assert list(plans) == ["house"]
    assert price(plan_named(plans, "house"), 2.5) == 21


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no price plan"),
        ("[house", "cannot be read"),
        ("house = 1", "house"),
        ('[house]\nmetered = "voice"\nper_unit = 0.15\nunit_s = 5', r"house\.per_unit"),
        ('[house]\nmetered = "voice"\nper_unit = -1\nunit_s = 5', r"house\.per_unit"),
        ('[house]\nmetered = "voice"\nper_unit = 1\nunit_s = 0', r"house\.unit_s"),
        ('[house]\nmetered = "frames"\nper_unit = 1\nunit_s = 1', r"house\.metered"),
        ('[house]\nmetered = "voice"\nper_unit = 1\nunit_s = 1\nrate = 1', r"house\.rate"),
        ('[house]\nmetered = "voice"\nper_unit = 1\nunit_s = 1\nminimum_s = 9\nmaximum_s = 8', "maximum_s must not"),
        ('["My House"]\nmetered = "voice"\nper_unit = 1\nunit_s = 1', "name"),
    ],
)
def test_plans_that_make_no_sense_are_refused_by_name(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "plans.toml"
    file.write_text(text)

    with pytest.raises(InvalidParameter, match=reason):
        load_plans(file)


def test_a_missing_file_and_an_unknown_plan_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"none\.toml"):
        load_plans(tmp_path / "none.toml")
    with pytest.raises(InvalidParameter, match="“flat”"):
        plan_named(PLANS, "flat")
