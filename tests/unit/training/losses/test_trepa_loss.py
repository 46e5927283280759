"""Temporal alignment of clips."""

import pytest
import torch
from torch import Tensor

from export.random_weights import randomize
from training.losses.trepa import encoder_input, trepa
from training.video_encoder import SmallVideoEncoder


@pytest.fixture(scope="module")
def encoder() -> SmallVideoEncoder:
    network = SmallVideoEncoder()
    randomize(network, seed=1)
    return network.eval().requires_grad_(False)


def moving_bar(frames_late: int = 0) -> Tensor:
    """A bright bar that goes up and down over a dark picture, 1×3×16×32×32."""
    clip = torch.full((1, 3, 16, 32, 32), -0.8)
    for frame in range(16):
        height = round(10 + 8 * float(torch.sin(torch.tensor(0.8 * (frame - frames_late)))))
        clip[:, :, frame, 12 : 12 + height] = 0.8
    return clip


def test_the_same_clip_costs_nothing_and_a_later_one_more_the_later_it_is(encoder: SmallVideoEncoder) -> None:
    same, later, much_later = (trepa(encoder, moving_bar(shift), moving_bar()) for shift in (0, 1, 3))

    assert same == 0
    assert 0 < later < much_later


def test_the_order_of_frames_matters(encoder: SmallVideoEncoder) -> None:
    shuffled = moving_bar()[:, :, torch.randperm(16, generator=torch.Generator().manual_seed(1))]

    assert trepa(encoder, shuffled, moving_bar()) > trepa(encoder, moving_bar(1), moving_bar())


def test_descending_it_brings_a_frozen_clip_closer_to_the_moving_one(encoder: SmallVideoEncoder) -> None:
    real = moving_bar().requires_grad_()
    frozen = real.detach().mean(dim=2, keepdim=True).repeat(1, 1, 16, 1, 1).requires_grad_()

    before = trepa(encoder, frozen, real)
    before.backward()  # type: ignore[no-untyped-call]

    assert frozen.grad is not None
    assert real.grad is None
    moved = frozen.detach() - 0.02 * frozen.grad / frozen.grad.abs().max()
    assert trepa(encoder, moved, real) < before
    assert (moved - real.detach()).square().mean() < (frozen.detach() - real.detach()).square().mean()


def test_the_encoder_sees_bicubic_224_px_frames_between_0_and_1_in_their_order() -> None:
    clip = moving_bar()
    clip[0, 1, 5] = 2.0

    seen = encoder_input(clip)

    assert seen.shape == (1, 3, 16, 224, 224)
    assert seen.min() >= 0
    assert torch.equal(seen[0, 1, 5], torch.ones(224, 224))
    expected = torch.nn.functional.interpolate(clip[:, :, 4], size=(224, 224), mode="bicubic") / 2 + 0.5
    torch.testing.assert_close(seen[:, :, 4], expected.clamp(0, 1))
