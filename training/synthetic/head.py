"""A drawn head in one frame: still parts from a texture, then jaw, mouth, eyes and pose."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic import eyes, form, hair, mouth, scene, skin
from training.synthetic.canvas import Canvas, Image, linear, mix, shaded, srgb
from training.synthetic.identity import Identity
from training.synthetic.jaw import Jaw, jaw_of
from training.synthetic.pose import BLINK, YAW, pose_matrix

_LEFT, _TOP, _RIGHT, _BOTTOM = -1.12, -1.36, 1.12, 1.68
_BLINK_LEVELS = 8


@dataclass(frozen=True, eq=False)
class Portrait:
    """What stays the same of a person from frame to frame. Drawing it takes a tenth of a second; frames reuse it."""

    identity: Identity
    canvas: Canvas
    head_rgba: NDArray[np.uint8]
    """H×W×4 sRGB, premultiplied; looks straight ahead, without eyes and mouth."""
    depth: Image
    """How far every point lies before the axis of the head, H×W units."""
    skin: Image
    """Lit skin under the eyes, H×W×3 linear light."""
    light_chw: Image
    """What white would look like inside `mouth_window`, 3×h×w, sRGB, 1 = full."""
    mouth_window: tuple[slice, slice]
    jaw: Jaw
    scene_canvas: Canvas
    scene_rgb: NDArray[np.uint8]
    eye_patches: dict[tuple[int, int], NDArray[np.uint8]] = field(default_factory=dict)
    """By side and blink level; filled as they are needed."""


def portrait(identity: Identity, px_per_unit: float = 128) -> Portrait:
    """Draws what stays the same. `px_per_unit` suits 128-px aligned crops and 512-px frames; more for larger ones."""
    canvas = Canvas.spanning(_LEFT, _TOP, _RIGHT, _BOTTOM, px_per_unit)
    z = form.height(identity, canvas)
    lit = skin.lit_skin(identity, canvas, z)
    head = canvas.blurred(canvas.polygon(form.outline(identity)), 0.006)
    ears = canvas.blurred(form.ears(identity, canvas), 0.006)
    hair_rgb, hair_cover = hair.hair(identity, canvas)
    lit = lit * (1 - hair.shadow(identity, canvas, hair_cover)[..., None])
    flat = linear(identity.skin) * np.array([0.80, 0.68, 0.66], np.float32) * float(np.mean(identity.light.key_rgb))
    ears_only = np.clip(ears - canvas.blurred(head, 0.012), 0, 1)
    lit = mix(lit, np.broadcast_to(flat, lit.shape), np.minimum(ears_only, 1 - head))
    bare = np.maximum(head, np.clip(ears, 0, 1))
    alpha = hair_cover + bare * (1 - hair_cover)
    colour = mix(lit, hair_rgb, hair_cover / np.maximum(alpha, 1e-3))
    rgba = np.dstack([srgb(colour) * alpha[..., None], alpha * 255])
    picture = eyes.with_glasses(np.round(rgba).astype(np.uint8), identity, canvas)

    mouth_window = canvas.window(*mouth.window(identity))
    scene_canvas, scene_rgb = scene.scene(identity)
    return Portrait(
        identity=identity,
        canvas=canvas,
        head_rgba=picture,
        depth=form.depth(canvas, z * head),
        skin=lit,
        light_chw=_light_at_mouth(identity, canvas, z, mouth_window),
        mouth_window=mouth_window,
        jaw=jaw_of(identity, canvas),
        scene_canvas=scene_canvas,
        scene_rgb=np.round(scene_rgb).astype(np.uint8),
    )


def draw_head(
    still: Portrait,
    viseme: NDArray[np.floating],
    pose: NDArray[np.floating],
    camera: NDArray[np.floating],
    size_px: int,
) -> NDArray[np.uint8]:
    """One frame, uint8 S×S×3 RGB.

    `viseme` is [3] (open, wide, round in 0…1), `pose` is [6] (columns of `pose_track`), `camera` 2×3 maps scene units
    to px with pixel centres at integers.
    """
    texture = still.head_rgba.copy()
    lips = mouth.mouth_shape(still.identity, viseme, np.zeros((1, 1), np.float32))
    still.jaw.drop(texture, lips.jaw_drop * still.canvas.px_per_unit)
    _paste_mouth(texture, still, viseme)
    _paste_eyes(texture, still, float(pose[BLINK]))

    to_px = np.vstack([camera, [0, 0, 1]])
    head_to_px = to_px @ np.vstack([pose_matrix(pose), [0, 0, 1]]) @ np.linalg.inv(still.canvas.matrix())
    head = _turned(texture, still, np.linalg.inv(head_to_px), float(pose[YAW]), size_px)
    scene_to_px = to_px @ np.linalg.inv(still.scene_canvas.matrix())
    behind = cv2.warpAffine(
        still.scene_rgb,
        np.linalg.inv(scene_to_px)[:2],
        (size_px, size_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    through = cv2.merge([255 - head[..., 3]] * 3)
    rgb = cv2.add(cv2.multiply(behind, through, scale=1 / 255), head[..., :3])
    return np.asarray(rgb, np.uint8)


def _paste_mouth(texture: NDArray[np.uint8], still: Portrait, viseme: NDArray[np.floating]) -> None:
    patch = texture[still.mouth_window]
    skin_chw = np.ascontiguousarray(patch[..., :3].transpose(2, 0, 1), np.float32)
    mouth.draw_mouth(skin_chw, still.canvas.part(still.mouth_window), still.identity, viseme, still.light_chw)
    patch[..., :3] = np.clip(skin_chw + np.float32(0.5), 0, 255).astype(np.uint8).transpose(1, 2, 0)


def _paste_eyes(texture: NDArray[np.uint8], still: Portrait, blink: float) -> None:
    level = round(float(np.clip(blink, 0, 1)) * _BLINK_LEVELS)
    left, right, top, bottom = eyes.WINDOW
    for side in (-1, 1):
        x0, x1 = sorted((side * left, side * right))
        at = still.canvas.window(x0, top, x1, bottom)
        if (side, level) not in still.eye_patches:
            still.eye_patches[side, level] = _eye_patch(still, at, side, level / _BLINK_LEVELS)
        texture[at] = still.eye_patches[side, level]


def _eye_patch(still: Portrait, at: tuple[slice, slice], side: int, blink: float) -> NDArray[np.uint8]:
    part, before = still.canvas.part(at), still.skin[at]
    # Only what the eye changes is added: hair that hangs over it stays.
    changed = srgb(eyes.draw_eye(before, part, still.identity, side, blink)) - srgb(before)
    patch = still.head_rgba[at].copy()
    patch[..., :3] = np.clip(patch[..., :3] + changed + 0.5, 0, 255).astype(np.uint8)
    return eyes.with_glasses(patch, still.identity, part)


def _turned(
    texture: NDArray[np.uint8], still: Portrait, px_to_texture: NDArray[np.float64], yaw: float, size_px: int
) -> NDArray[np.uint8]:
    """The texture seen by the camera; what lies further forward moves further when the head turns."""
    matrix = px_to_texture[:2].astype(np.float32)
    steps = np.arange(size_px, dtype=np.float32)
    columns = (matrix[0, 0] * steps)[None, :] + (matrix[0, 1] * steps + matrix[0, 2])[:, None]
    rows = (matrix[1, 0] * steps)[None, :] + (matrix[1, 1] * steps + matrix[1, 2])[:, None]
    depth = cv2.warpAffine(still.depth, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    columns = columns - np.float32(yaw * still.canvas.px_per_unit) * depth
    return np.asarray(cv2.remap(texture, columns, rows, cv2.INTER_LINEAR), np.uint8)


def _light_at_mouth(identity: Identity, canvas: Canvas, z: Image, at: tuple[slice, slice]) -> Image:
    white = np.ones((*z.shape, 3), np.float32)
    light = shaded(white, canvas.blurred(z, 0.06), 0.0, identity.light, canvas.px_per_unit)[at]
    return np.ascontiguousarray((light ** np.float32(1 / 2.2)).transpose(2, 0, 1))
