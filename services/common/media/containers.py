"""Which codecs an output container holds."""

from typing import Final

from av.container import OutputContainer

_NOT_IN_QUICKTIME: Final = frozenset({"av1", "flac", "opus", "truehd"})
"""Codecs that FFmpeg lists for .mov and then refuses: they belong to .mp4."""


def holds(container: OutputContainer, codec: str) -> bool:
    """Whether packets of `codec` (FFmpeg's canonical name) can be muxed into `container`."""
    if container.format.name == "mov" and codec in _NOT_IN_QUICKTIME:
        return False
    return codec in container.supported_codecs
