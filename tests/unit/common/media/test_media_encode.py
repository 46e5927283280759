"""Segments: exact times, the source's tags, the same bytes twice."""

import resource
import signal
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from services.common.errors import DiskFull, OutputUnwritable
from services.common.media import encode as media_encode
from services.common.media.color import ColorTags
from services.common.media.decode import read_pictures
from services.common.media.encode import EncoderSettings, SegmentEncoder, VideoCodec, encoded_format, pick_codec
from services.common.media.picture import Roi
from services.common.media.probe import VideoInfo, probe_video

SAMPLE = Path(__file__).parents[4] / "samples" / "talking_head.mp4"
FAST = EncoderSettings(crf=12, preset="ultrafast")


def encode(source: Path, target: Path, settings: EncoderSettings = FAST, working_format=None) -> VideoInfo:
    info = probe_video(source)
    with SegmentEncoder(target, info, info.time_base, settings) as segment:
        for picture in read_pictures(source, info, working_format=working_format):
            segment.write(picture, picture.pts)
    return info


@pytest.mark.parametrize(
    ("source_codec", "pixel_format", "codec", "encoded_as"),
    [
        ("libx264", "yuv420p", "auto", ("h264", "yuv420p")),
        ("libx264", "yuv422p", "auto", ("h264", "yuv422p")),
        ("libx264", "yuv444p", "h264", ("h264", "yuv444p")),
        ("libx264", "yuv420p10le", "auto", ("hevc", "yuv420p10le")),
        ("prores_ks", "yuv422p10le", "auto", ("hevc", "yuv422p10le")),
        ("libx264", "yuv420p10le", "h264", ("h264", "yuv420p10le")),
        ("libx264", "yuv420p", "hevc", ("hevc", "yuv420p")),
        ("libx264", "yuv444p", "av1", ("av1", "yuv420p")),
        ("ffv1", "bgr0", "auto", ("h264", "yuv420p")),
    ],
)
def test_codec_and_format_follow_the_source(
    make_video, tmp_path: Path, source_codec: str, pixel_format: str, codec: str, encoded_as: tuple[str, str]
) -> None:
    source = make_video(
        "source.mov" if source_codec == "prores_ks" else "source.mkv", source_codec, pixel_format, pts=range(8)
    )
    encode(source, tmp_path / "segment.mp4", replace(FAST, codec=codec))
    found = probe_video(tmp_path / "segment.mp4")
    assert (found.codec, found.pixel_format) == encoded_as
    assert found.frame_count == 8
    assert found.keyframes[0] == 0


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_the_same_pictures_give_the_same_bytes(make_video, tmp_path: Path, codec: str) -> None:
    source = make_video("source.mp4", size_wh=(320, 192), pts=range(24))
    settings = EncoderSettings(codec=codec, preset="veryfast")
    for name in ("once.mp4", "again.mp4"):
        encode(source, tmp_path / name, settings)
    assert (tmp_path / "once.mp4").read_bytes() == (tmp_path / "again.mp4").read_bytes()


def test_another_processor_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = EncoderSettings(codec="h264", preset="veryfast")
    encode(SAMPLE, tmp_path / "here.mp4", settings)
    chosen = media_encode._encoder_options

    def as_on_an_old_one(codec: VideoCodec, settings: EncoderSettings) -> dict[str, str]:
        options = chosen(codec, settings)
        return {**options, "x264-params": f"{options['x264-params']}:asm=SSE2"}

    monkeypatch.setattr(media_encode, "_encoder_options", as_on_an_old_one)
    encode(SAMPLE, tmp_path / "there.mp4", settings)

    assert (tmp_path / "here.mp4").read_bytes() == (tmp_path / "there.mp4").read_bytes()


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_tags_and_pixel_shape_survive(make_video, tmp_path: Path, codec: str) -> None:
    source = make_video("source.mp4", tags=(9, 16, 9, 1), aspect=Fraction(4, 3), pts=range(4))
    info = encode(source, tmp_path / "segment.mp4", replace(FAST, codec=codec))
    found = probe_video(tmp_path / "segment.mp4")
    assert found.color == info.color == ColorTags(9, 16, 9, 1)
    assert found.sample_aspect_ratio == Fraction(4, 3)


def test_untagged_and_full_range_sources_stay_so(make_video, tmp_path: Path) -> None:
    encode(make_video("untagged.mp4", pts=range(4)), tmp_path / "a.mp4")
    assert probe_video(tmp_path / "a.mp4").color.matrix == 2
    encode(make_video("camera.avi", "mjpeg", "yuvj420p", pts=range(4)), tmp_path / "b.mp4")
    assert probe_video(tmp_path / "b.mp4").color.range == 2


@pytest.mark.parametrize(("height", "matrix"), [(64, 6), (720, 1)])
def test_rgb_sources_are_tagged_with_the_matrix_they_were_converted_by(
    make_video, tmp_path: Path, height: int, matrix: int
) -> None:
    source = make_video("screen.mkv", "ffv1", "bgr0", size_wh=(96, height), pts=range(3))
    info = encode(source, tmp_path / "segment.mp4")
    found = probe_video(tmp_path / "segment.mp4")
    assert (found.color.matrix, found.color.range) == (matrix, 1)
    before = next(read_pictures(source, info)).rgb()
    after = next(read_pictures(tmp_path / "segment.mp4", found)).rgb(Roi(0, 0, 96, height))
    assert np.abs(after.astype(float) - before).mean() < 2


def test_reference_mode_pictures_keep_the_sources_colours(make_video, tmp_path: Path) -> None:
    source = make_video("source.mp4", tags=(1, 1, 1, 1), pts=range(3), options={"crf": "5"})
    info = encode(source, tmp_path / "segment.mp4", working_format="gbrp")
    found = probe_video(tmp_path / "segment.mp4")
    assert found.color == info.color
    before, after = next(read_pictures(source, info)), next(read_pictures(tmp_path / "segment.mp4", found))
    for expected, plane in zip(before.planes, after.planes, strict=True):
        assert np.abs(plane.astype(float) - expected).mean() < 1.5


def test_odd_sizes_are_encoded(make_video, tmp_path: Path) -> None:
    encode(make_video("odd.webm", "libvpx-vp9", size_wh=(95, 63), pts=range(4)), tmp_path / "segment.mp4")
    found = probe_video(tmp_path / "segment.mp4")
    assert (found.width, found.height, found.pixel_format) == (95, 63, "yuv444p")


@pytest.mark.parametrize("time_base", [Fraction(1, 90_000), Fraction(1001, 30_000), Fraction(1, 1000)])
def test_times_are_exact(make_video, tmp_path: Path, time_base: Fraction) -> None:
    info = probe_video(make_video("source.mp4", pts=range(6)))
    stamps = [0, 1, 7, 8, 20, 1000]
    with SegmentEncoder(tmp_path / "segment.mp4", info, time_base, FAST) as segment:
        for picture in read_pictures(tmp_path / "source.mp4", info):
            segment.write(picture, stamps[picture.index])
    found = probe_video(tmp_path / "segment.mp4")
    assert [stamp * found.time_base for stamp in found.timestamps.tolist()] == [stamp * time_base for stamp in stamps]


def test_auto_picks_what_the_container_can_hold(make_video) -> None:
    info = probe_video(make_video("source.mp4", pts=range(2)))
    assert pick_codec("auto", info, ".webm") == "av1"
    assert pick_codec("auto", info, ".mkv") == "h264"
    assert pick_codec("hevc", info, ".mp4") == "hevc"
    assert encoded_format(replace(info, working_format="gbrp", width=95), "h264") == "yuv444p"


def test_a_failing_caller_leaves_no_file(make_video, tmp_path: Path) -> None:
    source = make_video("source.mp4")
    info = probe_video(source)
    with pytest.raises(ZeroDivisionError), SegmentEncoder(tmp_path / "out" / "segment.mp4", info, info.time_base, FAST):
        _ = 1 / 0 if (tmp_path / "out").mkdir() is None else 0
    assert list((tmp_path / "out").iterdir()) == []


def test_a_missing_folder_is_unwritable(make_video, tmp_path: Path) -> None:
    with pytest.raises(OutputUnwritable, match=r"segment\.mp4"):
        encode(make_video("source.mp4"), tmp_path / "gone" / "segment.mp4")


def test_no_space_is_disk_full_and_leaves_nothing(make_video, tmp_path: Path) -> None:
    source = make_video("source.mp4", size_wh=(320, 192))
    target = tmp_path / "out" / "segment.mp4"
    target.parent.mkdir()
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(DiskFull, match="no space left"):
            encode(source, target, replace(FAST, crf=0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(target.parent.iterdir()) == []


def test_segments_start_with_an_idr_and_stay_closed(make_video, tmp_path: Path) -> None:
    encode(make_video("source.mp4", pts=range(40)), tmp_path / "segment.mp4", EncoderSettings(preset="medium"))
    with av.open(str(tmp_path / "segment.mp4")) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert packets[0].is_keyframe
    assert min(packet.pts for packet in packets) == packets[0].pts
