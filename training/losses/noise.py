"""The denoising loss."""

from torch import Tensor


def noise_mse(prediction: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of (prediction − target)², a scalar; `target` is ε or v (Ho et al. 2020, arXiv:2006.11239, eq. 14).

    `weights` ≥ 0, broadcastable to the latents, makes it a weighted mean: scaling all weights changes nothing.
    """
    squared = (prediction - target).square()
    if weights is None:
        return squared.mean()
    weights = weights.expand_as(squared)
    return (weights * squared).sum() / weights.sum()
