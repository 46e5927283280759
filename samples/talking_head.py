"""The drawn speaker, frame by frame: expression on the face, then the head's pose in front of the room."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from samples import head, setting
from samples.canvas import (
    CANVAS_WH,
    HEIGHT_PX,
    ORIGIN_PX,
    UNIT_PX,
    WIDTH_PX,
    Image,
    Layer,
    blurred,
    grid,
    linear,
    polygon,
    ramp,
)
from samples.features import MOUTH_Y, Expression, crop, draw_eye, draw_mouth

JAW_DROP = 0.085
"""How far the chin travels when the mouth is fully open, in units."""
NECK_PIVOT_Y = 1.05
EYE_CROP = (0.06, 0.56, -0.22, 0.16)
MOUTH_CROP = (-0.42, 0.42, 0.46, 1.0)


@dataclass(frozen=True)
class Pose:
    """Where the head is in one frame. Shifts in units, `roll` in radians, yaw and pitch as sines."""

    shift_xy: tuple[float, float] = (0.0, 0.0)
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0


class TalkingHead:
    """Draws the still parts once; `frame` adds what moves."""

    def __init__(self) -> None:
        x, y = grid()
        self.x, self.y = x, y
        self.z = head.head_height(x, y)
        skin = head.face_skin(x, y, self.z)
        brows = head.brow_hairs()[..., None]
        skin = skin * (1 - brows) + brows * linear(56, 36, 27)
        self.hair = head.hair_front()
        fall = np.array([[1, 0, 0.030 * UNIT_PX], [0, 1, 0.045 * UNIT_PX]], np.float32)
        hair_shadow = blurred(np.asarray(cv2.warpAffine(self.hair.alpha, fall, CANVAS_WH), np.float32), 0.028)
        self.skin = (skin * (1 - 0.42 * hair_shadow)[..., None]).astype(np.float32)
        self.head_mask = polygon(head.head_outline())
        back = head.hair_back()
        self.hair_back = np.dstack([back.rgb, back.alpha])
        self.shoulders = setting.shoulders(x, y)
        self.room = setting.room(x, y)
        dome = 0.55 * np.sqrt(np.clip(1 - (x / 1.1) ** 2 - ((y - 0.05) / 1.4) ** 2, 0, 1))
        self.depth = blurred(np.maximum(self.z * self.head_mask, dome).astype(np.float32), 0.05)

    def frame(self, face: Expression, pose: Pose) -> NDArray[np.uint8]:
        """One frame, `rgb_hwc`."""
        front = self._posed(self._head(face), pose, face)
        back = self._posed(self.hair_back, Pose(pose.shift_xy, pose.roll, -0.5 * pose.yaw, -0.5 * pose.pitch), None)
        torso = self._swayed(pose)
        scene = Layer(back[..., :3], back[..., 3]).over(self.room)
        scene = torso.over(scene)
        scene = Layer(front[..., :3], front[..., 3]).over(scene)
        small = cv2.resize(scene, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
        return np.round(np.clip(small, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)

    def _head(self, face: Expression) -> Image:
        """Skin, features and hair as one premultiplied RGBA layer, looking straight ahead."""
        skin = self.skin.copy()
        for side in (1, -1):
            x0, x1, y0, y1 = EYE_CROP
            left, right = sorted((side * x0, side * x1))
            at = crop(left, right, y0, y1)
            skin[at] = draw_eye(skin[at], self.x[at], self.y[at], side, face)
        at = crop(*MOUTH_CROP)
        skin[at] = draw_mouth(skin[at], self.z[at], self.x[at], self.y[at], face)
        mask = self.head_mask[..., None]
        rgb = self.hair.over((skin * mask).astype(np.float32))
        alpha = self.hair.alpha + self.head_mask * (1 - self.hair.alpha)
        return np.dstack([rgb, alpha]).astype(np.float32)

    def _posed(self, layer: Image, pose: Pose, face: Expression | None) -> Image:
        """Moves a layer: roll about the neck, parallax by depth for yaw and pitch, jaw and brows for the face."""
        u = self.x - pose.shift_xy[0]
        v = self.y - pose.shift_xy[1] - NECK_PIVOT_Y
        c, s = np.cos(pose.roll), np.sin(pose.roll)
        u, v = c * u + s * v, c * v - s * u + NECK_PIVOT_Y
        u, v = u - pose.yaw * self.depth, v - pose.pitch * self.depth
        if face is not None:
            middle = 1 - ramp(np.abs(u), 0.46, 0.64)
            v = v - JAW_DROP * face.mouth_open * ramp(v, MOUTH_Y + 0.10, 1.02) * middle
            forehead = ramp(v, -0.62, -0.30) * (1 - ramp(v, -0.16, -0.08)) * (1 - ramp(np.abs(u), 0.45, 0.60))
            v = v + 0.030 * face.brow_raise * forehead
        column = (u * UNIT_PX + ORIGIN_PX[0]).astype(np.float32)
        row = (v * UNIT_PX + ORIGIN_PX[1]).astype(np.float32)
        return cv2.remap(layer, column, row, cv2.INTER_LINEAR).astype(np.float32)

    def _swayed(self, pose: Pose) -> Layer:
        """The shoulders follow the head a little."""
        dx, dy = (0.35 * UNIT_PX * shift for shift in pose.shift_xy)
        move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        layer = np.dstack([self.shoulders.rgb, self.shoulders.alpha])
        moved = np.asarray(cv2.warpAffine(layer, move, CANVAS_WH, borderMode=cv2.BORDER_REPLICATE), np.float32)
        return Layer(moved[..., :3], moved[..., 3])
