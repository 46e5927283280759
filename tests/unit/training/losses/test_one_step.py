"""One step back from a noisy sample to the clean one."""

import torch

from services.denoise.schedule import alphas_cumprod
from training.losses.one_step import add_noise, predicted_x0, v_target

ALPHAS_CUMPROD = torch.from_numpy(alphas_cumprod())
TIMESTEP = torch.tensor([1, 500, 999])


def latents(seed: int) -> torch.Tensor:
    return torch.randn(3, 4, 2, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_true_noise_takes_a_sample_back_to_where_it_came_from() -> None:
    clean, noise = latents(1), latents(2)
    sample = add_noise(clean, noise, TIMESTEP, ALPHAS_CUMPROD)

    torch.testing.assert_close(predicted_x0(sample, noise, TIMESTEP, ALPHAS_CUMPROD, "epsilon"), clean)


def test_the_true_velocity_takes_a_sample_back_to_where_it_came_from() -> None:
    clean, noise = latents(1), latents(2)
    sample = add_noise(clean, noise, TIMESTEP, ALPHAS_CUMPROD)
    velocity = v_target(clean, noise, TIMESTEP, ALPHAS_CUMPROD)

    torch.testing.assert_close(predicted_x0(sample, velocity, TIMESTEP, ALPHAS_CUMPROD, "v_prediction"), clean)


def test_each_clip_is_noised_by_its_own_timestep_and_keeps_unit_variance() -> None:
    sample = add_noise(latents(1), latents(2), TIMESTEP, ALPHAS_CUMPROD)

    apart = [(sample[i] - latents(1)[i]).square().mean() for i in range(3)]
    assert apart[0] < 0.01 < apart[1] < apart[2]
    torch.testing.assert_close(sample.var(), torch.tensor(1.0, dtype=torch.float64), atol=0.1, rtol=0)


def test_a_better_noise_prediction_gives_a_better_clean_sample() -> None:
    clean, noise = latents(1), latents(2)
    sample = add_noise(clean, noise, TIMESTEP, ALPHAS_CUMPROD)
    prediction = torch.zeros_like(noise, requires_grad=True)

    error = (predicted_x0(sample, prediction, TIMESTEP, ALPHAS_CUMPROD, "epsilon") - clean).square().mean()
    error.backward()  # type: ignore[no-untyped-call]

    assert prediction.grad is not None
    assert all((prediction.grad[i] * noise[i]).sum() < 0 for i in range(3))
