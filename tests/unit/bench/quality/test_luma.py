import numpy as np
import pytest

from bench.quality.luma import luma
from services.common.media.color import ColorTags
from services.common.media.formats import WorkingFormat
from services.common.media.picture import Picture


@pytest.mark.parametrize(
    ("working_format", "colour_range", "white"),
    [("yuv444p", 1, 235), ("yuv444p", 2, 255), ("yuv444p10le", 1, 940), ("gbrp", 2, 255)],
)
def test_white_is_255_in_every_format(working_format: WorkingFormat, colour_range: int, white: int) -> None:
    planes = tuple(np.full((4, 4), white, np.uint16 if "10" in working_format else np.uint8) for _ in range(3))

    found = luma(Picture(0, 0, planes, working_format, ColorTags(range=colour_range)))

    np.testing.assert_allclose(found, 255, atol=1e-3)
