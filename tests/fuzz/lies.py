"""Headers that claim what is not so: sizes, durations, counts and rates that would take all memory or time."""

import random
import struct
import zlib
from collections.abc import Callable

from fuzz.boxes import Box, file_bytes, parse

Intact = dict[str, bytes]
HUGE = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
SIDES = (0, 1, 8193, 16383, 32767, 65535)


def picture_size_in_mp4(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    width, height = rng.choice([(65535, 65535), (rng.choice(SIDES), rng.choice(SIDES))])
    file = parse(intact[".mp4"])
    file.first(b"stsd").put(8 + 8 + 24, ">HH", width, height)
    file.first(b"tkhd").put(76, ">II", width << 16 & 0xFFFFFFFF, height << 16 & 0xFFFFFFFF)
    return ".mp4", file_bytes(file)


def picture_size_in_png(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    data = bytearray(intact[".png.mov"])
    for at in _places(data, b"IHDR"):
        sides = rng.choice([(65535, 65535), (0x7FFFFFFF, 1), (20_000, 20_000), (8192, 4608)])
        data[at + 4 : at + 12] = struct.pack(">II", *sides)
        data[at + 17 : at + 21] = struct.pack(">I", zlib.crc32(data[at : at + 17]))
    return ".mov", bytes(data)


def picture_size_in_jpeg(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    ending = rng.choice([".mov", ".mjpeg.avi"])
    data = bytearray(intact[ending])
    height, width = rng.choice([(65535, 65535), (65500, 65500), (rng.choice(SIDES), rng.choice(SIDES))])
    for at in _places(data, b"\xff\xc0\x00\x11"):
        data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return ending, bytes(data)


def picture_size_in_matroska(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    ending = rng.choice([".mkv", ".webm", ".vp9.webm"])
    data = bytearray(intact[ending])
    for mark, side in ((b"\xb0\x82\x01\x40", rng.choice(SIDES)), (b"\xba\x82\x01\x00", rng.choice(SIDES))):
        for at in _places(data, mark):
            data[at + 2 : at + 4] = struct.pack(">H", side)
    for at in _places(data, b"\x9d\x01\x2a"):  # VP8 says its size in each keyframe
        data[at + 3 : at + 7] = struct.pack("<HH", 16383, 16383)
    return ending, bytes(data)


def picture_size_in_gif(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    data = bytearray(intact[".gif"])
    sides = struct.pack("<HH", *rng.choice([(65535, 65535), (8192, 4608), (rng.choice(SIDES), rng.choice(SIDES))]))
    data[6:10] = sides
    for at in _places(data, b"\x2c\0\0\0\0"):
        data[at + 5 : at + 9] = sides
    return ".gif", bytes(data)


def picture_size_in_avi(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    ending = rng.choice([".avi", ".mjpeg.avi"])
    data = bytearray(intact[ending])
    sides = rng.choice([(65535, 65535), (0x7FFFFFFF, 0x7FFFFFFF), (8193, 1)])
    at = data.index(b"strf")
    data[at + 12 : at + 20] = struct.pack("<II", *sides)
    return ending, bytes(data)


def duration_in_mp4(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    ending = rng.choice([".mp4", ".m4a", ".mov"])
    file = parse(intact[ending])
    for box in file.walk():
        if box.kind in (b"mvhd", b"mdhd"):
            box.put(12, ">II", rng.choice([0, 1, 1, 25, 0xFFFFFFFF]), rng.choice(HUGE))
    return ending, file_bytes(file)


def sample_table_in_mp4(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    """Counts far beyond what is there; sample sizes and offsets outside of the file."""
    ending = rng.choice([".mp4", ".m4a", ".mov"])
    file = parse(intact[ending])
    tables = [box for box in file.walk() if box.kind in (b"stts", b"stsz", b"stsc", b"stco", b"ctts", b"elst", b"stss")]
    for box in rng.sample(tables, rng.randint(1, len(tables))):
        place = rng.randrange(1, max(len(box.content) // 4, 2))
        box.put(place * 4, ">I", rng.choice([*HUGE, 50_000_000, rng.getrandbits(32)]))
    return ending, file_bytes(file)


def endless_samples_in_mp4(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    """Millions of samples of one size, from a table of twenty bytes."""
    file = parse(intact[rng.choice([".m4a", ".mp4"])])
    samples = rng.choice([1_000_000, 20_000_000, 100_000_000, 0xFFFFFFFF])
    for box in file.walk():
        if box.kind == b"stsz":
            box.content = struct.pack(">III", 0, 1, samples)
        if box.kind == b"stts":
            box.content = struct.pack(">IIII", 0, 1, samples, 1)
        if box.kind == b"stsc":
            box.content = struct.pack(">IIIII", 0, 1, 1, samples, 1)
    return ".mp4", file_bytes(file)


def box_sizes_in_mp4(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    ending = rng.choice([".mp4", ".m4a", ".mov"])
    data = bytearray(intact[ending])
    for kind in rng.sample([b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mdat", b"ftyp", b"udta"], 2):
        for at in _places(data, kind)[:2]:
            data[at - 4 : at] = struct.pack(">I", rng.choice([0, 1, 4, 7, 0x7FFFFFFF, 0xFFFFFFFF, rng.getrandbits(32)]))
    return ending, bytes(data)


def nested_boxes(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    """Boxes inside boxes, thousands deep, or thousands side by side."""
    kind = rng.choice([b"moov", b"trak", b"mdia", b"udta", b"meta"])
    inner = Box(kind)
    if rng.random() < 0.5:
        for _ in range(rng.choice([100, 900])):
            inner = Box(kind, bytes(inner))
    else:
        inner.children = [Box(rng.choice([b"trak", b"udta", b"free"])) for _ in range(20_000)]
    return ".mp4", bytes(Box(b"ftyp", b"isom\0\0\2\0isom")) + bytes(inner)


def compressed_header(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    """A QuickTime movie header compressed to a thousandth, of a size it may lie about."""
    unpacked = rng.choice([10_000_000, 50_000_000])
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(unpacked // 1_000_000)) + packer.flush()
    told = rng.choice([unpacked, 0x7FFFFFFF, 0xFFFFFFF0, 16])
    content = bytes(Box(b"dcom", b"zlib")) + bytes(Box(b"cmvd", struct.pack(">I", told) + packed))
    return ".mov", bytes(Box(b"ftyp", b"qt  \0\0\2\0qt  ")) + bytes(Box(b"moov", bytes(Box(b"cmov", content))))


def duration_in_matroska(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    ending = rng.choice([".mkv", ".webm"])
    data = bytearray(intact[ending])
    at = data.index(b"\x44\x89\x88")
    data[at + 3 : at + 11] = struct.pack(">d", rng.choice([1e18, 1e300, -1.0, float("nan"), float("inf"), 3.6e7]))
    if rng.random() < 0.5:
        at = data.index(b"\x2a\xd7\xb1\x83")  # nanoseconds of a time stamp's unit
        data[at + 4 : at + 7] = rng.choice([b"\0\0\0", b"\xff\xff\xff", b"\0\0\1"])
    return ending, bytes(data)


def element_sizes_in_matroska(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    ending = rng.choice([".mkv", ".webm"])
    data = bytearray(intact[ending])
    for mark in rng.sample([b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\x1f\x43\xb6\x75", b"\x15\x49\xa9\x66"], 2):
        for at in _places(data, mark)[:1]:
            data[at + 4 : at + 12] = rng.choice([b"\x01" + b"\xff" * 7, b"\x01" + b"\x7f" * 7, rng.randbytes(8)])
    return ending, bytes(data)


def lengths_in_wav(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    data = bytearray(intact[".wav"])
    data[4:8] = struct.pack("<I", rng.choice(HUGE))
    data[22:36] = struct.pack(
        "<HIIHH",
        rng.choice([0, 1, 2, 255, 65535]),
        rng.choice([0, 1, 8000, 0xFFFFFFFF]),
        rng.choice(HUGE),
        rng.choice([0, 1, 2, 65535]),
        rng.choice([0, 1, 8, 16, 24, 64, 65535]),
    )
    at = data.index(b"data")
    data[at + 4 : at + 8] = struct.pack("<I", rng.choice(HUGE))
    return ".wav", bytes(data)


def lengths_in_flac(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    data = bytearray(intact[".flac"])
    data[8:12] = struct.pack(">HH", rng.choice([0, 16, 65535]), rng.choice([0, 16, 65535]))
    data[18:26] = rng.choice([b"\xff" * 8, bytes(8), data[18:21] + b"\xff" * 5, rng.randbytes(8)])
    if rng.random() < 0.3:
        data[5:8] = b"\xff\xff\xff"
    return ".flac", bytes(data)


def lengths_in_ogg(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    data = bytearray(intact[".ogg"])
    for at in _places(data, b"OggS"):
        if rng.random() < 0.6:
            data[at + 6 : at + 14] = struct.pack("<q", rng.choice([2**62, -1, -(2**62), 48_000 * 10**9, 0]))
        if rng.random() < 0.2:
            data[at + 14 : at + 18] = rng.randbytes(4)
        _sign_ogg_page(data, at)
    return ".ogg", bytes(data)


def lengths_in_mp3(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    data = bytearray(intact[".mp3"])
    for mark in (b"Xing", b"Info"):
        for at in _places(data, mark):
            data[at + 8 : at + 16] = struct.pack(">II", rng.choice(HUGE), rng.choice(HUGE))
    tag = b"ID3\x04\0\0" + rng.choice([b"\x7f\x7f\x7f\x7f", b"\0\0\x7f\x7f"])
    frame = rng.choice([b"APIC", b"CHAP", b"TXXX"]) + struct.pack(">I", rng.choice([0x7F7F7F7F, 100])) + b"\0\0"
    return ".mp3", tag + frame + bytes(200) + bytes(data)


def lengths_elsewhere(rng: random.Random, intact: Intact) -> tuple[str, bytes]:
    """Any aligned number of the first kilobyte becomes one at the edge of its range."""
    ending = rng.choice(sorted(intact))
    data = bytearray(intact[ending])
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(0, min(len(data) - 8, 1024), 2)
        layout = rng.choice([">H", ">I", ">Q", "<H", "<I", "<Q"])
        size = struct.calcsize(layout)
        data[at : at + size] = struct.pack(layout, rng.choice([0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1)]))
    return ending, bytes(data)


LIES: tuple[Callable[[random.Random, Intact], tuple[str, bytes]], ...] = (
    picture_size_in_mp4,
    picture_size_in_png,
    picture_size_in_jpeg,
    picture_size_in_matroska,
    picture_size_in_gif,
    picture_size_in_avi,
    duration_in_mp4,
    sample_table_in_mp4,
    endless_samples_in_mp4,
    box_sizes_in_mp4,
    nested_boxes,
    compressed_header,
    duration_in_matroska,
    element_sizes_in_matroska,
    lengths_in_wav,
    lengths_in_flac,
    lengths_in_ogg,
    lengths_in_mp3,
    lengths_elsewhere,
)


def _places(data: bytes | bytearray, mark: bytes) -> list[int]:
    places, at = [], data.find(mark)
    while at >= 0:
        places.append(at)
        at = data.find(mark, at + 1)
    return places


def _sign_ogg_page(data: bytearray, at: int) -> None:
    """Makes the page's checksum true again (RFC 3533, 6)."""
    segments = data[at + 26]
    size = 27 + segments + sum(data[at + 27 : at + 27 + segments])
    data[at + 22 : at + 26] = bytes(4)
    checksum = 0
    for byte in data[at : at + size]:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ 0x04C11DB7 if checksum & 0x80000000 else checksum << 1) & 0xFFFFFFFF
    data[at + 22 : at + 26] = struct.pack("<I", checksum)
