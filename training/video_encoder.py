"""A small video encoder for TREPA, trained on drawn clips to read from the pixels how a mouth moves.

It stands in for VideoMAE v2, whose 1-billion-parameter encoder needs a GPU and weights that are not shipped; anything
called as `training.losses.trepa.VideoEncoder` says may take its place.
"""

from torch import Tensor, nn
from torch.nn import functional

FRAMES = 16
_SHRINK = 4
"""Pixels averaged along each side before the first convolution."""


class SmallVideoEncoder(nn.Module):
    """Clips B×3×16×224×224 in [0, 1] → features B×D, D = 4 × the last width: what moves when, not where."""

    def __init__(self, widths: tuple[int, int, int] = (16, 32, 64), norm_groups: int = 8) -> None:
        super().__init__()
        first, second, third = widths
        self.layers = nn.Sequential(
            nn.Conv3d(3, first, 3, stride=(1, 2, 2), padding=1),
            nn.GroupNorm(norm_groups, first),
            nn.SiLU(),
            nn.Conv3d(first, second, 3, stride=2, padding=1),
            nn.GroupNorm(norm_groups, second),
            nn.SiLU(),
            nn.Conv3d(second, third, 3, stride=2, padding=1),
            nn.GroupNorm(norm_groups, third),
            nn.SiLU(),
        )
        self.features = third * FRAMES // 4
        self.norm = nn.LayerNorm(self.features)

    def forward(self, clips: Tensor) -> Tensor:
        shrunk = functional.avg_pool3d(clips, (1, _SHRINK, _SHRINK))
        return self.norm(self.layers(2 * shrunk - 1).mean(dim=(3, 4)).flatten(1))  # type: ignore[no-any-return]
