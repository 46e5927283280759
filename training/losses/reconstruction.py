"""The pixel loss of decoded faces."""

from torch import Tensor


def reconstruction(fake: Tensor, real: Tensor, weights: Tensor, l1: float = 1.0, l2: float = 1.0) -> Tensor:
    """Weighted mean of l1·|fake − real| + l2·(fake − real)², a scalar.

    `fake` and `real` have one shape; `weights` ≥ 0, such as a map that is largest over the mouth, is broadcastable to
    it, and scaling all of it changes nothing.
    """
    difference = fake - real
    weights = weights.expand_as(difference)
    return (weights * (l1 * difference.abs() + l2 * difference.square())).sum() / weights.sum()
