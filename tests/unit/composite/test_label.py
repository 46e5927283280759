import numpy as np
import pytest

from services.common.media.color import ColorTags
from services.common.media.formats import WorkingFormat, layout_of
from services.common.media.picture import Picture
from services.composite.label import labelled


def grey(width: int, height: int, working_format: WorkingFormat = "yuv444p") -> Picture:
    layout = layout_of(working_format)
    planes = tuple(
        np.full((height, width), 120 << layout.bits - 8, np.uint16 if layout.bits > 8 else np.uint8) for _ in "YUV"
    )
    return Picture(0, 0, planes, working_format, ColorTags())


@pytest.mark.parametrize("working_format", ["yuv444p", "yuv444p10le", "gbrp"])
@pytest.mark.parametrize("size_wh", [(1280, 720), (720, 1280), (160, 120)])
def test_it_is_small_and_in_the_lower_right_corner(size_wh: tuple[int, int], working_format: WorkingFormat) -> None:
    picture = grey(*size_wh, working_format)

    changed = labelled(picture).planes[0] != picture.planes[0]

    rows, columns = np.nonzero(changed)
    assert 0 < changed.mean() < 0.02
    assert rows.min() > 0.75 * picture.height
    assert columns.min() > 0.7 * picture.width
    assert (rows.max(), columns.max()) < (picture.height - 1, picture.width - 1)


def test_its_letters_stand_out() -> None:
    picture = grey(1280, 720)

    luma = labelled(picture).planes[0]

    assert luma.max() - luma.min() > 120


def test_a_frame_that_cannot_hold_it_stays_as_it_is() -> None:
    tiny = grey(10, 8)

    assert labelled(tiny) is tiny
