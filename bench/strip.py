"""Draws a strip of moments of a video above the same moments of its dub.

python -m bench.strip ORIGINAL DUBBED OUT.jpg [--moments 8] [--rows 1]
"""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from services.common.media.decode import read_pictures
from services.common.media.probe import probe_video

_HEIGHT_PX = 200
_GAP_PX = 6


def main(
    original: Annotated[Path, typer.Argument(help="The source video.")],
    dubbed: Annotated[Path, typer.Argument(help="What became of it.")],
    out: Annotated[Path, typer.Argument(help="Where the picture goes.")],
    moments: Annotated[int, typer.Option(help="Moments side by side.")] = 8,
    rows: Annotated[int, typer.Option(help="Pairs of rows.")] = 1,
) -> None:
    """Both videos need the same frame rate; moments are spread evenly over the shorter one."""
    frames = min(probe_video(path).frame_count for path in (original, dubbed))
    chosen = np.linspace(0, frames - 1, moments * rows + 2).round().astype(int)[1:-1].tolist()
    before, after = (_shown(path, chosen) for path in (original, dubbed))
    strips = []
    for start in range(0, len(chosen), moments):
        strips += [np.concatenate(shown[start : start + moments], axis=1) for shown in (before, after)]
        strips.append(np.full((_GAP_PX, strips[-1].shape[1], 3), 255, np.uint8))
    picture = np.concatenate(strips[:-1])
    out.write_bytes(cv2.imencode(out.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes())
    typer.echo(f"{out}: frames {', '.join(map(str, chosen))}")


def _shown(path: Path, indices: list[int]) -> list[NDArray[np.uint8]]:
    pictures = read_pictures(path, probe_video(path), indices)
    return [_small(picture.rgb()) for picture in pictures]


def _small(rgb_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of the frame, where the sample's face is."""
    height, width = rgb_hwc.shape[:2]
    middle = rgb_hwc[height // 8 : -height // 5, width // 6 : -width // 6]
    scale = _HEIGHT_PX / middle.shape[0]
    return np.asarray(cv2.resize(middle, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    typer.run(main)
