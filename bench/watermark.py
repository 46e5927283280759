"""What the watermark survives, and what it costs.

    python -m bench.watermark [CLIP …] [--frames 96] [--false-tries 400]

Each clip's frames are marked and encoded as an output is (H.264, crf 18). That file is then attacked, compressed again,
and read as `lipstage verify` reads a file. Without clips: the sample, and those in ../shared/clips if there are any.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from rich.console import Console
from rich.table import Table

from services.common.media.decode import read_pictures
from services.common.media.picture import Picture
from services.common.media.planes import Plane, frame_of
from services.common.media.probe import probe_video
from services.common.process_memory import keep_memory_flat
from services.common.provenance.carrier import pattern
from services.common.provenance.frames_to_read import lumas_to_read
from services.common.provenance.reading import Reading, read_watermark
from services.composite.watermark import watermarked

_ROOT: Final = Path(__file__).resolve().parents[1]
PAYLOAD: Final = 0x0193_5C8E_27B1_7F4D
OUTPUT_CRF: Final = 18


@dataclass(frozen=True)
class Attack:
    """What becomes of a file on its way."""

    name: str
    crf: int = OUTPUT_CRF
    scale: float = 1.0
    crop_ltrb: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Shares of the width and height that are cut off."""
    stretched: bool = False
    """What is left is brought back to the old size."""
    mirrored: bool = False
    encoder: str = "libx264"

    def size_wh(self, width: int, height: int) -> tuple[int, int]:
        """Even, as the encoder needs it."""
        left, top, right, bottom = (0.0,) * 4 if self.stretched else self.crop_ltrb
        return _even(width * (1 - left - right) * self.scale), _even(height * (1 - top - bottom) * self.scale)

    def on(self, plane: Plane, size_wh: tuple[int, int]) -> Plane:
        height, width = plane.shape
        left, top, right, bottom = self.crop_ltrb
        rows = slice(round(top * height), height - round(bottom * height))
        kept = plane[rows, round(left * width) : width - round(right * width)]
        kept = kept[:, ::-1] if self.mirrored else kept
        interpolation = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(kept, size_wh, interpolation=interpolation), np.uint8)


ATTACKS: Final = (
    Attack("none"),
    Attack("crf 28", 28),
    Attack("crf 35", 35),
    Attack("scaled to 50 %", scale=0.5),
    Attack("10 % off the left", crop_ltrb=(0.1, 0, 0, 0)),
    Attack("10 % off the top", crop_ltrb=(0, 0.1, 0, 0)),
    Attack("10 % off the right", crop_ltrb=(0, 0, 0.1, 0)),
    Attack("10 % off the bottom", crop_ltrb=(0, 0, 0, 0.1)),
    Attack("10 % off every side", crop_ltrb=(0.1, 0.1, 0.1, 0.1)),
    Attack("10 % off left and top, crf 28", 28, crop_ltrb=(0.1, 0.1, 0, 0)),
    Attack("50 %, crf 28", 28, 0.5),
    Attack("10 % off right and bottom, 50 %, crf 28", 28, 0.5, (0, 0, 0.1, 0.1)),
    Attack("50 %, crf 35", 35, 0.5),
    Attack("33 %, crf 28", 28, 1 / 3),
    Attack("to 150 %, crf 28", 28, 1.5),
    Attack("x265, 50 %, crf 28", 28, 0.5, encoder="libx265"),
    Attack("10 % off the left, the rest stretched, crf 28", 28, crop_ltrb=(0.1, 0, 0, 0), stretched=True),
    Attack("20 % off every side", crop_ltrb=(0.2, 0.2, 0.2, 0.2)),
    Attack("mirrored", mirrored=True),
)


@dataclass
class Cost:
    """What marking does to a clip, summed over its frames."""

    psnr_db: list[float]
    flicker: list[float]
    """Mean |change from frame to frame of what was added|, in levels of 255."""
    seconds: float
    bytes_marked: int
    bytes_unmarked: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--false-tries", type=int, default=400)
    arguments = parser.parse_args()
    keep_memory_flat()
    clips = arguments.clips or [_ROOT / "samples" / "talking_head.mp4", *sorted(_shared_clips())]
    cv2.setNumThreads(1)

    survived = Table(
        "attack", *(clip.stem for clip in clips), title="bits wrong before correction; all are right after it"
    )
    costs = Table("", *(clip.stem for clip in clips), title="what marking does to a clip")
    with tempfile.TemporaryDirectory() as folder:
        measured = [_measured(clip, arguments.frames, Path(folder)) for clip in clips]
    for row, attack in enumerate(ATTACKS):
        survived.add_row(attack.name, *(_told(readings[row]) for readings, _ in measured))
    for name, figure in _COST_ROWS.items():
        costs.add_row(name, *(figure(cost) for _, cost in measured))
    console = Console()
    console.print(survived)
    console.print(costs)
    wrong = sum(_false_readings(clip, arguments.frames, arguments.false_tries // len(clips)) for clip in clips)
    console.print(
        f"{wrong} of {arguments.false_tries // len(clips) * len(clips)} unmarked pieces were taken for marked"
    )


_COST_ROWS: Final[dict[str, Callable[[Cost], str]]] = {
    "PSNR, least of any frame, dB": lambda cost: f"{min(cost.psnr_db):.1f}",
    "PSNR, mean, dB": lambda cost: f"{np.mean(cost.psnr_db):.1f}",
    "flicker, levels": lambda cost: f"{np.mean(cost.flicker):.3f}",
    "ms per frame": lambda cost: f"{1000 * cost.seconds / len(cost.psnr_db):.1f}",
    "file size at crf 18": lambda cost: f"{100 * (cost.bytes_marked / cost.bytes_unmarked - 1):+.0f} %",
}


def _shared_clips() -> Iterable[Path]:
    return (_ROOT.parent / "shared" / "clips").glob("*.mp4")


def _measured(clip: Path, frames: int, folder: Path) -> tuple[list[Reading | None], Cost]:
    unmarked, marked = folder / "unmarked.mp4", folder / "marked.mp4"
    cost = Cost([], [], 0.0, 0, 0)
    write_clip(unmarked, _pictures(clip, frames), OUTPUT_CRF)
    write_clip(marked, _marked(_pictures(clip, frames), cost), OUTPUT_CRF)
    cost.bytes_marked, cost.bytes_unmarked = marked.stat().st_size, unmarked.stat().st_size
    return [_read_after(attack, marked, frames, folder / "attacked.mp4") for attack in ATTACKS], cost


def _pictures(clip: Path, frames: int) -> Iterator[Picture]:
    info = probe_video(clip)
    return read_pictures(clip, info, range(min(frames, info.frame_count)), "yuv420p")


def _marked(pictures: Iterable[Picture], cost: Cost) -> Iterator[Picture]:
    added_before = None
    for picture in pictures:
        pattern(PAYLOAD, picture.width, picture.height)  # made once per size, so its cost is no frame's
        started = time.thread_time()
        result = watermarked(picture, PAYLOAD)
        cost.seconds += time.thread_time() - started
        added = result.planes[0].astype(np.int16) - picture.planes[0]
        cost.psnr_db.append(10 * np.log10(255**2 / np.mean(np.square(added, dtype=np.float64))))
        if added_before is not None:
            cost.flicker.append(float(np.abs(added - added_before).mean()))
        added_before = added
        yield result


def _read_after(attack: Attack, marked: Path, frames: int, target: Path) -> Reading | None:
    write_clip(target, _pictures(marked, frames), attack.crf, attack)
    return read_watermark(lumas_to_read(target, probe_video(target)))


def write_clip(target: Path, pictures: Iterable[Picture], crf: int, attack: Attack = ATTACKS[0]) -> None:
    """As the encoder's defaults have it but for the crf."""
    with av.open(str(target), "w") as container:
        quiet = {"x265-params": "log-level=error"} if attack.encoder == "libx265" else {}
        stream = container.add_stream(attack.encoder, rate=25, options={"crf": str(crf), **quiet})
        assert isinstance(stream, VideoStream)
        for picture in pictures:
            width, height = attack.size_wh(picture.width, picture.height)
            if not stream.codec_context.is_open:
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            sizes_wh = (width, height), *2 * ((width // 2, height // 2),)
            planes = [attack.on(plane, size_wh) for plane, size_wh in zip(picture.planes, sizes_wh, strict=True)]
            container.mux(stream.encode(frame_of(planes, "yuv420p")))
        container.mux(stream.encode(None))


def _false_readings(clip: Path, frames: int, tries: int) -> int:
    """How many of random pieces of unmarked frames, cut and scaled at random, are taken for marked."""
    lumas = [picture.planes[0] for picture in _pictures(clip, frames)]
    random = np.random.default_rng(0)
    found = 0
    for _ in range(tries):
        first = random.integers(len(lumas) - 8)
        left, top, right, bottom = random.uniform(0, 0.2, 4)
        attack = Attack("", OUTPUT_CRF, random.uniform(0.3, 0.8), (left, top, right, bottom))
        size_wh = attack.size_wh(lumas[0].shape[1], lumas[0].shape[0])
        found += read_watermark(attack.on(luma, size_wh) for luma in lumas[first : first + 8]) is not None
    return found


def _told(reading: Reading | None) -> str:
    if reading is None:
        return "lost"
    return f"{100 * reading.bit_error_rate:.1f} %" if reading.payload == PAYLOAD else "WRONG"


def _even(length: float) -> int:
    return int(length) // 2 * 2


if __name__ == "__main__":
    main()
