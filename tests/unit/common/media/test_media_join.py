"""The output: segments in a row with exact times, and the caller's sound untouched."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from services.common.errors import InvalidParameter, LipstageError, NoAudioStream, OutputUnwritable
from services.common.media.audio import decode_pcm16k_mono
from services.common.media.decode import read_pictures
from services.common.media.encode import EncoderSettings, SegmentEncoder
from services.common.media.join import Joined, decoding_timestamps, join
from services.common.media.probe import VideoInfo, probe_audio, probe_video

PTS = [0, 500, 513, 1024, 3000, 3013, 3600, 4100, 4612, 5124, 5636, 6148, 6660, 9000, 9512, 10_024, 10_536, 11_048]
CLOCK = Fraction(1, 12_800)


@pytest.fixture
def source(make_video) -> tuple[Path, VideoInfo]:
    path = make_video("source.mp4", pts=PTS, time_base=CLOCK)
    return path, probe_video(path)


def segments_of(source: tuple[Path, VideoInfo], cuts: Sequence[int], codec: str = "auto") -> list[Path]:
    path, info = source
    paths = []
    for number, (start, end) in enumerate(pairwise(cuts)):
        paths.append(path.with_name(f"segment{number}.mp4"))
        with SegmentEncoder(paths[-1], info, info.time_base, EncoderSettings(codec=codec, preset="fast")) as segment:
            for picture in read_pictures(path, info, range(start, end)):
                segment.write(picture, picture.pts)
    return paths


def joined(source: tuple[Path, VideoInfo], output: Path, audio: Path | None = None, **options) -> Joined:
    segments = segments_of(source, [0, 7, 18], options.pop("codec", "auto"))
    return join(segments, source[1].timestamps, 512, CLOCK, output, audio, **options)


def audio_packets(path: Path, end_s: float = 1e9) -> list[bytes]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return [bytes(p) for p in container.demux(stream) if p.size and p.pts * stream.time_base < end_s]


def audio_parameters(path: Path) -> tuple[object, ...]:
    with av.open(str(path)) as container:
        context = container.streams.audio[0].codec_context
        return context.codec.canonical_name, context.sample_rate, context.channels, context.extradata


def decoded_audio(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".mp4", "h264"),
        (".mp4", "hevc"),
        (".mp4", "av1"),
        (".mov", "h264"),
        (".mov", "hevc"),
        (".mkv", "h264"),
        (".mkv", "hevc"),
        (".mkv", "av1"),
    ],
)
def test_uneven_times_are_exact_through_encode_and_join(
    source: tuple[Path, VideoInfo], tmp_path: Path, suffix: str, codec: str
) -> None:
    output = tmp_path / f"out{suffix}"
    joined(source, output, codec=codec)
    found = probe_video(output)
    wanted = [stamp * CLOCK for stamp in PTS]
    got = [stamp * found.time_base for stamp in found.timestamps.tolist()]
    if suffix == ".mkv":  # Matroska's clock has milliseconds
        assert max(abs(a - b) for a, b in zip(got, wanted, strict=True)) <= Fraction(1, 1000)
    else:
        assert got == wanted
        assert found.last_frame_duration * found.time_base == 512 * CLOCK
    before = [picture.planes[0].astype(float) for picture in read_pictures(*source)]
    after = [picture.planes[0].astype(float) for picture in read_pictures(output, found)]
    assert max(np.abs(a - b).mean() for a, b in zip(before, after, strict=True)) < 2


def test_joining_does_not_encode_again(source: tuple[Path, VideoInfo], tmp_path: Path) -> None:
    segments = segments_of(source, [0, 7, 18])
    join(segments, PTS, 512, CLOCK, tmp_path / "out.mp4")
    of_segments = []
    for segment in segments:
        with av.open(str(segment)) as container:
            of_segments += [bytes(packet) for packet in container.demux(video=0) if packet.size]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [bytes(packet) for packet in container.demux(video=0) if packet.size] == of_segments


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels"),
    [
        ("voice.wav", "pcm_s16le", 48_000, 2),
        ("voice.wav", "pcm_s24le", 16_000, 1),
        ("voice.m4a", "aac", 44_100, 2),
        ("voice.flac", "flac", 44_100, 1),
    ],
)
def test_the_callers_sound_is_copied_packet_by_packet(
    source: tuple[Path, VideoInfo],
    make_sound,
    tmp_path: Path,
    suffix: str,
    name: str,
    codec: str,
    rate: int,
    channels: int,
) -> None:
    voice = make_sound(name, codec, rate, channels)
    output = tmp_path / f"out{suffix}"
    report = joined(source, output, voice)
    assert (report.audio_copied, report.audio_codec, report.video_codec) == (True, codec, "h264")
    assert b"".join(audio_packets(output)) == b"".join(audio_packets(voice))
    assert audio_parameters(output) == audio_parameters(voice)
    before, after = decoded_audio(voice), decoded_audio(output)
    priming = after.shape[1] - before.shape[1]  # Matroska has no place for an AAC encoder's delay: it is played
    assert priming == (1024 if (suffix, codec) == (".mkv", "aac") else 0)
    np.testing.assert_array_equal(after[:, priming:], before)


def test_sound_comes_out_of_a_video_too(source: tuple[Path, VideoInfo], make_video, tmp_path: Path) -> None:
    other = make_video("other.mkv", sound_start_s=0.3)
    report = joined(source, tmp_path / "out.mp4", other)
    assert report.audio_codec == "aac"
    assert audio_packets(tmp_path / "out.mp4") == audio_packets(other)
    heard, expected = decode_pcm16k_mono(tmp_path / "out.mp4"), decode_pcm16k_mono(other)
    onset = [int(np.argmax(np.abs(pcm.astype(int)) > 3_000)) for pcm in (heard, expected)]
    assert onset[0] == pytest.approx(onset[1], abs=32)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_an_aac_encoders_delay_stays_compensated(
    source: tuple[Path, VideoInfo], make_sound, tmp_path: Path, suffix: str
) -> None:
    burst = np.zeros((44_100, 1), np.int16)
    burst[22_050:] = 12_000 * np.sign(np.sin(np.arange(22_050) / 20))[:, None]
    output = tmp_path / f"out{suffix}"
    joined(source, output, make_sound("burst.m4a", "aac", 44_100, samples=burst))
    with av.open(str(output)) as container:
        frames = [
            (frame.time, np.abs(frame.to_ndarray()).max(axis=0) > 0.1)
            for frame in container.decode(container.streams.audio[0])
        ]
    with av.open(str(output)) as container:
        first_picture_s = next(container.decode(video=0)).time
    onset_s = next(time + np.argmax(loud) / 44_100 for time, loud in frames if loud.any())
    assert onset_s - first_picture_s == pytest.approx(0.5, abs=0.005)


def test_sound_past_the_end_is_dropped_by_the_packet(
    source: tuple[Path, VideoInfo], make_sound, tmp_path: Path
) -> None:
    voice = make_sound("voice.m4a", "aac", 44_100, duration_s=3)
    joined(source, tmp_path / "out.mp4", voice, audio_end_s=0.9)
    assert audio_packets(tmp_path / "out.mp4") == audio_packets(voice, end_s=0.9)
    assert 0.9 <= probe_audio(tmp_path / "out.mp4").duration_s < 0.9 + 1025 / 44_100


@pytest.mark.parametrize(
    ("suffix", "video_codec", "audio_codec", "rate", "encoded"),
    [
        (".mp4", "h264", "pcm_u8", 22_050, "aac"),
        (".mov", "h264", "flac", 44_100, "aac"),
        (".webm", "av1", "flac", 48_000, "opus"),
    ],
)
def test_sound_the_container_cannot_hold_is_encoded(
    source: tuple[Path, VideoInfo],
    make_sound,
    tmp_path: Path,
    suffix: str,
    video_codec: str,
    audio_codec: str,
    rate: int,
    encoded: str,
) -> None:
    voice = make_sound("voice.flac" if audio_codec == "flac" else "voice.wav", audio_codec, rate, channels=2)
    output = tmp_path / f"out{suffix}"
    report = joined(source, output, voice, codec=video_codec)
    assert (report.audio_copied, report.audio_codec) == (False, encoded)
    found = probe_audio(output)
    assert (found.sample_rate, found.channels) == (rate, 2)
    heard, expected = decode_pcm16k_mono(output), decode_pcm16k_mono(voice)
    middle = slice(4_000, 12_000)
    likeness = {shift: np.corrcoef(np.roll(heard, shift)[middle], expected[middle])[0, 1] for shift in range(-8, 9)}
    assert max(likeness.values()) > 0.98


def test_the_same_inputs_give_the_same_bytes(source: tuple[Path, VideoInfo], make_sound, tmp_path: Path) -> None:
    segments, voice = segments_of(source, [0, 9, 18]), make_sound("voice.wav")
    for suffix in (".mp4", ".mkv"):
        outputs = [tmp_path / f"{name}{suffix}" for name in ("once", "again")]
        for output in outputs:
            join(segments, PTS, 512, CLOCK, output, voice)
        assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_mp4_can_be_played_while_it_loads(source: tuple[Path, VideoInfo], tmp_path: Path) -> None:
    joined(source, tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_decoding_times_never_pass_presentation_times() -> None:
    pts = np.array([0, 10, 11, 30, 50, 51], np.int64)
    ranks = np.array([0, 3, 1, 2, 5, 4], np.int64)
    dts = decoding_timestamps(ranks, pts)
    assert dts.tolist() == [-10, 0, 10, 11, 30, 50]
    assert (dts <= pts[ranks]).all()


@pytest.mark.parametrize(
    ("name", "codec", "error"),
    [
        ("out.xyz", "auto", InvalidParameter),
        ("out.webm", "h264", InvalidParameter),
        ("out.mov", "av1", InvalidParameter),
        ("gone/out.mp4", "auto", OutputUnwritable),
    ],
)
def test_outputs_that_cannot_be_written(
    source: tuple[Path, VideoInfo], tmp_path: Path, name: str, codec: str, error: type[Exception]
) -> None:
    before = set(tmp_path.iterdir())
    with pytest.raises(error, match=Path(name).name):
        joined(source, tmp_path / name, codec=codec)
    left = {path.name for path in set(tmp_path.iterdir()) - before}
    assert left == {"segment0.mp4", "segment1.mp4"}


def test_a_failure_leaves_the_old_output_and_nothing_else(
    source: tuple[Path, VideoInfo], make_video, tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    output.write_bytes(b"the last good one")
    silent = make_video("silent.mp4")
    with pytest.raises(NoAudioStream):
        joined(source, output, silent)
    assert output.read_bytes() == b"the last good one"
    assert not list(tmp_path.glob(".*"))


def test_segments_of_other_encodes_are_refused(source: tuple[Path, VideoInfo], make_video, tmp_path: Path) -> None:
    segments = segments_of(source, [0, 9])
    with pytest.raises(LipstageError, match="do not fit together: 9 frames for 18"):
        join(segments, PTS, 512, CLOCK, tmp_path / "out.mp4")
    stranger = make_video("stranger.mp4", pts=range(9), size_wh=(64, 64))
    with pytest.raises(LipstageError, match="2 encoder configurations"):
        join([*segments, stranger], PTS, 512, CLOCK, tmp_path / "out.mp4")


def test_names_that_look_like_options_and_urls_are_written(source: tuple[Path, VideoInfo], tmp_path: Path) -> None:
    for name in ("-y.mp4", "http:a b's “c”.mp4"):
        joined(source, tmp_path / name)
        assert probe_video(tmp_path / name).frame_count == len(PTS)
