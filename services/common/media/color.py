"""Colour tags of a stream, and what they mean for swscale.

Numbers are the code points of ITU-T H.273, which FFmpeg uses for its own enumerations.
"""

from dataclasses import dataclass, replace
from typing import Final

from av.video.reformatter import ColorRange, Colorspace

UNSPECIFIED: Final = 2
RGB_MATRIX: Final = 0
BT709: Final = 1
SMPTE170M: Final = 6

_HD_HEIGHT_PX: Final = 720

_SWSCALE_MATRIX: Final[dict[int, int]] = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}


@dataclass(frozen=True)
class ColorTags:
    """What a stream says about its colours; the defaults mean that it says nothing."""

    primaries: int = UNSPECIFIED
    trc: int = UNSPECIFIED
    matrix: int = UNSPECIFIED
    range: int = ColorRange.UNSPECIFIED

    def swscale_matrix(self, height: int) -> int:
        """Coefficients to convert with. Untagged pictures (and matrices swscale lacks) follow the players'
        convention: BT.709 from 720 lines on, BT.601 below."""
        untagged = Colorspace.ITU709 if height >= _HD_HEIGHT_PX else Colorspace.ITU601
        return _SWSCALE_MATRIX.get(self.matrix, int(untagged))

    @property
    def swscale_range(self) -> int:
        return int(ColorRange.JPEG if self.range == ColorRange.JPEG else ColorRange.MPEG)

    def for_yuv(self, height: int) -> "ColorTags":
        """Tags for RGB pictures that are encoded as YUV: a matrix and a range are always stated."""
        if self.matrix not in (UNSPECIFIED, RGB_MATRIX):
            return self if self.range != ColorRange.UNSPECIFIED else replace(self, range=int(ColorRange.MPEG))
        return replace(self, matrix=BT709 if height >= _HD_HEIGHT_PX else SMPTE170M, range=int(ColorRange.MPEG))
