import numpy as np

from training.synthetic.pose import BLINK, ROLL, SCALE, TX, TY, YAW, pose_matrix, pose_track, still_pose

FPS = 25.0


def tracks(count: int, frames: int = 250) -> list[np.ndarray]:
    return [pose_track(np.random.default_rng(seed), frames, FPS) for seed in range(count)]


def test_motion_is_slow_and_small():
    for track in tracks(20):
        steps = np.abs(np.diff(track, axis=0)).max(axis=0)

        assert steps[[TX, TY]].max() < 0.02
        assert steps[ROLL] < 0.02
        assert np.abs(track[:, [TX, TY, ROLL]]).max() < 0.2
        assert np.abs(track[:, SCALE] - 1).max() < 0.1
        assert np.abs(track[:, YAW]).max() <= 0.14


def test_heads_do_move():
    spread = np.mean([track.std(axis=0) for track in tracks(20)], axis=0)

    assert np.all(spread[[TX, TY, ROLL, SCALE, YAW]] > 0.004)


def test_eyes_blink_a_few_times_and_are_open_otherwise():
    shut = np.concatenate([track[:, BLINK] for track in tracks(10)])
    blinks_per_minute = np.sum(np.diff((shut > 0.9).astype(int)) > 0) / (len(shut) / FPS / 60)

    assert 8 < blinks_per_minute < 35
    assert np.mean(shut == 0) > 0.85
    assert shut.min() >= 0
    assert shut.max() <= 1


def test_a_track_at_twice_the_rate_moves_half_as_far_per_frame():
    at_25, at_50 = (
        np.mean(
            [np.abs(np.diff(pose_track(np.random.default_rng(seed), 300, fps)[:, TX])).mean() for seed in range(20)]
        )
        for fps in (25.0, 50.0)
    )

    assert 0.4 < at_50 / at_25 < 0.6


def test_a_still_head_stays_where_the_scene_is():
    np.testing.assert_allclose(pose_matrix(still_pose(1)[0]), [[1, 0, 0], [0, 1, 0]], atol=1e-12)


def test_roll_and_scale_leave_the_neck_in_place():
    nodding = np.array([0.0, 0.0, 0.2, 1.1, 0.0, 0.0])
    neck = np.array([0.0, 0.9])

    moved = pose_matrix(nodding) @ [*neck, 1]

    np.testing.assert_allclose(moved, neck, atol=1e-12)
