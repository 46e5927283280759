"""How a drawn head moves: slow shifts, turns and nods, and blinks."""

import cv2
import numpy as np
from numpy.typing import NDArray

TX, TY, ROLL, SCALE, YAW, BLINK = range(6)

_NECK_PIVOT_Y = 0.9
_HABIT = (0.03, 0.02, 0.03, 0.012, 0.035)
"""Standard deviation of tx, ty (head units), roll (rad), scale, yaw (sine) that a person keeps for a whole clip."""
_SWAY = (0.022, 0.016, 0.022, 0.010, 0.040)
"""The same of the motion around it."""
_SWAY_S = (0.45, 0.30, 0.45, 0.60, 0.50)
"""Standard deviation of the Gaussian that smooths each motion, seconds."""
_MOST_YAW = 0.14
_LIDS = (0.45, 1.0, 1.0, 0.55, 0.15)
_LID_STEP_S = 0.04
_BETWEEN_BLINKS_S = (1.2, 5.0)


def pose_track(rng: np.random.Generator, frames: int, fps: float) -> NDArray[np.float64]:
    """Natural head motion, float64 [frames, 6].

    Columns: tx, ty (head units), roll (rad), scale, yaw (sine of the turn), blink (0 open … 1 shut).
    """
    track = np.empty((frames, 6))
    for column in range(BLINK):
        habit = _HABIT[column] * np.clip(rng.standard_normal(), -2, 2)
        track[:, column] = habit + _SWAY[column] * smooth_noise(rng, frames, _SWAY_S[column] * fps)
    track[:, SCALE] += 1
    track[:, YAW] = _MOST_YAW * np.tanh(track[:, YAW] / _MOST_YAW)
    track[:, BLINK] = _blinks(rng, frames, fps)
    return track


def still_pose(frames: int) -> NDArray[np.float64]:
    """A head that looks straight ahead with open eyes, float64 [frames, 6]."""
    return np.tile([0.0, 0.0, 0.0, 1.0, 0.0, 0.0], (frames, 1))


def pose_matrix(pose: NDArray[np.floating]) -> NDArray[np.float64]:
    """2×3 similarity, head units → scene units, of one pose [6]; roll and scale are about the neck."""
    cos, sin = np.cos(pose[ROLL]) * pose[SCALE], np.sin(pose[ROLL]) * pose[SCALE]
    linear = np.array([[cos, -sin], [sin, cos]])
    pivot = np.array([0.0, _NECK_PIVOT_Y])
    return np.column_stack([linear, pivot - linear @ pivot + pose[[TX, TY]]])


def smooth_noise(rng: np.random.Generator, frames: int, sigma_frames: float) -> NDArray[np.float64]:
    """White noise under a Gaussian, rescaled to unit variance: float64 [frames]."""
    margin = int(np.ceil(4 * sigma_frames))
    taps = cv2.getGaussianKernel(2 * margin + 1, sigma_frames)[:, 0]
    white = rng.standard_normal(frames + 2 * margin)
    return np.asarray(np.convolve(white, taps / np.linalg.norm(taps), mode="valid"))


def _blinks(rng: np.random.Generator, frames: int, fps: float) -> NDArray[np.float64]:
    shut = np.zeros(frames)
    moments = np.arange(frames) / fps
    lids_s = np.arange(-1, len(_LIDS) + 1) * _LID_STEP_S
    start = rng.uniform(0, _BETWEEN_BLINKS_S[1])
    while start < frames / fps:
        shut = np.maximum(shut, np.interp(moments - start, lids_s, (0.0, *_LIDS, 0.0)))
        start += rng.uniform(*_BETWEEN_BLINKS_S)
    return shut
