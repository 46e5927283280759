import numpy as np
import pytest

from services.common.provenance.frames_to_read import frames_to_read


def test_the_runs_of_a_long_file_begin_at_keyframes_all_over_it() -> None:
    keyframes = np.arange(0, 15_000, 250)

    runs = np.reshape(frames_to_read(15_000, keyframes), (8, 8))

    assert np.isin(runs[:, 0], keyframes).all()
    assert (np.diff(runs, axis=1) <= 8).all()
    assert (np.diff(runs[:, 0]) > 1000).all()


@pytest.mark.parametrize("frames", [2, 20, 63, 64])
def test_of_a_short_file_every_frame_is_read(frames: int) -> None:
    assert frames_to_read(frames, np.array([0])) == list(range(frames))


def test_a_file_of_a_few_seconds_is_read_to_its_end() -> None:
    read = frames_to_read(96, np.array([0]))

    assert (len(read), read[0]) == (64, 0)
    assert read[-1] >= 94


def test_a_file_with_one_keyframe_is_not_decoded_whole() -> None:
    assert frames_to_read(15_000, np.array([0]))[-1] < 600
