"""What tests of the hosted routes' clients have at hand."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stored:
    """Addresses of the clip and its new voice, for tests whose subject is not how they got there."""

    video: str
    audio: str
