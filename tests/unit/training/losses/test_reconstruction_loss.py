"""The pixel loss."""

import pytest
import torch

from training.losses.reconstruction import reconstruction


def test_it_is_the_weighted_mean_of_absolute_and_squared_differences() -> None:
    fake, real = torch.zeros(2, 3, 4, 8, 8), torch.full((2, 3, 4, 8, 8), 0.5)
    everywhere = torch.ones(8, 8)

    assert reconstruction(fake, real, everywhere, l1=1, l2=0).item() == pytest.approx(0.5)
    assert reconstruction(fake, real, everywhere, l1=0, l2=1).item() == pytest.approx(0.25)
    assert reconstruction(fake, real, 9 * everywhere, l1=1, l2=2).item() == pytest.approx(1.0)


def test_its_gradient_pulls_towards_the_target_and_hardest_at_the_mouth() -> None:
    generator = torch.Generator().manual_seed(1)
    fake, real = torch.rand(2, 1, 3, 2, 8, 8, generator=generator)
    fake.requires_grad_()
    weights = torch.ones(8, 8)
    weights[5:, 2:6] = 4

    before = reconstruction(fake, real, weights)
    before.backward()  # type: ignore[no-untyped-call]

    assert fake.grad is not None
    after = fake.detach() - 0.1 * fake.grad
    assert reconstruction(after, real, weights) < before
    difference = fake.detach() - real
    pull = fake.grad / (difference.sign() + 2 * difference)
    torch.testing.assert_close(pull, (weights / (weights.sum() * 6)).expand_as(pull))
