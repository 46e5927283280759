"""What probing says about videos and sounds of many kinds."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from services.common.errors import (
    AudioEmpty,
    AudioTooLong,
    FrameTooLarge,
    MediaTruncated,
    MediaUnreadable,
    NoAudioStream,
    NoVideoStream,
    VideoTooShort,
)
from services.common.media import probe
from services.common.media.color import ColorTags
from services.common.media.formats import working_format_of
from services.common.media.probe import probe_audio, probe_video


def test_uneven_timestamps_are_read_exactly(make_video) -> None:
    pts = [0, 3, 4, 11, 12, 13, 14, 30, 31, 47, 48, 49, 60]
    info = probe_video(make_video("vfr.mp4", pts=pts, time_base=Fraction(1, 12_800)))
    assert (info.timestamps * info.time_base).tolist() == [stamp * Fraction(1, 12_800) for stamp in pts]
    assert info.keyframes.tolist() == [0]


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mkv", "libx264", "yuv444p"),
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("h264.avi", "libx264", "yuv420p"),
        ("a.ts", "libx264", "yuv420p"),
        ("a.mkv", "ffv1", "yuv420p10le"),
        ("a.gif", "gif", "rgb8"),
    ],
)
def test_containers_give_every_frame_its_time(make_video, name: str, codec: str, pixel_format: str) -> None:
    info = probe_video(make_video(name, codec, pixel_format, options={"bf": "2"} if codec == "mpeg4" else None))
    expected_s = np.arange(30) / 25
    np.testing.assert_allclose(info.timestamps * float(info.time_base), expected_s, atol=6e-4)
    assert info.duration_s == pytest.approx(1.2, abs=2e-3)
    assert float(info.average_fps) == pytest.approx(25, rel=2e-3)
    assert info.working_format == ("gbrp" if pixel_format == "rgb8" else pixel_format)


def test_frames_hidden_by_an_edit_list_are_left_out(make_video) -> None:
    path = make_video(
        "edited.mp4", options={"bf": "0", "g": "5"}, time_base=Fraction(1, 12_800), pts=range(0, 15_360, 512)
    )
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4
    _, entries, duration, media_time = struct.unpack(">IIIi", data[at : at + 16])
    assert (entries, media_time) == (1, 0)
    data[at + 8 : at + 16] = struct.pack(">Ii", duration - 480, 12 * 512)
    path.write_bytes(data)
    info = probe_video(path)
    assert info.frame_count == 18
    assert info.timestamps.tolist() == list(range(0, 18 * 512, 512))


@pytest.mark.parametrize(("ccw", "clockwise"), [(0, 0), (90, 270), (180, 180), (270, 90)])
def test_rotation_makes_the_size_upright(make_video, ccw: int, clockwise: int) -> None:
    info = probe_video(make_video("turned.mp4", rotation_ccw_deg=ccw, aspect=Fraction(4, 3)))
    assert info.rotation_deg == clockwise
    turned = clockwise in (90, 270)
    assert (info.width, info.height) == ((64, 96) if turned else (96, 64))
    assert (info.coded_width, info.coded_height) == (96, 64)
    assert info.sample_aspect_ratio == (Fraction(3, 4) if turned else Fraction(4, 3))


def test_colour_tags_are_read(make_video) -> None:
    info = probe_video(make_video("tagged.mp4", tags=(9, 14, 9, 1)))
    assert info.color == ColorTags(primaries=9, trc=14, matrix=9, range=1)
    untagged = probe_video(make_video("untagged.mp4"))
    assert (untagged.color.primaries, untagged.color.matrix) == (2, 2)


def test_full_range_mjpeg_formats_are_recognised(make_video) -> None:
    info = probe_video(make_video("camera.avi", "mjpeg", "yuvj420p"))
    assert (info.working_format, info.color.range) == ("yuv420p", 2)


@pytest.mark.parametrize(
    ("pixel_format", "size_wh", "quarter_turn", "expected"),
    [
        ("yuvj422p", (64, 48), False, "yuv422p"),
        ("nv12", (64, 48), False, "yuv420p"),
        ("p010le", (64, 48), False, "yuv420p10le"),
        ("yuv420p12le", (64, 48), False, "yuv420p10le"),
        ("yuv411p", (64, 48), False, "yuv422p"),
        ("yuva444p", (64, 48), False, "yuv444p"),
        ("gray", (64, 48), False, "yuv420p"),
        ("pal8", (64, 48), False, "gbrp"),
        ("rgba", (64, 48), False, "gbrp"),
        ("gbrp12le", (64, 48), False, "gbrp"),
        ("yuv420p", (63, 48), False, "yuv444p"),
        ("yuv420p10le", (64, 47), False, "yuv444p10le"),
        ("yuv422p", (64, 47), False, "yuv422p"),
        ("yuv422p", (64, 48), True, "yuv444p"),
        ("yuv420p", (64, 48), True, "yuv420p"),
    ],
)
def test_working_formats(pixel_format: str, size_wh: tuple[int, int], quarter_turn: bool, expected: str) -> None:
    assert working_format_of(pixel_format, *size_wh, quarter_turn=quarter_turn) == expected


def test_sound_only_has_no_video_and_silent_video_no_sound(make_video, make_sound) -> None:
    with pytest.raises(NoVideoStream, match="voice"):
        probe_video(make_sound("voice.wav"))
    silent = make_video("silent.mp4")
    assert not probe_video(silent).has_audio
    with pytest.raises(NoAudioStream, match="silent"):
        probe_audio(silent)
    assert probe_video(make_video("both.mp4", sound_start_s=0)).has_audio


def test_cover_art_is_not_a_video(make_sound, tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(make_sound("song.wav"))) as song, av.open(str(path), "w") as output:
        sound = output.add_stream_from_template(song.streams.audio[0])
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        output.mux(cover.encode(av.VideoFrame(64, 64, "yuvj420p")))
        output.mux(cover.encode(None))
        for packet in song.demux(song.streams.audio[0]):
            if packet.size:
                packet.stream = sound
                output.mux(packet)
    with av.open(str(path)) as check:
        assert len(check.streams.video) == 1
    with pytest.raises(NoVideoStream):
        probe_video(path)


def test_an_unknown_codec_is_unreadable(make_video) -> None:
    path = make_video("odd.mp4")
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(MediaUnreadable, match="video codec"):
        probe_video(path)


def test_one_frame_is_too_short(make_video) -> None:
    with pytest.raises(VideoTooShort, match="1 video frame"):
        probe_video(make_video("still.mp4", pts=[0]))


def test_a_side_over_8k_is_refused(make_video) -> None:
    with pytest.raises(FrameTooLarge, match="8200×64"):
        probe_video(make_video("wide.mkv", "ffv1", size_wh=(8200, 64), pts=[0]))


def test_an_area_over_8k_is_refused(make_video, monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe.MAX_AREA_PX == 8192 * 4608
    monkeypatch.setattr(probe, "MAX_AREA_PX", 96 * 64 - 1)
    with pytest.raises(FrameTooLarge, match="96×64"):
        probe_video(make_video("big.mp4"))


def test_a_video_that_stops_half_way_is_truncated(make_video) -> None:
    path = make_video("half.mp4", pts=range(100), options={"bf": "0", "g": "10"})
    whole = path.with_name("whole.mp4")
    with av.open(str(path)) as source, av.open(str(whole), "w", options={"movflags": "+faststart"}) as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(MediaTruncated, match=r"declares 4\.0 s"):
        probe_video(whole)


def test_sound_parameters_are_read(make_sound) -> None:
    info = probe_audio(make_sound("voice.m4a", "aac", rate=44_100, channels=2, duration_s=1.5))
    assert (info.codec, info.sample_rate, info.channels) == ("aac", 44_100, 2)
    assert info.duration_s == pytest.approx(1.5, abs=0.03)


def test_sound_limits(make_sound) -> None:
    path = make_sound("voice.wav", duration_s=2)
    assert probe_audio(path, max_s=2.5).duration_s == pytest.approx(2)
    with pytest.raises(AudioTooLong, match=r"1\.5 s"):
        probe_audio(path, max_s=1.5)


def test_a_sound_without_samples_is_empty(make_sound) -> None:
    path = make_sound("none.wav")
    data = path.read_bytes()
    at = data.index(b"data")
    path.write_bytes(data[: at + 4] + struct.pack("<I", 0))
    with pytest.raises(AudioEmpty):
        probe_audio(path)


def test_a_sound_file_that_was_cut_is_truncated(make_sound) -> None:
    path = make_sound("cut.flac", "flac", duration_s=20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaTruncated, match=r"cut\.flac"):
        probe_audio(path)


def test_real_clips_probe(clips: Path) -> None:
    info = probe_video(clips / "demo1_video.mp4")
    assert (info.width, info.height, info.frame_count, info.average_fps) == (1080, 1920, 250, 25)
    assert info.color == ColorTags(1, 1, 1, 1)
    assert probe_audio(clips / "demo1_audio.wav").duration_s == pytest.approx(9.6)
