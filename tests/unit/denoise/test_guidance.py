"""Guided steps and DeepCache's full steps."""

import pytest

from services.denoise.guidance import is_full_step, scale_at


def test_without_an_interval_every_step_is_guided() -> None:
    assert {scale_at(step, 20, 1.5, None) for step in range(20)} == {1.5}


@pytest.mark.parametrize(("steps", "guided"), [(20, range(4, 16)), (10, range(2, 8)), (5, range(1, 4))])
def test_steps_outside_the_interval_are_not_guided(steps: int, guided: range) -> None:
    scales = [scale_at(step, steps, 2.0, (0.2, 0.8)) for step in range(steps)]
    assert [step for step, scale in enumerate(scales) if scale == 2.0] == list(guided)
    assert set(scales) == {1.0, 2.0}


def test_the_whole_interval_guides_every_step() -> None:
    assert {scale_at(step, 7, 3.0, (0.0, 1.0)) for step in range(7)} == {3.0}


def test_deepcache_evaluates_seven_of_twenty_steps_in_full_at_interval_three() -> None:
    assert [step for step in range(20) if is_full_step(step, 3)] == [0, 3, 6, 9, 12, 15, 18]


def test_an_interval_of_one_caches_nothing() -> None:
    assert all(is_full_step(step, 1) for step in range(20))
