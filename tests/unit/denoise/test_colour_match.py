"""Colours of the generated mouth against the face around it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.face_mask import face_mask
from services.denoise.colour_match import match_colour

LEVEL = 2 / 255
"""One grey level where faces run from −1 to 1."""


def faces(resolution: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-0.6, 0.6, (2, 3, resolution, resolution)).astype(np.float32)


@pytest.mark.parametrize("resolution", [128, 256, 512])
def test_a_constant_colour_offset_is_removed(resolution: int) -> None:
    source = faces(resolution)
    offset = np.array([12, -7, 20], np.float32).reshape(3, 1, 1) * LEVEL
    matched = match_colour(source + offset, source, face_mask(resolution))
    np.testing.assert_allclose(matched, source, atol=0.01 * LEVEL)


def test_a_matching_face_is_untouched() -> None:
    source = faces(256)
    np.testing.assert_array_equal(match_colour(source, source, face_mask(256)), source)


def test_a_tint_that_varies_over_the_face_leaves_no_step_at_the_mask() -> None:
    source = faces(256)
    across = np.linspace(-15, 15, 256, dtype=np.float32) * LEVEL
    decoded = source + across
    generated = face_mask(256) < 0.5
    left_edge = generated & (np.arange(256) < 30)
    matched = match_colour(decoded, source, face_mask(256))
    before = np.abs((decoded - source)[..., left_edge].mean())
    after = np.abs((matched - source)[..., left_edge].mean())
    assert before > 11 * LEVEL
    assert after < 3 * LEVEL


def test_the_generated_mouth_has_no_say_in_the_shift() -> None:
    source, keep = faces(128), face_mask(128)
    decoded = source + np.float32(5 * LEVEL)
    repainted = np.where(keep < 0.5, np.float32(0.9), decoded)
    shift = match_colour(decoded, source, keep) - decoded
    np.testing.assert_allclose(match_colour(repainted, source, keep) - repainted, shift, atol=1e-6)


def test_every_frame_is_matched_on_its_own() -> None:
    source = faces(128)
    decoded = source + np.array([0, 9 * LEVEL], np.float32).reshape(2, 1, 1, 1)
    matched = match_colour(decoded, source, face_mask(128))
    np.testing.assert_array_equal(matched[0], decoded[0])
    np.testing.assert_allclose(matched[1], source[1], atol=0.01 * LEVEL)
