"""A dubbed video against the one it was made from, frame by frame."""

from collections import deque
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.quality.blend_area import blend_area
from bench.quality.luma import luma
from bench.quality.picture_quality import flicker, psnr_db, seam_contrast, ssim_map
from bench.quality.speaker_frames import FACE_PX, SpeakerFrame
from services.common.face_mask import face_mask
from services.common.media.picture import Picture
from services.common.messages import Mode
from services.preprocess.crop import crop_studio

_SSIM_REACH_PX = 5
_GENERATED = face_mask(FACE_PX) < 0.5


@dataclass
class Mean:
    """A weighted mean that grows."""

    total: float = 0.0
    weight: float = 0.0

    def add(self, total: float, weight: float) -> None:
        if weight > 0 and np.isfinite(total):
            self.total += total
            self.weight += weight

    @property
    def value(self) -> float:
        return self.total / self.weight if self.weight else float("nan")


@dataclass
class AreaMeans:
    squared_error: Mean = field(default_factory=Mean)
    ssim: Mean = field(default_factory=Mean)

    @property
    def psnr_db(self) -> float:
        return psnr_db(self.squared_error.value) if self.squared_error.weight else float("nan")


class PictureComparison:
    """Adds up over frames; memory does not depend on how many."""

    def __init__(self, mode: Mode) -> None:
        """`mode` the dub was made in: it says where the face was blended in."""
        self._mode = mode
        self.frames = 0
        self.outside, self.mouth = AreaMeans(), AreaMeans()
        self.seam, self.original_seam = Mean(), Mean()
        self.flicker, self.original_flicker = Flicker(), Flicker()

    def add(self, frame: SpeakerFrame, original: Picture, original_rgb_hwc: NDArray[np.uint8]) -> None:
        """Takes the next frame and the frame of the original that it was made from, of the same size."""
        self.frames += 1
        dubbed_luma, original_luma = luma(frame.picture), luma(original)
        squared_error = (dubbed_luma - original_luma) ** 2
        ssim = ssim_map(dubbed_luma, original_luma)
        outside = np.ones(dubbed_luma.shape, np.bool_)
        outside_reach = outside
        if frame.matrix is not None:
            area = blend_area(frame.matrix, (frame.picture.width, frame.picture.height), self._mode)
            inside = area.roi.slices()
            outside[inside] = area.alpha == 0
            reach = cv2.erode(outside.astype(np.uint8), np.ones((2 * _SSIM_REACH_PX + 1,) * 2, np.uint8))
            outside_reach = reach.astype(np.bool_)
            mouth = area.alpha > 0.5
            _add(self.mouth, squared_error[inside], ssim[inside], mouth, mouth)
            for mean, image in ((self.seam, dubbed_luma), (self.original_seam, original_luma)):
                mean.add(seam_contrast(image[inside], area.alpha), 1)
        _add(self.outside, squared_error, ssim, outside, outside_reach)
        self.flicker.add(frame, frame.rgb_hwc)
        self.original_flicker.add(frame, original_rgb_hwc)


class Flicker:
    """Mean second difference in time of the aligned face's generated part, within runs."""

    def __init__(self) -> None:
        self._mean = Mean()
        self._run: int | None = None
        self._faces: deque[NDArray[np.float32]] = deque(maxlen=3)

    def add(self, frame: SpeakerFrame, rgb_hwc: NDArray[np.uint8]) -> None:
        """Takes the next frame; `rgb_hwc` is what is looked at in its place."""
        if frame.run != self._run:
            self._faces.clear()
            self._run = frame.run
        if frame.matrix is None:
            return
        face = crop_studio(rgb_hwc, frame.matrix, FACE_PX)
        self._faces.append(np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.float32))
        if len(self._faces) == 3:
            before, now, after = self._faces
            self._mean.add(flicker(before, now, after, _GENERATED), 1)

    @property
    def value(self) -> float:
        """Levels of 0…255; NaN if no three frames in a row had a face."""
        return self._mean.value


def _add(
    means: AreaMeans,
    squared_error: NDArray[np.float32],
    ssim: NDArray[np.float32],
    area: NDArray[np.bool_],
    ssim_area: NDArray[np.bool_],
) -> None:
    means.squared_error.add(float(squared_error[area].sum(dtype=np.float64)), int(area.sum()))
    means.ssim.add(float(ssim[ssim_area].sum(dtype=np.float64)), int(ssim_area.sum()))
