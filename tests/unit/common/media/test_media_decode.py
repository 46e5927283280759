"""Pictures come in the order asked, upright, in constant memory, whatever the container."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.errors import InvalidParameter
from services.common.media import decode
from services.common.media.decode import read_pictures
from services.common.media.picture import Picture, Roi
from services.common.media.probe import VideoInfo, probe_video


def pixels(pictures: list[Picture]) -> list[bytes]:
    return [b"".join(plane.tobytes() for plane in picture.planes) for picture in pictures]


def bar_position(picture: Picture) -> int:
    """Left edge of the scene's bright bar."""
    row = picture.rgb()[picture.height - 8].astype(int).sum(axis=1)
    return int(np.argmax(row > 550))


KINDS = [
    ("a.mp4", "libx264", {"g": "8"}),
    ("open_gop.mkv", "libx264", {"g": "8", "x264-params": "open-gop=1"}),
    ("a.mov", "prores_ks", None),
    ("a.webm", "libvpx-vp9", {"g": "8"}),
    ("a.avi", "mpeg4", {"bf": "2", "g": "8"}),
    ("h264.avi", "libx264", {"g": "8"}),
    ("a.ts", "libx264", {"g": "8"}),
    ("a.gif", "gif", None),
]


@pytest.mark.parametrize(("name", "codec", "options"), KINDS)
def test_any_order_gives_the_same_pictures_as_reading_through(
    make_video, monkeypatch: pytest.MonkeyPatch, name: str, codec: str, options: dict[str, str] | None
) -> None:
    pixel_format = {"gif": "rgb8", "prores_ks": "yuv422p10le"}.get(codec, "yuv420p")
    path = make_video(name, codec, pixel_format, options=options)
    info = probe_video(path)
    forward = list(read_pictures(path, info))
    assert [picture.index for picture in forward] == list(range(30))
    assert [picture.pts for picture in forward] == info.timestamps.tolist()
    assert len(set(pixels(forward))) == 30

    monkeypatch.setattr(decode, "_BLOCK_BYTES", 4 * sum(plane.nbytes for plane in forward[0].planes))
    monkeypatch.setattr(decode, "_WORTH_SEEKING_FRAMES", 4)
    order = [*range(29, -1, -1), 0, 0, 5, 20, 21, 21, 3, 28, 27, 27, 26, 2, 29]
    assert pixels(list(read_pictures(path, info, order))) == [pixels(forward)[index] for index in order]


def test_bars_stand_where_the_frame_index_says(make_video) -> None:
    path = make_video("bars.mp4", options={"crf": "1"})
    positions = [bar_position(picture) for picture in read_pictures(path, probe_video(path), range(20))]
    assert positions == [24 + 2 * index for index in range(20)]


def test_falling_indices_hold_one_bounded_block(make_video, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_video("long.mp4", pts=range(60))
    info = probe_video(path)
    monkeypatch.setattr(decode, "_BLOCK_BYTES", 6 * 96 * 64 * 3 // 2)
    alive: list[int] = []
    converted = decode._picture

    def counted(*arguments) -> Picture:
        alive.append(arguments[1])
        return converted(*arguments)

    monkeypatch.setattr(decode, "_picture", counted)
    for done, _ in enumerate(read_pictures(path, info, range(59, -1, -1)), start=1):
        assert len(alive) - done < 6


def test_frames_hidden_by_an_edit_list_are_not_shown(make_video) -> None:
    path = make_video(
        "edited.mp4", options={"bf": "0", "g": "5"}, time_base=Fraction(1, 12_800), pts=range(0, 15_360, 512)
    )
    everything = list(read_pictures(path, probe_video(path)))
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12
    duration, _ = struct.unpack(">Ii", data[at : at + 8])
    data[at : at + 8] = struct.pack(">Ii", duration - 480, 12 * 512)
    path.write_bytes(data)
    info = probe_video(path)
    assert info.frame_count == 18
    assert pixels(list(read_pictures(path, info))) == pixels(everything[12:])
    assert pixels(list(read_pictures(path, info, [17, 1, 0]))) == pixels([everything[i] for i in (29, 13, 12)])


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("ccw", [0, 90, 180, 270])
def test_rotated_sources_come_upright(make_video, pixel_format: str, ccw: int, mirrored: bool) -> None:
    options = {"crf": "10"}
    plain = make_video("plain.mp4", pixel_format=pixel_format, pts=range(2), options=options)
    turned = make_video(
        "turned.mp4", pixel_format=pixel_format, pts=range(2), options=options, rotation_ccw_deg=ccw, mirrored=mirrored
    )
    coded = next(read_pictures(plain, probe_video(plain)))
    shown = next(read_pictures(turned, probe_video(turned)))
    expected = np.rot90(coded.rgb(), ccw // 90)
    if mirrored:
        expected = expected[:, ::-1]
    assert shown.rgb().shape == expected.shape
    assert np.abs(shown.rgb().astype(int) - expected).mean() < 2


def test_odd_sizes_become_full_chroma(make_video) -> None:
    path = make_video("odd.webm", "libvpx-vp9", size_wh=(95, 63))
    info = probe_video(path)
    picture = next(read_pictures(path, info))
    assert (info.working_format, picture.width, picture.height) == ("yuv444p", 95, 63)
    assert all(plane.shape == (63, 95) for plane in picture.planes)


def test_reference_mode_reads_rgb_planes(make_video) -> None:
    path = make_video("a.mp4", tags=(1, 1, 1, 1))
    info = probe_video(path)
    rgb = next(read_pictures(path, info, [4], working_format="gbrp"))
    yuv = next(read_pictures(path, info, [4]))
    assert (rgb.format, rgb.index) == ("gbrp", 4)
    assert np.array_equal(rgb.rgb(), yuv.rgb(Roi(0, 0, 96, 64)))


def test_a_damaged_frame_repeats_the_one_before(make_video) -> None:
    path = make_video("damaged.avi", "mjpeg", "yuvj420p")
    info = probe_video(path)
    whole = pixels(list(read_pictures(path, info)))
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    start, size = packets[10]
    data[start : start + size] = bytes(size)
    path.write_bytes(data)
    damaged = list(read_pictures(path, info))
    assert [picture.index for picture in damaged] == list(range(30))
    assert pixels(damaged) == [*whole[:10], whole[9], *whole[11:]]


def test_a_file_cut_after_probing_repeats_its_last_frame(make_video) -> None:
    path = make_video("cut.ts", options={"bf": "0", "g": "5"}, pts=range(50))
    info = probe_video(path)
    whole = pixels(list(read_pictures(path, info)))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    pictures = list(read_pictures(path, info))
    assert [picture.index for picture in pictures] == list(range(50))
    kept = pixels(pictures)
    assert kept[:10] == whole[:10]
    assert kept[-1] == kept[-2]
    assert [picture.pts for picture in pictures] == info.timestamps.tolist()


def test_missing_leading_keyframes_are_left_out_of_time_and_pictures(make_video) -> None:
    path = make_video("tail.ts", options={"bf": "0", "g": "10", "sc_threshold": "0"}, pts=range(40))
    data = path.read_bytes()
    with av.open(str(path)) as container:
        cut = [packet.pos for packet in container.demux(video=0) if packet.size][5]
    path.write_bytes(data[cut - cut % 188 :])
    info = probe_video(path)
    assert info.frame_count == 30
    first = next(read_pictures(path, info))
    assert first.pts == 0
    assert bar_position(first) == 24 + 20


@pytest.mark.parametrize("index", [-1, 30])
def test_an_index_outside_the_video_is_refused(make_video, index: int) -> None:
    path = make_video("a.mp4")
    with pytest.raises(InvalidParameter, match="30 frames"):
        list(read_pictures(path, probe_video(path), [index]))


def test_a_real_clip_reads_backwards(clips: Path) -> None:
    path = clips / "demo1_video.mp4"
    info: VideoInfo = probe_video(path)
    checks: NDArray[np.int64] = np.array(
        [picture.planes[0].sum(dtype=np.int64) for picture in read_pictures(path, info, range(24))]
    )
    backwards = [picture.planes[0].sum(dtype=np.int64) for picture in read_pictures(path, info, range(23, -1, -1))]
    assert backwards == checks[::-1].tolist()
