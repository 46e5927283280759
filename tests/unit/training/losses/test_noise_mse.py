"""The denoising loss."""

import pytest
import torch

from training.losses.noise import noise_mse


def test_descending_it_brings_the_prediction_to_the_target() -> None:
    target = torch.randn(2, 4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    prediction = torch.zeros_like(target, requires_grad=True)

    noise_mse(prediction, target).backward()  # type: ignore[no-untyped-call]

    assert prediction.grad is not None
    torch.testing.assert_close(prediction - 0.5 * target.numel() * prediction.grad, target)


def test_a_weight_map_counts_only_where_it_is_positive_and_is_relative() -> None:
    prediction, target = torch.zeros(2, 4, 3, 8, 8), torch.ones(2, 4, 3, 8, 8)
    target[..., :4, :] = 3
    below = torch.zeros(8, 8)
    below[4:] = 1

    assert noise_mse(prediction, target, below).item() == pytest.approx(1)
    assert noise_mse(prediction, target, 7 * below).item() == pytest.approx(1)
    assert noise_mse(prediction, target).item() == pytest.approx(5)
