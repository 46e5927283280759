import numpy as np

from bench.quality.lip_crops import SteadyBoxes, lip_crop


def _box(x: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([x - 40, 50.0, x + 40, 150.0])


def test_one_square_comes_out_for_each_box() -> None:
    for length in (1, 5, 7, 30):
        boxes = SteadyBoxes()

        squares = [square for x in range(length) for square in boxes.push(_box(float(x)))] + boxes.close()

        assert len(squares) == length


def test_a_jumping_box_is_steadied_and_a_moving_one_followed() -> None:
    boxes = SteadyBoxes()
    centres = np.arange(40.0)
    centres[20] = 500

    squares = [square for x in centres for square in boxes.push(_box(float(x)))] + boxes.close()

    middle = np.array([square[0] for square in squares])[6:-6]
    np.testing.assert_allclose(middle, np.arange(6.0, 34), atol=1)
    np.testing.assert_allclose(squares[10][1:], (100, 50))


def test_the_second_run_knows_nothing_of_the_first() -> None:
    boxes = SteadyBoxes()
    for _ in range(9):
        boxes.push(_box(10.0))
    boxes.close()

    boxes.push(_box(300.0))

    assert boxes.close()[0][0] == 300


def test_the_crop_reaches_below_the_chin_and_to_both_sides() -> None:
    frame = np.zeros((400, 400, 3), np.uint8)
    frame[150:290, 130:270] = 255  # rows 200 − 50 … 200 + 90, columns 200 ± 70

    crop = lip_crop(frame, np.array([200.0, 200.0, 50.0]), (140, 140))

    assert crop.min() == 255


def test_beyond_the_frame_the_crop_is_grey() -> None:
    crop = lip_crop(np.zeros((100, 100, 3), np.uint8), np.array([0.0, 50.0, 20.0]), (56, 56))

    assert (crop[:, :28] == 110).all()
    assert (crop[:, 28:] == 0).all()
