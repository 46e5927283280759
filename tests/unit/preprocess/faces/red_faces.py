"""Clips of red rectangles on grey, and a detector that takes those for faces."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

from services.preprocess.faces.detector import Face

WIDTH, HEIGHT, FPS = 96, 64, 25
Box = tuple[int, int, int, int]
"""Left, top, width, height, px."""


class RedFaces:
    """Largest first; counts the frames it was shown."""

    def __init__(self) -> None:
        self.shown = 0

    def detect(
        self, rgb_hwc: NDArray[np.uint8], thorough: bool = False, near: Sequence[NDArray[np.float64]] = ()
    ) -> list[Face]:
        self.shown += 1
        red = (rgb_hwc[..., 0] > 150) & (rgb_hwc[..., 1] < 90)
        _, _, found, _ = cv2.connectedComponentsWithStats(red.astype(np.uint8))
        faces = [_face(*row[:4].tolist()) for row in found[1:] if row[4] > 16]
        return sorted(faces, key=lambda face: -face.area_px)


def write_red_clip(
    path: Path,
    frames: int,
    boxes: Callable[[int], Sequence[Box]],
    keyframe_every: int = 250,
    time_base: Fraction = Fraction(1, FPS),
    rotation_ccw_deg: int = 0,
) -> Path:
    """Each frame shows its `boxes(index)`, one after the other by one unit of `time_base`."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=1 / time_base)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = stream.codec_context.time_base = time_base
        if rotation_ccw_deg:
            stream.set_display_rotation(rotation_ccw_deg)
        stream.codec_context.gop_size = keyframe_every
        stream.codec_context.flags |= Flags.closed_gop
        stream.codec_context.options = {"sc_threshold": "1000000000"}  # a face that appears begins no keyframe
        for index in range(frames):
            picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
            for left, top, width, height in boxes(index):
                picture[top : top + height, left : left + width] = (220, 20, 20)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def _face(left: float, top: float, width: float, height: float) -> Face:
    """What touches the picture's edge goes on behind it, as landmarks do."""
    right = left + width + (10 if left + width == WIDTH else 0)
    return Face(np.zeros((3, 2)), np.array([left, top, right, top + height], np.float64), 1.0)
