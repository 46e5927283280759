"""MP4 as a tree of boxes (ISO/IEC 14496-12), to be changed and written again."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_FOLDERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts"})


@dataclass
class Box:
    kind: bytes
    """Four letters."""
    content: bytes = b""
    children: list["Box"] = field(default_factory=list)

    def __bytes__(self) -> bytes:
        content = self.content + b"".join(map(bytes, self.children))
        return struct.pack(">I", 8 + len(content)) + self.kind + content

    def first(self, kind: bytes) -> "Box":
        return next(box for box in self.walk() if box.kind == kind)

    def walk(self) -> Iterator["Box"]:
        yield self
        for child in self.children:
            yield from child.walk()

    def put(self, offset: int, layout: str, *values: int) -> None:
        """Overwrites numbers in the content."""
        new = struct.pack(layout, *values)
        self.content = self.content[:offset] + new + self.content[offset + len(new) :]


def parse(data: bytes) -> Box:
    """The file as a box that holds all others; its own eight bytes are to be left out when it is written."""
    return Box(b"file", children=list(_boxes(data)))


def file_bytes(file: Box) -> bytes:
    return bytes(file)[8:]


def _boxes(data: bytes) -> Iterator[Box]:
    while data:
        size, kind = struct.unpack(">I4s", data[:8])
        content = data[8:size]
        yield Box(kind, children=list(_boxes(content))) if kind in _FOLDERS else Box(kind, content)
        data = data[size:]
