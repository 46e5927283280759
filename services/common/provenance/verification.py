"""What a file says about where it comes from: its signed credentials and its watermark."""

from pathlib import Path

from pydantic import BaseModel

from services.common.errors import NoVideoStream
from services.common.media.opening import check_is_file
from services.common.media.probe import probe_video
from services.common.provenance.frames_to_read import lumas_to_read
from services.common.provenance.manifest_reading import Credentials, read_credentials
from services.common.provenance.reading import read_watermark


class Watermark(BaseModel):
    payload: str
    """Sixteen hexadecimal digits: the beginning of the job's id."""
    confidence: float
    """Share of the carried bits that came through unharmed; by chance it would be a half."""


class Verification(BaseModel):
    credentials: Credentials
    watermark: Watermark | None
    """None: there is none, or too little of it is left."""


def verify_file(path: Path, own_root: str | None = None) -> Verification:
    """Reads both marks. `own_root` is a certificate, PEM, whose signatures count as trusted.

    Nothing is fetched. Raises the errors of `open_media` and `probe_video`; a file without video has no watermark.
    """
    check_is_file(path)
    return Verification(credentials=read_credentials(path, own_root), watermark=_watermark(path))


def _watermark(path: Path) -> Watermark | None:
    try:
        info = probe_video(path)
    except NoVideoStream:
        return None
    reading = read_watermark(lumas_to_read(path, info))
    if reading is None:
        return None
    return Watermark(payload=f"{reading.payload:016x}", confidence=round(1 - reading.bit_error_rate, 3))
