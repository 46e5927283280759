"""What the drawn people look like, for the eye: two contact sheets and a short clip."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.aligned import aligned_camera
from training.synthetic.clip import frame_camera, write_clip
from training.synthetic.head import draw_head, portrait
from training.synthetic.identity import draw_identity
from training.synthetic.mouth import REST
from training.synthetic.pose import pose_track, still_pose
from training.synthetic.speech import speak
from training.synthetic.splits import Split, identity_rng, voice_rng
from training.synthetic.visemes import VISEME_RATE_HZ
from training.waveforms import as_int16

VISEMES: Final = np.array([
    REST, (0.25, 0.35, 0.0), (0.55, 0.40, 0.0), (1.0, 0.45, 0.0), (0.25, 1.0, 0.0), (0.70, 0.90, 0.0),
    (0.25, 0.0, 1.0), (0.60, 0.10, 0.80),
])  # fmt: skip
_PEOPLE: Final = 6
_FRAME_PX: Final = 256
_ALIGNED_PX: Final = 128
_CLIP_S: Final = 5
_FPS: Final = 25


def write_preview(directory: Path, split: Split = "train") -> None:
    """Writes `people.png` (whole frames), `aligned.png` (aligned faces) and `preview.mp4` (5 s)."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, aligned in (("people.png", False), ("aligned.png", True)):
        _write_png(directory / name, contact_sheet(range(_PEOPLE), VISEMES, split, aligned))
    speech = speak(voice_rng(split, 0), _CLIP_S, clean=True)
    visemes = speech.visemes[:: VISEME_RATE_HZ // _FPS]
    rng = identity_rng(split, 0)
    identity = draw_identity(rng)
    wave = as_int16(speech.wave)
    write_clip(directory / "preview.mp4", identity, visemes, pose_track(rng, len(visemes), _FPS), wave, _FPS)


def contact_sheet(
    people: range, visemes: NDArray[np.floating], split: Split = "train", aligned: bool = False
) -> NDArray[np.uint8]:
    """H×W×3 RGB: a row per person, a column per viseme [n, 3]; whole frames of 256 px or aligned faces of 128 px."""
    rows = []
    for index in people:
        rng = identity_rng(split, index)
        identity = draw_identity(rng)
        still = portrait(identity)
        size_px = _ALIGNED_PX if aligned else _FRAME_PX
        poses = pose_track(rng, len(visemes), _FPS) if aligned else still_pose(len(visemes))
        seen_by = aligned_camera(identity, poses, size_px, rng) if aligned else [frame_camera(size_px)] * len(visemes)
        faces = [draw_head(still, v, p, c, size_px) for v, p, c in zip(visemes, poses, seen_by, strict=True)]
        rows.append(np.hstack(faces))
    return np.vstack(rows)


def _write_png(path: Path, rgb_hwc: NDArray[np.uint8]) -> None:
    _, png = cv2.imencode(".png", cv2.cvtColor(rgb_hwc, cv2.COLOR_RGB2BGR))
    path.write_bytes(png.tobytes())
