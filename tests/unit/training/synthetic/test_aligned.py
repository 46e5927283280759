import cv2
import numpy as np
import pytest

from services.common.face_geometry import template_triple
from services.common.face_mask import face_mask
from services.preprocess.alignment import align_matrix
from services.preprocess.crop import crop_studio
from training.synthetic.aligned import BIAS_XY, aligned_camera, drawn_triple, square_camera
from training.synthetic.clip import frame_camera
from training.synthetic.head import draw_head, portrait
from training.synthetic.identity import Identity, draw_identity
from training.synthetic.mouth import mouth_shape
from training.synthetic.pose import pose_matrix, pose_track, still_pose
from training.synthetic.splits import identity_rng

WIDEST = np.array([1.0, 0.5, 0.0])
PEOPLE = [draw_identity(identity_rng("train", index)) for index in range(200)]


def landing(person: Identity, points: list[tuple[float, float]]) -> np.ndarray:
    """Where points of the still head (units) land in its 128-px aligned face."""
    camera = aligned_camera(person, still_pose(1), 128, None)[0]
    return np.array(points) @ camera[:, :2].T + camera[:, 2]


def test_the_crop_of_a_drawn_video_frame_is_the_aligned_drawing():
    person = draw_identity(identity_rng("validation", 2))
    still, viseme, pose = portrait(person), np.array([0.5, 0.6, 0.0]), still_pose(1)[0]
    to_frame = np.vstack([frame_camera(512), [0, 0, 1]])
    triple = drawn_triple(person) + BIAS_XY
    matrix = align_matrix(triple @ to_frame[:2, :2].T + to_frame[:2, 2], 128)
    frame = draw_head(still, viseme, pose, to_frame[:2], 512)

    cropped = crop_studio(frame, matrix, 128)

    aligned = draw_head(still, viseme, pose, square_camera(matrix @ to_frame, 128), 128)
    assert cv2.PSNR(cropped, aligned) > 33
    predicted = aligned_camera(person, still_pose(1), 128, None)[0]
    np.testing.assert_allclose(predicted, square_camera(matrix @ to_frame, 128), atol=1e-9)


def test_head_motion_is_taken_out_whatever_the_pose():
    person = PEOPLE[0]
    poses = pose_track(np.random.default_rng(0), 50, 25)
    poses[:, 4] = 0
    cameras = aligned_camera(person, poses, 128, None)

    mouths = [
        camera @ [*(pose_matrix(p) @ [0, person.mouth_y, 1]), 1] for camera, p in zip(cameras, poses, strict=True)
    ]

    np.testing.assert_allclose(mouths, np.tile(mouths[0], (50, 1)), atol=1e-9)


def test_faces_of_all_sizes_show_the_same_part_of_the_head():
    corners = [
        np.linalg.inv(np.vstack([aligned_camera(PEOPLE[0], still_pose(1), size, None)[0], [0, 0, 1]]))
        @ [(size - 1) / 2, (size - 1) / 2, 1]
        for size in (128, 256, 512)
    ]

    np.testing.assert_allclose(corners, np.tile(corners[0], (3, 1)), atol=0.02)


def test_features_land_where_real_faces_have_them():
    eyes, mouths, chins = np.mean([landing(p, [(0, p.eye_y), (0, p.mouth_y), (0, p.chin_y)]) for p in PEOPLE], axis=0)

    np.testing.assert_allclose(eyes, [64, 39], atol=1.5)
    np.testing.assert_allclose(mouths, [64, 78], atol=2.5)
    np.testing.assert_allclose(chins, [64, 105], atol=4)


def test_the_generated_area_covers_every_widely_open_mouth_and_its_chin():
    generated = face_mask(128) < 0.5
    for person in PEOPLE:
        x = np.linspace(-0.3, 0.3, 61)
        shape = mouth_shape(person, WIDEST, x[None, :])
        lips = [*zip(x, shape.outer_top[0], strict=True), *zip(x, shape.outer_low[0], strict=True)]
        lips = [point for point in lips if abs(point[0]) < shape.half_width]
        chin = [(dx, person.chin_y + shape.jaw_drop) for dx in (-0.08, 0.0, 0.08)]

        columns, rows = np.round(landing(person, [*lips, *chin])).astype(int).T

        assert generated[rows, columns].all()


def test_the_widest_vowel_opens_a_gap_of_13_to_18_px():
    gaps = [np.ptp(landing(person, [(0, 0), (0, person.mouth_gap)])[:, 1]) for person in PEOPLE]

    assert 13 < min(gaps) < 14.5
    assert 16.5 < max(gaps) < 18


def test_the_measured_jitter_is_small_and_smooth():
    poses = still_pose(100)
    steady = aligned_camera(PEOPLE[0], poses, 128, None)
    wavering = np.stack([aligned_camera(PEOPLE[0], poses, 128, np.random.default_rng(seed)) for seed in range(30)])
    mouth = np.array([0, PEOPLE[0].mouth_y, 1])

    off_px = wavering @ mouth - steady @ mouth

    assert 0.3 < off_px.mean(axis=1).std() < 1.5
    assert 0.1 < off_px.std(axis=1).mean() < 0.6
    assert np.abs(np.diff(off_px, axis=1)).mean() < 0.15


def test_the_template_is_met_by_the_mean_triple():
    seen = drawn_triple(PEOPLE[0]) + BIAS_XY
    camera = align_matrix(seen, 128)

    mapped = seen @ camera[:, :2].T + camera[:, 2]

    np.testing.assert_allclose(mapped.mean(axis=0), template_triple(128).mean(axis=0), atol=1e-9)
    assert mapped == pytest.approx(template_triple(128), abs=6)
