"""What a gateway that was killed left of files it was receiving, on its own disk: it leaves after a day."""

import contextlib
import stat
from pathlib import Path
from typing import Final

KEPT_S: Final = 24 * 3600.0
_KINDS: Final = ("piece", "upload", "fetch", "data", "verify")
"""How their names in the media store's scratch folder begin; what else is there is not ours."""


def remove_unfinished(scratch: Path, now_s: float) -> None:
    """Counted from the last byte that arrived. `now_s` is Unix time."""
    for kind in _KINDS:
        for path in scratch.glob(f"{kind}-*"):
            with contextlib.suppress(FileNotFoundError):  # it may have been finished just now
                status = path.stat()
                if stat.S_ISREG(status.st_mode) and status.st_mtime < now_s - KEPT_S:
                    path.unlink()
