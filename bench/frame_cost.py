"""What one 1080p frame costs outside the networks: processor time, part by part, on one thread.

    python -m bench.frame_cost [CLIP] [--frames 60] [--resolution 256]

Without a clip the sample speaker is enlarged to 1920×1080. The parts are those of a dub in studio mode: the
preprocessing pass (decode, find and follow faces, cut out crops), then the compositing pass (decode again, paste,
encode). The pasted faces are the crops themselves; how long pasting takes does not depend on what they show.
"""

import argparse
import sys
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.full_hd_sample import write_full_hd_sample
from services.common.errors import LipstageError
from services.common.face_geometry import crop_region
from services.common.media.decode import read_pictures
from services.common.media.encode import EncoderSettings, SegmentEncoder
from services.common.media.picture import Picture
from services.common.media.probe import VideoInfo, probe_video
from services.common.settings import Settings
from services.common.speakers import Largest
from services.composite.paste import studio_patch
from services.preprocess.align_stream import aligned_frames
from services.preprocess.crop import crop_studio
from services.preprocess.faces.detector import MeshDetector
from services.preprocess.faces.observe import observe

PARTS = {
    "decode": "decode, for preprocessing",
    "rgb": "whole frame to RGB, for the detector",
    "faces": "find, track, align",
    "crop": "face's region to RGB, warp to the crop",
    "decode again": "decode, for compositing",
    "patch": "warp the face back",
    "blend": "blend into the planes",
    "encode": "encode (H.264, crf 18, medium)",
}

T = TypeVar("T")


class Stopwatch:
    """Adds up the processor time of named parts, which other programs on the machine lengthen least. Inside a part
    another one may run: its time is not the outer one's."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inner_s = [0.0]

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self._inner_s.append(0.0)
        started = time.process_time()
        try:
            yield
        finally:
            elapsed = time.process_time() - started
            self.seconds[name] += elapsed - self._inner_s.pop()
            self._inner_s[-1] += elapsed

    def each(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """The items, timing how long each takes to come."""
        iterator = iter(items)
        while True:
            with self.part(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item


@dataclass(frozen=True, eq=False)
class DubbedFace:
    face_rgb_hwc: NDArray[np.uint8]
    matrix: NDArray[np.float64]


def preprocess(watch: Stopwatch, clip: Path, info: VideoInfo, frames: int, resolution: int) -> dict[int, DubbedFace]:
    """One pass over the clip; the faces by frame index."""
    detector = MeshDetector(Settings().faces_dir, threads=1)
    in_flight: deque[Picture] = deque()

    def searched() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for picture in watch.each("decode", read_pictures(clip, info, range(frames), threads=1)):
            in_flight.append(picture)
            with watch.part("rgb"):
                rgb_hwc = picture.rgb()
            yield picture.index, rgb_hwc

    faces: dict[int, DubbedFace] = {}
    observed = observe(searched(), detector, lambda index: True)
    for aligned in watch.each("faces", aligned_frames(observed, Largest(), "studio", resolution)):
        picture = in_flight.popleft()
        if aligned.matrix is None:
            continue
        with watch.part("crop"):
            roi = crop_region(aligned.matrix, resolution, picture.width, picture.height)
            in_roi = aligned.matrix.copy()
            in_roi[:, 2] += in_roi[:, :2] @ (roi.x, roi.y)
            face = crop_studio(picture.rgb(roi), in_roi, resolution)
        faces[picture.index] = DubbedFace(face, aligned.matrix)
    return faces


def composite(
    watch: Stopwatch, clip: Path, info: VideoInfo, frames: int, faces: dict[int, DubbedFace], target: Path
) -> None:
    encoder = EncoderSettings(codec="h264", threads=1)
    # Opening and closing count as encoding too: the encoder works off its look-ahead when it is closed.
    with watch.part("encode"), SegmentEncoder(target, info, info.time_base, encoder) as segment:
        for picture in watch.each("decode again", read_pictures(clip, info, range(frames), threads=1)):
            pasted = picture
            if dubbed := faces.get(picture.index):
                size_wh = picture.width, picture.height
                with watch.part("patch"):
                    patch = studio_patch(dubbed.face_rgb_hwc, dubbed.matrix, dubbed.face_rgb_hwc.shape[0], size_wh)
                with watch.part("blend"):
                    pasted = patch.onto(picture, "nearest")
            segment.write(pasted, picture.pts)


def table(title: str, watch: Stopwatch, frames: int) -> Table:
    costs_ms = {name: 1000 * watch.seconds[name] / frames for name in PARTS}
    result = Table("part", "ms/frame", title=title)
    result.columns[1].justify = "right"
    for name, description in PARTS.items():
        result.add_row(description, f"{costs_ms[name]:.2f}", end_section=name in ("crop", "encode"))
    total_ms = sum(costs_ms.values())
    result.add_row("total without encoding", f"{total_ms - costs_ms['encode']:.2f}")
    result.add_row("total", f"{total_ms:.2f}")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path, metavar="CLIP")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--resolution", type=int, default=256)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        clip = arguments.clip
        if clip is None:
            clip = Path(folder) / "sample.mp4"
            write_full_hd_sample(clip, {"crf": "18", "preset": "veryfast"})
        info = probe_video(clip)
        frames = min(arguments.frames, info.frame_count)
        watch = Stopwatch()
        faces = preprocess(watch, clip, info, frames, arguments.resolution)
        composite(watch, clip, info, frames, faces, Path(folder) / "out.mp4")
    name = arguments.clip.name if arguments.clip else "the sample speaker"
    title = (
        f"{name}: {frames} frames of {info.width}×{info.height}, {len(faces)} with a face of R = {arguments.resolution}"
    )
    Console().print(table(title, watch, frames))


if __name__ == "__main__":
    try:
        main()
    except LipstageError as error:
        sys.exit(str(error))
