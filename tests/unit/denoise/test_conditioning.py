"""The constant input of the network, and kept pixels."""

import numpy as np

from services.denoise.conditioning import conditioning, masked_pixel_values, pasted_back, pixel_values

RNG = np.random.default_rng(0)
FACES_U8 = RNG.integers(0, 256, (3, 16, 16, 3), np.uint8)
MASK = np.zeros((16, 16))
MASK[:8] = 1


def test_pixel_values_span_minus_one_to_one_channel_first() -> None:
    faces = np.zeros((1, 2, 2, 3), np.uint8)
    faces[0, 1, 0, 2] = 255
    values = pixel_values(faces)
    assert values.shape == (1, 3, 2, 2)
    assert values.dtype == np.float32
    assert values[0, 2, 1, 0] == 1
    assert values.sum() == 1 - 11


def test_the_part_to_generate_is_grey_and_the_rest_unchanged() -> None:
    faces = pixel_values(FACES_U8)
    masked = masked_pixel_values(faces, MASK)
    assert masked.dtype == np.float32
    np.testing.assert_array_equal(masked[:, :, :8], faces[:, :, :8])
    assert not masked[:, :, 8:].any()


def test_kept_pixels_come_from_the_face_and_generated_ones_from_the_decoder() -> None:
    faces = pixel_values(FACES_U8)
    decoded = RNG.standard_normal(faces.shape, np.float32)
    result = pasted_back(decoded, faces, MASK)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result[:, :, :8], faces[:, :, :8])
    np.testing.assert_array_equal(result[:, :, 8:], decoded[:, :, 8:])


def test_channels_are_mask_then_masked_then_reference_with_frames_behind_channels() -> None:
    masked, reference = RNG.standard_normal((2, 5, 4, 2, 3), np.float32)
    mask = np.array([[0, 1, 0], [1, 0, 1]], np.float32)
    result = conditioning(mask, masked, reference)
    assert result.shape == (1, 9, 5, 2, 3)
    assert result.dtype == np.float32
    for frame in range(5):
        np.testing.assert_array_equal(result[0, 0, frame], mask)
        np.testing.assert_array_equal(result[0, 1:5, frame], masked[frame])
        np.testing.assert_array_equal(result[0, 5:, frame], reference[frame])
