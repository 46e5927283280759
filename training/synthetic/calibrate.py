"""Measures where Lipstage's detector and alignment put drawn heads, and prints the figures `aligned.py` states.

python -m training.synthetic.calibrate [--people 48] [--frames 24] [--split validation]
"""

import argparse
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.common.face_mask import face_mask
from services.common.settings import Settings
from services.preprocess.alignment import align_matrix
from services.preprocess.faces.detector import MeshDetector
from services.preprocess.smoothing import ZeroPhaseSmoother
from training.synthetic import form
from training.synthetic.aligned import aligned_camera, drawn_triple, square_camera
from training.synthetic.head import draw_head, portrait
from training.synthetic.identity import Identity, draw_identity
from training.synthetic.mouth import OPEN, REST, WIDE, mouth_shape
from training.synthetic.pose import YAW, pose_matrix, pose_track, smooth_noise
from training.synthetic.splits import Split, identity_rng

_FPS = 25
_SIZE_PX = 512
_RESOLUTION = 128


@dataclass(frozen=True, eq=False)
class Observation:
    """One clip of one person. Points in head units, pose removed."""

    identity: Identity
    poses: NDArray[np.float64]
    visemes: NDArray[np.float64]
    found: int
    off_xy: NDArray[np.float64]
    """F×3×2: smoothed triples of the detector minus the drawn ones."""
    cameras: NDArray[np.float64]
    """F×2×3: scene units → px of the aligned face, as the pipeline has it."""


def observe(split: Split, index: int, frames: int, detector: MeshDetector) -> Observation:
    """Draws a clip in a 512-px frame and looks for its face."""
    rng = identity_rng(split, index)
    identity = draw_identity(rng)
    still = portrait(identity)
    poses = pose_track(rng, frames, _FPS)
    visemes = moving_mouth(rng, frames)
    scale = rng.uniform(100, 165)
    camera = np.array([[scale, 0, 256 + rng.uniform(-50, 50)], [0, scale, 220 + rng.uniform(-30, 30)]])
    smoother, triples, seen = ZeroPhaseSmoother(), [], []
    for frame in range(frames):
        rgb_hwc = draw_head(still, visemes[frame], poses[frame], camera, _SIZE_PX)
        faces = detector.detect(rgb_hwc)
        if faces:
            seen.append(frame)
            triples += smoother.push(faces[0].triple)
    triples += smoother.close()
    off = [_in_head(t, camera, poses[f]) - drawn_triple(identity) for f, t in zip(seen, triples, strict=True)]
    to_px = np.vstack([camera, [0, 0, 1]])
    cameras = [square_camera(align_matrix(t, _RESOLUTION) @ to_px, _RESOLUTION) for t in triples]
    return Observation(
        identity, poses[seen], visemes[seen], len(seen), np.reshape(off, (-1, 3, 2)), np.reshape(cameras, (-1, 2, 3))
    )


def moving_mouth(rng: np.random.Generator, frames: int) -> NDArray[np.float64]:
    """Visemes float64 [frames, 3] of a mouth that moves at random and rests now and then."""
    track = np.stack([0.5 + 0.45 * smooth_noise(rng, frames, 2.0) for _ in range(3)], axis=1)
    track[smooth_noise(rng, frames, 4.0) > 0.8] = REST
    return np.clip(track, 0, 1)


def mask_margin_px(identity: Identity, camera: NDArray[np.float64], viseme: NDArray[np.float64]) -> float:
    """How far inside the generated area lips and chin lie, px at 128; negative where they stick out."""
    generated = np.asarray(face_mask(_RESOLUTION) < 0.5, np.uint8)
    inside_px = cv2.distanceTransform(np.pad(generated, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    x = np.linspace(-1, 1, 41)[None, :] * 1.2 * identity.mouth_half_width
    shape = mouth_shape(identity, viseme, x)
    within = np.abs(x[0]) < shape.half_width
    lips = np.concatenate([np.stack([x[0], edge[0]], 1)[within] for edge in (shape.outer_top, shape.outer_low)])
    chin = np.stack([np.linspace(-0.08, 0.08, 5), np.full(5, identity.chin_y + shape.jaw_drop)], 1)
    points = np.concatenate([lips, chin]) @ camera[:, :2].T + camera[:, 2]
    columns, rows = np.clip(np.round(points).astype(int), 0, _RESOLUTION - 1).T
    outside = np.any((points < 0) | (points > _RESOLUTION - 1))
    return -1.0 if outside else float(inside_px[rows, columns].min()) - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=48)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--split", choices=("train", "validation", "held_out"), default="validation")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector = MeshDetector(Settings().faces_dir)
    clips = [observe(options.split, index, options.frames, detector) for index in range(options.people)]
    drawn = options.people * options.frames
    print(f"faces found: {sum(clip.found for clip in clips)} of {drawn} frames")
    misses = [i for i, clip in enumerate(clips) if clip.found < options.frames]
    print(f"people with a missed frame: {misses}")
    _print_constants([clip for clip in clips if clip.found >= 7])
    _print_placement([clip for clip in clips if clip.found])


def _print_constants(clips: list[Observation]) -> None:
    off = np.concatenate([clip.off_xy for clip in clips]).reshape(-1, 6)
    known = np.concatenate([np.c_[np.ones(clip.found), clip.poses[:, YAW], clip.visemes[:, OPEN]] for clip in clips])
    factors = np.linalg.lstsq(known, off, rcond=None)[0]
    rest = off - known @ factors
    ends = np.cumsum([clip.found for clip in clips])[:-1]
    runs = np.split(rest, ends)
    person = np.std([run.mean(axis=0) for run in runs], axis=0)
    within = np.concatenate([run - run.mean(axis=0) for run in runs])
    steps = np.concatenate([np.diff(run, n=3, axis=0) for run in runs])
    with np.printoptions(precision=4, suppress=True):
        print("BIAS_XY", factors[0].reshape(3, 2).tolist())
        print("per unit of yaw", factors[1].reshape(3, 2), "per unit of open", factors[2].reshape(3, 2), sep="\n")
        print("PERSON_STD_XY", person.reshape(3, 2), "DRIFT_STD_XY", within.std(axis=0).reshape(3, 2), sep="\n")
        print("frame noise (third differences)", steps.std(axis=0).reshape(3, 2) / np.sqrt(20), sep="\n")


def _print_placement(clips: list[Observation]) -> None:
    """Landmarks of the drawn head in the aligned face, as the pipeline crops it and as `aligned_camera` predicts."""
    rows, errors, margins, gaps = [], [], [], []
    widest = np.array([1.0, REST[WIDE], 0.0])
    for clip in clips:
        predicted = aligned_camera(clip.identity, clip.poses, _RESOLUTION, None)
        person = clip.identity
        points = np.array([[0, person.eye_y], [0, person.nose_y], [0, person.mouth_y], [0, person.chin_y]])
        wings = np.array([[-form.half_width(person, np.zeros(1))[0], 0.0], [person.mouth_half_width, person.mouth_y]])
        for camera, guess, pose in zip(clip.cameras, predicted, clip.poses, strict=True):
            true, guessed = (_head_camera(c, pose) for c in (camera, guess))
            rows.append(_seen(np.concatenate([points, wings]), true))
            errors.append(_seen(points, guessed) - _seen(points, true))
            margins.append(mask_margin_px(person, true, widest))
            gaps.append(person.mouth_gap * np.linalg.norm(true[:, 1]))
    mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
    for name, at, by in zip(("eyes", "nose", "mouth", "chin", "cheek", "corner"), mean, spread, strict=True):
        print(f"{name:7s} x {at[0]:6.1f} ± {by[0]:4.1f}   y {at[1]:6.1f} ± {by[1]:4.1f}")
    error = np.linalg.norm(np.array(errors), axis=2)
    print(
        f"aligned_camera error px (eyes, nose, mouth, chin): mean {error.mean(axis=0).round(2)}, most {error.max():.1f}"
    )
    print(f"inner gap at open = 1: {np.min(gaps):.1f} … {np.max(gaps):.1f} px")
    print(f"margin to the mask's edge: least {min(margins):.1f} px, {np.mean(np.array(margins) <= 0):.1%} outside")


def _seen(points: NDArray[np.float64], camera: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ camera[:, :2].T + camera[:, 2]


def _head_camera(camera: NDArray[np.float64], pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scene units → px becomes head units → px."""
    return np.asarray(camera @ np.vstack([pose_matrix(pose), [0, 0, 1]]))


def _in_head(
    points_px: NDArray[np.float64], camera: NDArray[np.float64], pose: NDArray[np.float64]
) -> NDArray[np.float64]:
    to_px = _head_camera(camera, pose)
    return np.asarray((points_px - to_px[:, 2]) @ np.linalg.inv(to_px[:, :2]).T)


if __name__ == "__main__":
    main()
