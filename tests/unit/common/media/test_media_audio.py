"""The 16 kHz mono signal that the networks hear."""

from pathlib import Path

import av
import numpy as np
import pytest

from services.common.errors import AudioTooLong, NoAudioStream
from services.common.media.audio import decode_pcm16k_mono


def pitch_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * 16_000 / len(samples))


def test_16k_mono_comes_through_bit_for_bit(make_sound) -> None:
    samples = np.random.default_rng(0).integers(-32_768, 32_767, (40_001, 1)).astype(np.int16)
    assert np.array_equal(decode_pcm16k_mono(make_sound("voice.wav", samples=samples)), samples[:, 0])


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels"),
    [
        ("a.wav", "pcm_s16le", 48_000, 2),
        ("a.m4a", "aac", 44_100, 1),
        ("a.flac", "flac", 22_050, 1),
        ("a.ogg", "libopus", 48_000, 2),
        ("a.mkv", "pcm_s16le", 8_000, 1),
    ],
)
def test_other_sounds_are_resampled_in_place(make_sound, name: str, codec: str, rate: int, channels: int) -> None:
    pcm = decode_pcm16k_mono(make_sound(name, codec, rate, channels, duration_s=2.0))
    assert pcm.dtype == np.int16
    assert len(pcm) == pytest.approx(32_000, abs=1_100 if codec in ("aac", "libopus") else 20)
    assert pitch_hz(pcm[8_000:16_000]) == pytest.approx(440, abs=30)


def test_an_aac_encoders_delay_is_not_heard(make_sound) -> None:
    burst = np.zeros((44_100, 1), np.int16)
    burst[22_050:] = 12_000 * np.sign(np.sin(np.arange(22_050) / 20))[:, None]
    pcm = decode_pcm16k_mono(make_sound("burst.m4a", "aac", 44_100, samples=burst))
    assert int(np.argmax(np.abs(pcm.astype(int)) > 3_000)) == pytest.approx(8_000, abs=80)


@pytest.mark.parametrize("name", ["late.mp4", "late.mkv", "late.ts"])
def test_sound_that_starts_late_in_a_video_is_preceded_by_silence(make_video, name: str) -> None:
    pcm = decode_pcm16k_mono(make_video(name, sound_start_s=0.5))
    assert not pcm[: 8_000 - 700].any()
    assert np.abs(pcm[8_000 + 700 : 8_000 + 1_500].astype(int)).max() > 6_000
    assert len(pcm) == pytest.approx(24_000, abs=1_100)


def test_a_pause_in_the_timestamps_is_silence(make_sound, tmp_path: Path) -> None:
    path = tmp_path / "pause.mkv"
    with av.open(str(make_sound("voice.wav", duration_s=2))) as source, av.open(str(path), "w") as output:
        track = output.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = track
                if packet.pts * packet.time_base >= 1:
                    packet.pts, packet.dts = packet.pts + 16_000, packet.dts + 16_000
                output.mux(packet)
    pcm = decode_pcm16k_mono(path)
    assert len(pcm) == pytest.approx(48_000, abs=40)
    assert not pcm[17_000:31_000].any()
    assert pcm[33_000:].any()


def test_the_limit_stops_the_decoding(make_sound) -> None:
    path = make_sound("voice.wav", duration_s=3)
    assert len(decode_pcm16k_mono(path, max_s=3)) == 48_000
    with pytest.raises(AudioTooLong, match="limit of 2 s"):
        decode_pcm16k_mono(path, max_s=2)


def test_a_silent_video_has_no_sound_to_hear(make_video) -> None:
    with pytest.raises(NoAudioStream):
        decode_pcm16k_mono(make_video("silent.mp4"))
