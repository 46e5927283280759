"""The sample speaker in 1080p, for benchmarks without a clip at hand."""

from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from services.common.media.decode import read_pictures
from services.common.media.probe import probe_video

FULL_HD_WH = (1920, 1080)
_SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "talking_head.mp4"


def write_full_hd_sample(target: Path, encoder_options: dict[str, str]) -> None:
    """Enlarges the sample to the height of 1080p, its edges drawn out to the width; H.264 without sound."""
    info = probe_video(_SAMPLE)
    width, height = FULL_HD_WH
    enlarged_wh = info.width * height // info.height, height
    left = (width - enlarged_wh[0]) // 2
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=encoder_options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in read_pictures(_SAMPLE, info):
            enlarged = cv2.resize(picture.rgb(), enlarged_wh, interpolation=cv2.INTER_CUBIC)
            right = width - left - enlarged_wh[0]
            rgb_hwc = np.asarray(cv2.copyMakeBorder(enlarged, 0, 0, left, right, cv2.BORDER_REPLICATE), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb_hwc, format="rgb24")))
        container.mux(stream.encode(None))
