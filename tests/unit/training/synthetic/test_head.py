from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from training.synthetic.head import Portrait, draw_head, portrait
from training.synthetic.identity import draw_identity
from training.synthetic.mouth import REST, mouth_shape
from training.synthetic.pose import BLINK, YAW, still_pose
from training.synthetic.splits import identity_rng

CAMERA = np.array([[90.0, 0, 64], [0, 90, 40]])
"""Scene units → px of a 128-px picture filled by the face."""
STILL = still_pose(1)[0]
COLUMNS = np.linspace(-0.4, 0.4, 81)[None, :]


@pytest.fixture(scope="module")
def still() -> Portrait:
    return portrait(draw_identity(identity_rng("train", 3)))


def drawn(still: Portrait, viseme: tuple[float, float, float], **pose: float) -> NDArray[np.int64]:
    turned = STILL.copy()
    for column, value in pose.items():
        turned[{"blink": BLINK, "yaw": YAW}[column]] = value
    return draw_head(still, np.array(viseme), turned, CAMERA, 128).astype(np.int64)


def test_lips_of_a_closed_mouth_touch_everywhere(still):
    shape = mouth_shape(still.identity, np.array(REST), COLUMNS)

    np.testing.assert_allclose(shape.inner_low - shape.inner_top, 0, atol=1e-12)
    assert shape.jaw_drop == 0


def test_the_gap_and_the_jaw_fall_in_proportion_to_open(still):
    shapes = [mouth_shape(still.identity, np.array([opened, 0.4, 0.2]), COLUMNS) for opened in np.linspace(0, 1, 11)]

    np.testing.assert_allclose(np.diff([shape.gap for shape in shapes]), shapes[-1].gap / 10)
    assert np.all(np.diff([shape.jaw_drop for shape in shapes]) > 0)
    assert np.all(np.diff([shape.outer_low.max() for shape in shapes]) > 0)


@pytest.mark.parametrize("opened", [0.0, 0.5, 1.0])
def test_wide_stretches_and_round_narrows_the_mouth_whatever_the_gap(still, opened):
    wide = [mouth_shape(still.identity, np.array([opened, w, 0.0]), COLUMNS).half_width for w in np.linspace(0, 1, 6)]
    pursed = [mouth_shape(still.identity, np.array([opened, 0.2, r]), COLUMNS).half_width for r in np.linspace(0, 1, 6)]

    assert np.all(np.diff(wide) > 0.005)
    assert np.all(np.diff(pursed) < -0.01)


def test_an_opening_mouth_shows_ever_more_that_is_neither_lip_nor_skin(still):
    mouth = slice(75, 125), slice(40, 88)
    closed = drawn(still, REST)[mouth]

    changed = [
        int((np.abs(drawn(still, (opened, 0.35, 0.0))[mouth] - closed).sum(axis=2) > 120).sum())
        for opened in (0.1, 0.3, 0.5, 0.75, 1.0)
    ]

    assert changed[0] > 10
    assert np.all(np.diff(changed) > 30)


def test_an_open_mouth_is_dark_inside_with_bright_teeth_above(still):
    opened = drawn(still, (1.0, 0.45, 0.0))
    shape = mouth_shape(still.identity, np.array([1.0, 0.45, 0.0]), np.zeros((1, 1)))
    column = opened[:, 64].mean(axis=1)
    top, low = (round(float(edge[0, 0]) * CAMERA[1, 1] + CAMERA[1, 2]) for edge in (shape.inner_top, shape.inner_low))

    teeth, cavity = column[top + 2 : top + 4].mean(), column[(top + low) // 2]

    assert teeth > 150
    assert cavity < 70


def test_speech_moves_nothing_above_the_upper_lip(still):
    above = slice(0, int(CAMERA[1, 1] * (still.identity.mouth_y - 0.2) + CAMERA[1, 2]))

    np.testing.assert_array_equal(drawn(still, REST)[above], drawn(still, (1.0, 1.0, 0.0))[above])


def test_the_chin_falls_with_the_jaw(still):
    widest = (1.0, 0.35, 0.0)

    fall_px = chin_row(still, widest) - chin_row(still, REST)

    assert fall_px == pytest.approx(mouth_shape(still.identity, np.array(widest), COLUMNS).jaw_drop * 60, abs=0.5)


def test_a_blink_covers_the_eyes_and_touches_nothing_else(still):
    person = still.identity
    x, y = (round(v) for v in CAMERA @ [person.eye_x, person.eye_y, 1])
    difference = np.abs(drawn(still, REST, blink=1.0) - drawn(still, REST)).sum(axis=2)

    assert difference[y, x] > 100
    assert difference[70:].max() == 0
    assert difference[:10].max() == 0


def test_a_turn_moves_the_nose_further_than_the_cheeks(still):
    nose_y = round(CAMERA[1, 1] * (still.identity.nose_y - 0.03) + CAMERA[1, 2])
    straight, turned = (drawn(still, REST, yaw=yaw).astype(np.float32) for yaw in (0.0, 0.1))

    def shift_px(rows: slice, columns: slice) -> float:
        (dx, _), _ = cv2.phaseCorrelate(straight[rows, columns].mean(axis=2), turned[rows, columns].mean(axis=2))
        return dx

    nose, ear = shift_px(slice(nose_y - 12, nose_y + 12), slice(44, 84)), shift_px(slice(30, 60), slice(108, 128))

    assert 4 < nose < 9
    assert ear < nose - 2


def test_a_large_and_a_small_picture_show_the_same(still):
    viseme = np.array([0.6, 0.5, 0.0])
    stretch = np.array([[4, 0, 1.5], [0, 4, 1.5], [0, 0, 1]])
    large = draw_head(still, viseme, STILL, (stretch @ np.vstack([CAMERA, [0, 0, 1]]))[:2], 512)

    small = draw_head(still, viseme, STILL, CAMERA, 128)

    shrunk = cv2.resize(large, (128, 128), interpolation=cv2.INTER_AREA)
    assert cv2.PSNR(shrunk, small) > 32


def test_drawing_a_frame_changes_no_later_one(still):
    before = drawn(still, REST)
    drawn(still, (1.0, 0.9, 0.3), blink=1.0, yaw=0.1)

    np.testing.assert_array_equal(drawn(still, REST), before)


def chin_row(still: Portrait, viseme: tuple[float, float, float]) -> float:
    """The row in which the head ends at 60 px per unit, to a fraction of a pixel: found before two backgrounds."""
    camera = np.array([[60.0, 0, 64], [0, 60, 40]])
    black, white = (
        draw_head(replace(still, scene_rgb=np.full_like(still.scene_rgb, level)), np.array(viseme), STILL, camera, 128)
        for level in (0, 255)
    )
    through = (white[60:, 64].astype(float) - black[60:, 64]).mean(axis=1) / 255
    return 60 + float(np.sum(1 - through))
