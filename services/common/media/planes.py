"""Between numpy planes and FFmpeg frames, and swscale conversions of whole frames."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from av import VideoFormat, VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

from services.common.media.color import ColorTags
from services.common.media.formats import WorkingFormat, layout_of

Plane = NDArray[np.uint8] | NDArray[np.uint16]

ACCURATE: Final = (
    Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
"""Unbiased rounding and interpolated chroma."""
FAST: Final = Interpolation.BILINEAR
"""swscale's shortcut: ten times as fast, about one level too dark, chroma not interpolated."""


def planes_of(frame: VideoFrame, working_format: WorkingFormat) -> tuple[Plane, ...]:
    """The planes of a frame in `working_format`, as read-only views that keep the frame's memory alive."""
    dtype = sample_type(working_format)
    views = tuple(_view(plane, plane.height, plane.width, dtype) for plane in frame.planes)
    for view in views:
        view.flags.writeable = False
    return views


def frame_of(planes: Sequence[Plane], working_format: WorkingFormat) -> VideoFrame:
    """A frame holding a copy of `planes` (each h×w in its own resolution)."""
    height, width = planes[0].shape
    frame = VideoFrame(width, height, working_format)
    for target, source in zip(frame.planes, planes, strict=True):
        _view(target, target.height, target.width, source.dtype)[:] = source
    return frame


def rgb_frame_of(rgb_hwc: NDArray[np.uint8]) -> VideoFrame:
    """A packed RGB frame holding a copy of h×w×3 uint8."""
    height, width, channels = rgb_hwc.shape
    frame = VideoFrame(width, height, "rgb24")
    _view(frame.planes[0], height, width * channels, rgb_hwc.dtype)[:] = rgb_hwc.reshape(height, width * channels)
    return frame


def rgb_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """h×w×3 uint8 view of a packed RGB frame; rows may be padded."""
    rows = _view(frame.planes[0], frame.height, frame.width * 3, np.dtype(np.uint8))
    return np.lib.stride_tricks.as_strided(
        rows, (frame.height, frame.width, 3), (rows.strides[0], 3, 1), writeable=False
    ).view(np.uint8)


def convert(
    frame: VideoFrame,
    pixel_format: str,
    tags: ColorTags,
    picture_height: int,
    *,
    width: int | None = None,
    height: int | None = None,
    interpolation: int = ACCURATE,
) -> VideoFrame:
    """`frame` in another pixel format (and size), matrix and range staying what `tags` say; RGB is full range.

    `picture_height` is that of the whole picture: it decides the matrix of untagged ones.
    """
    matrix = tags.swscale_matrix(picture_height)
    return VideoReformatter().reformat(
        frame,
        width=width,
        height=height,
        format=pixel_format,
        src_colorspace=matrix,
        dst_colorspace=matrix,
        src_color_range=_range_of(frame.format.name, tags),
        dst_color_range=_range_of(pixel_format, tags),
        interpolation=interpolation,
        threads=1,
    )


def sample_type(working_format: WorkingFormat) -> np.dtype[Any]:
    return np.dtype(np.uint8 if layout_of(working_format).bits == 8 else np.uint16)


def _view(plane: VideoPlane, height: int, width: int, dtype: np.dtype[Any]) -> Plane:
    rows: Plane = np.ndarray(
        (height, width), dtype, buffer=memoryview(plane), strides=(plane.line_size, dtype.itemsize)
    )
    return rows


def _range_of(pixel_format: str, tags: ColorTags) -> int:
    described = VideoFormat(pixel_format)
    return int(ColorRange.JPEG) if described.is_rgb or described.has_palette else tags.swscale_range
