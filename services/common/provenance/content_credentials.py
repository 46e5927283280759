"""How this project's content credentials (C2PA) are named, for those who write and those who read them."""

from pathlib import Path
from typing import Final

ACTIONS: Final = "c2pa.actions.v2"
CONSENT: Final = "org.lipstage.consent"
"""A private assertion that holds ids and hashes, never a name or a text."""
DUBBED: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""What IPTC calls real footage with a part that a network drew."""
OFFLINE: Final = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
"""No file that is read makes this machine fetch anything."""

_MEDIA_TYPES: Final = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime"}


def signed_media_type(file: Path) -> str | None:
    """The media type of a container that can carry credentials; None for Matroska and WebM, for which C2PA defines
    no place."""
    return _MEDIA_TYPES.get(file.suffix.lower())
