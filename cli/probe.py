"""`lipstage probe`: what a file holds, and who can be seen in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table

from cli.console import console, errors, say
from cli.output_file import check_writable
from services.common.errors import InvalidParameter, NoAudioStream, NoVideoStream
from services.common.media.decode import read_pictures
from services.common.media.probe import VideoInfo, probe_audio, probe_video
from services.common.settings import Settings
from services.preprocess.faces.detector import MeshDetector
from services.preprocess.faces.fetch import fetch
from services.preprocess.faces.observe import observe

THUMBNAIL_PX = 192
CAPTION_PX = 28
COLUMNS = 5


@dataclass
class Sighting:
    """One face track: where it was seen and its largest view."""

    track: int
    shot: int
    frames: list[int] = field(default_factory=list)
    thumbnail: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8))
    area_px: float = 0.0


def probe(
    file: Annotated[Path, typer.Argument(help="A video or sound file.")],
    sheet: Annotated[
        Path | None, typer.Option("--sheet", "-o", help="Contact sheet, .jpg or .png.", show_default="FILE.faces.jpg")
    ] = None,
) -> None:
    """Says what FILE holds; draws a contact sheet of the faces in it, numbered for `--speaker track:N`."""
    sheet = sheet or Path(f"{file.stem}.faces.jpg")
    if sheet.suffix.lower() not in (".jpg", ".png"):
        raise InvalidParameter(f"The contact sheet “{sheet}” has to end in .jpg or .png.", sheet=str(sheet))
    check_writable(sheet)
    try:
        audio = probe_audio(file)
    except NoAudioStream:
        audio = None
    try:
        video = probe_video(file)
    except NoVideoStream:
        video = None
        if audio is None:
            raise
    table = Table("what", "found", show_header=False)
    if video:
        fps = float(video.average_fps)
        table.add_row("video", f"{video.codec}, {video.width}×{video.height}, {video.pixel_format}, {fps:.3f} fps")
        table.add_row("frames", f"{video.frame_count} in {video.duration_s:.3f} s")
        table.add_row("rotation", f"{video.rotation_deg}°")
    if audio:
        table.add_row("sound", f"{audio.codec}, {audio.sample_rate} Hz, {audio.channels} ch, {audio.duration_s:.3f} s")
    console.print(table)
    if video:
        _show_faces(file, video, sheet)


def _show_faces(file: Path, video: VideoInfo, sheet: Path) -> None:
    sightings, shots = _sightings(file, video)
    say(f"{shots} shot{'s' if shots != 1 else ''}, {len(sightings)} face track{'s' if len(sightings) != 1 else ''}")
    faces = Table("speaker", "shot", "frames", "seen in", "largest, px")
    for seen in sightings:
        side = f"{seen.area_px**0.5:.0f}"
        span = f"{seen.frames[0]}–{seen.frames[-1]}"
        faces.add_row(f"track:{seen.track}", str(seen.shot + 1), span, str(len(seen.frames)), side)
    console.print(faces)
    if sightings:
        cv2.imwrite(str(sheet), cv2.cvtColor(contact_sheet(sightings), cv2.COLOR_RGB2BGR))
        say(f"Contact sheet: {sheet}")


def _sightings(file: Path, video: VideoInfo) -> tuple[list[Sighting], int]:
    settings = Settings()
    fetch(settings.faces_dir, say)
    detector = MeshDetector(settings.faces_dir)

    def frames() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        pictures = read_pictures(file, video)
        for picture in track(pictures, "looking for faces", video.frame_count, console=errors):
            yield picture.index, picture.rgb()

    found: dict[int, Sighting] = {}
    shots = 0
    for frame in observe(frames(), detector, lambda index: True):
        shots = frame.shot + 1
        for tracked in frame.faces:
            seen = found.setdefault(tracked.track, Sighting(tracked.track, frame.shot))
            seen.frames.append(frame.index)
            if tracked.face.area_px > seen.area_px:
                seen.area_px = tracked.face.area_px
                seen.thumbnail = _thumbnail(frame.rgb_hwc, tracked.face.box_xyxy)
    return [found[number] for number in sorted(found)], shots


def _thumbnail(rgb_hwc: NDArray[np.uint8], box_xyxy: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A square view around the face, THUMBNAIL_PX on a side."""
    centre = (box_xyxy[:2] + box_xyxy[2:]) / 2
    side = float((box_xyxy[2:] - box_xyxy[:2]).max()) * 1.5
    scale = THUMBNAIL_PX / side
    matrix = np.hstack([np.eye(2) * scale, (THUMBNAIL_PX / 2 - centre * scale)[:, None]])
    return np.asarray(cv2.warpAffine(rgb_hwc, matrix, (THUMBNAIL_PX, THUMBNAIL_PX), flags=cv2.INTER_AREA), np.uint8)


def contact_sheet(sightings: list[Sighting]) -> NDArray[np.uint8]:
    """The tracks' thumbnails in a grid with captions, RGB."""
    columns = min(COLUMNS, len(sightings))
    rows = -(-len(sightings) // columns)
    height = THUMBNAIL_PX + CAPTION_PX
    sheet = np.full((rows * height, columns * THUMBNAIL_PX, 3), 24, np.uint8)
    for place, seen in enumerate(sightings):
        x, y = place % columns * THUMBNAIL_PX, place // columns * height
        sheet[y : y + THUMBNAIL_PX, x : x + THUMBNAIL_PX] = seen.thumbnail
        caption = f"track:{seen.track}  {len(seen.frames)} frames"
        where = (x + 8, y + THUMBNAIL_PX + 19)
        cv2.putText(sheet, caption, where, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (230, 230, 230), 1, cv2.LINE_AA)
    return sheet
