"""Noise depends on the seed and the output frame, and on nothing else."""

import numpy as np
import pytest

from services.denoise.noise import SeededNoise

SHAPE = (4, 8, 8)


def test_a_frames_noise_does_not_depend_on_the_chunk_it_is_in() -> None:
    first = SeededNoise(1247).posterior(range(16), "masked", SHAPE)
    overlapping = SeededNoise(1247).posterior(np.arange(10, 26), "masked", SHAPE)
    np.testing.assert_array_equal(first[10:], overlapping[:6])


def test_asking_twice_or_in_another_order_gives_the_same() -> None:
    noise = SeededNoise(5)
    forward = noise.posterior([3, 4], "reference", SHAPE)
    np.testing.assert_array_equal(noise.posterior([4, 3], "reference", SHAPE), forward[::-1])


def test_every_frame_of_the_start_is_the_same_noise_whatever_the_window_length() -> None:
    start = SeededNoise(7).initial((1, 4, 16, 8, 8))
    assert start.shape == (1, 4, 16, 8, 8)
    assert start.dtype == np.float32
    np.testing.assert_array_equal(start, np.repeat(start[:, :, :1], 16, axis=2))
    np.testing.assert_array_equal(SeededNoise(7).initial((1, 4, 5, 8, 8)), start[:, :, :5])


def test_seeds_purposes_and_frames_draw_independent_noise() -> None:
    draws = [
        SeededNoise(1).initial((1, *SHAPE[:1], 1, *SHAPE[1:])),
        SeededNoise(2).initial((1, *SHAPE[:1], 1, *SHAPE[1:])),
        SeededNoise(1).posterior([0], "masked", SHAPE),
        SeededNoise(1).posterior([1], "masked", SHAPE),
        SeededNoise(1).posterior([0], "reference", SHAPE),
        SeededNoise(2).posterior([0], "reference", SHAPE),
        SeededNoise(1 + 2**32).posterior([0], "reference", SHAPE),
    ]
    correlation = np.corrcoef([draw.ravel() for draw in draws])
    assert np.abs(correlation - np.eye(len(draws))).max() < 0.25


def test_noise_is_standard_normal() -> None:
    draws = SeededNoise(3).posterior(range(64), "masked", (4, 32, 32))
    assert draws.mean() == pytest.approx(0, abs=0.01)
    assert draws.std() == pytest.approx(1, abs=0.01)
    assert (np.abs(draws) < 1).mean() == pytest.approx(0.6827, abs=0.01)


def test_negative_seeds_count_from_the_top_of_64_bits() -> None:
    np.testing.assert_array_equal(
        SeededNoise(-1).posterior([0], "masked", SHAPE), SeededNoise(2**64 - 1).posterior([0], "masked", SHAPE)
    )
