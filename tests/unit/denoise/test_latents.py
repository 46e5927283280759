"""From the encoder's moments to latents and from latents to the decoder."""

import numpy as np
import pytest

from services.denoise.latents import decoder_input, posterior_mean_std, sampled_latents


def moments(mean: float, logvar: float) -> np.ndarray:
    return np.concatenate([np.full((2, 4, 3, 3), mean), np.full((2, 4, 3, 3), logvar)], axis=1).astype(np.float32)


def test_the_first_half_is_the_mean_and_the_second_the_log_variance() -> None:
    mean, std = posterior_mean_std(moments(3, np.log(4)))
    assert mean.shape == std.shape == (2, 4, 3, 3)
    assert np.unique(mean) == 3
    assert np.unique(std) == pytest.approx(2)


@pytest.mark.parametrize(("logvar", "std"), [(-1e4, np.exp(-15)), (1e4, np.exp(10))])
def test_extreme_log_variances_are_clamped(logvar: float, std: float) -> None:
    assert posterior_mean_std(moments(0, logvar))[1].max() == pytest.approx(std)


def test_samples_are_mean_plus_std_times_noise_scaled() -> None:
    noise = np.full((2, 4, 3, 3), 0.5, np.float32)
    latents = sampled_latents(moments(3, np.log(4)), noise)
    assert latents.dtype == np.float32
    np.testing.assert_allclose(latents, (3 + 2 * 0.5) * 0.18215, rtol=1e-6)


def test_the_decoder_gets_unscaled_latents_frame_by_frame() -> None:
    latents = np.random.default_rng(0).standard_normal((1, 4, 5, 2, 3), np.float32)
    frames = decoder_input(latents)
    assert frames.shape == (5, 4, 2, 3)
    assert frames.dtype == np.float32
    assert frames.flags.c_contiguous
    np.testing.assert_allclose(frames[3] * 0.18215, latents[0, :, 3], rtol=1e-6)
