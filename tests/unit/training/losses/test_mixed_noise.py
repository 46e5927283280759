"""Noise shared between frames."""

import pytest
import torch

from training.losses.mixed_noise import mixed_noise

FRAMES = 4


@pytest.mark.parametrize(("alpha", "covariance"), [(0.0, 0.0), (1.0, 0.5), (2.0, 0.8)])
def test_frames_have_unit_variance_and_the_stated_covariance(alpha: float, covariance: float) -> None:
    noise = mixed_noise((8, 4, FRAMES, 64, 64), alpha, torch.Generator().manual_seed(1))

    by_frame = noise.transpose(0, 2).flatten(1)
    expected = torch.full((FRAMES, FRAMES), covariance).fill_diagonal_(1)
    torch.testing.assert_close(torch.cov(by_frame), expected, atol=0.02, rtol=0)
    torch.testing.assert_close(by_frame.mean(dim=1), torch.zeros(FRAMES), atol=0.02, rtol=0)


def test_clips_and_channels_share_nothing() -> None:
    noise = mixed_noise((2, 2, FRAMES, 128, 128), 1.0, torch.Generator().manual_seed(1))

    by_channel = noise.flatten(0, 1).flatten(1)
    torch.testing.assert_close(torch.corrcoef(by_channel), torch.eye(4), atol=0.02, rtol=0)


def test_the_generator_decides_the_noise() -> None:
    first, again, other = (mixed_noise((1, 4, 3, 8, 8), 1.0, torch.Generator().manual_seed(s)) for s in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)
