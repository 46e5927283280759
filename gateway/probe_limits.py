"""How much of a file, and of this machine, finding out what it holds may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProbeLimits:
    video_s: float = 3600.0
    audio_s: float = 600.0
    streams: int = 32
    packets: int = 2_000_000
    """Of all streams together: an hour of 60 frames a second with sound has some 400,000."""
    memory_bytes: int = 2 << 30
    """Address space of the process; decoding 8K takes half of it."""
    cpu_s: int = 15
    wall_s: int = 60
