"""The camera that sees a drawn head as Lipstage's preprocessing would crop it.

The three points that the alignment uses are predicted from the drawn face and brought to the template with the
pipeline's own formula. The constants are measured on drawn videos by `python -m training.synthetic.calibrate`.
"""

import numpy as np
from numpy.typing import NDArray

from services.common.face_geometry import crop_size_wh
from services.preprocess.alignment import align_matrix
from training.synthetic.identity import Identity
from training.synthetic.pose import YAW, pose_matrix, smooth_noise

BIAS_XY = np.array([[-0.066, -0.031], [0.066, -0.031], [0.0, -0.044]])
"""Where the detector sees brows and nose, relative to where they are drawn; head units, mean over people."""
DEPTH_X = np.array([0.61, 0.61, 0.70])
"""How far each point moves sideways per unit of yaw, head units."""
PERSON_STD_XY = np.array([[0.010, 0.008], [0.010, 0.008], [0.005, 0.009]])
"""How far that differs from person to person."""
DRIFT_STD_XY = np.array([[0.0027, 0.0024], [0.0027, 0.0024], [0.0023, 0.0030]])
"""How far it wanders within a clip, after the pipeline's smoothing."""
DRIFT_FRAMES = 4.0
"""How slowly: standard deviation of the Gaussian that smooths the wandering."""
FRAME_STD = 0.0004
"""What is left of frame-to-frame noise after the pipeline's smoothing, head units."""


def aligned_camera(
    identity: Identity, pose: NDArray[np.float64], resolution: int, rng: np.random.Generator | None
) -> NDArray[np.float64]:
    """Cameras float64 [F, 2, 3], scene units → px of the R×R aligned face, for poses [F, 6].

    With `rng` they waver as the detector's do: a constant part for the clip, a slow one and a little noise.
    """
    frames = len(pose)
    triples = np.tile(drawn_triple(identity) + BIAS_XY, (frames, 1, 1))
    triples[:, :, 0] += pose[:, YAW, None] * DEPTH_X
    if rng is not None:
        triples += _wavering(rng, frames)
    return np.stack([_camera(pose_matrix(p), triple, resolution) for p, triple in zip(pose, triples, strict=True)])


def drawn_triple(identity: Identity) -> NDArray[np.float64]:
    """3×2 head units: image-left brow, image-right brow, nose, as drawn."""
    brow_y = identity.eye_y - identity.brow_y
    return np.array([[-identity.eye_x, brow_y], [identity.eye_x, brow_y], [0.0, identity.nose_y - 0.08]])


def square_camera(matrix: NDArray[np.float64], resolution: int) -> NDArray[np.float64]:
    """2×3 to px of the 3:4 crop → 2×3 to px of the R×R face, pixel centres on pixel centres as in an image resize."""
    stretch = resolution / np.array(crop_size_wh(resolution), dtype=np.float64)
    square = np.asarray(matrix, np.float64) * stretch[:, None]
    square[:, 2] += stretch / 2 - 0.5
    return square


def _camera(to_scene: NDArray[np.float64], triple: NDArray[np.float64], resolution: int) -> NDArray[np.float64]:
    seen = triple @ to_scene[:, :2].T + to_scene[:, 2]
    return square_camera(align_matrix(seen, resolution), resolution)


def _wavering(rng: np.random.Generator, frames: int) -> NDArray[np.float64]:
    person = PERSON_STD_XY * np.clip(rng.standard_normal((3, 2)), -2.5, 2.5)
    drift = np.stack([smooth_noise(rng, frames, DRIFT_FRAMES) for _ in range(6)], axis=1).reshape(frames, 3, 2)
    return np.asarray(person + DRIFT_STD_XY * drift + FRAME_STD * rng.standard_normal((frames, 3, 2)))
