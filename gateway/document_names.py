"""What documents may be called: names reach subjects of NATS, where some characters mean something else."""

import re

_NAME = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")


def well_formed(name: str) -> bool:
    """Whether a document may have this name. Nothing is stored under any other, whoever asks for it."""
    return _NAME.fullmatch(name) is not None


def checked(name: str) -> str:
    """The name a document is created under. Raises ValueError: names are made by this program, not by callers."""
    if not well_formed(name):
        raise ValueError(f"{name!r} is no name for a document")
    return name
