"""Videos of drawn people become training clips; the real detector looks at them."""

import csv
import shutil
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.quality.sync_networks import ChungSyncNet, StableSyncNet, SyncNetwork
from services.common.errors import InvalidParameter
from services.common.media.decode import read_pictures
from services.common.media.probe import probe_video
from services.preprocess.faces.detector import MeshDetector
from training.prepare import PrepareSettings, prepare
from training.synthetic.clip import write_clip, write_mp4
from training.synthetic.identity import draw_identity
from training.synthetic.pose import still_pose
from training.synthetic.splits import identity_rng
from training.waveforms import stretch_of

SIDE = 64
SETTINGS = PrepareSettings(least_s=1, most_s=2)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3.4 s at 50 fps, louder every 40 ms."""
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    mouth, pose = np.full((170, 3), 0.3), still_pose(170)
    write_clip(path, draw_identity(identity_rng("train", 1)), mouth, pose, rising_tone(85), fps=50, size_px=192)
    return path


def rising_tone(frames: int) -> NDArray[np.int16]:
    samples = np.arange(frames * 640)
    return np.round(np.sin(samples * 2 * np.pi / 16) * (1000 + 100 * (samples // 640))).astype(np.int16)


def loudness(pcm_int16: NDArray[np.int16]) -> NDArray[np.float64]:
    """The tone's amplitude every 40 ms, in steps of `rising_tone`: the frame it was made for."""
    blocks = pcm_int16.reshape(-1, 640).astype(np.float64)
    return np.asarray((np.sqrt(2 * (blocks**2).mean(axis=1)) - 1000) / 100)


def sound_of(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def test_a_run_becomes_clips_of_aligned_faces_with_their_sound(
    talk: Path, detector: MeshDetector, tmp_path: Path
) -> None:
    source = tmp_path / "videos" / "somebody"
    source.mkdir(parents=True)
    shutil.copy(talk, source)

    summary = prepare(source.parent, tmp_path / "clips", SETTINGS, SIDE, detector)

    assert summary.sync_network is None
    assert [(clip.name, clip.frames) for clip in summary.kept] == [("somebody-talk-000", 50), ("somebody-talk-001", 35)]
    for clip, first in zip(summary.kept, (0, 50), strict=True):
        info = probe_video(tmp_path / "clips" / f"{clip.name}.mp4")
        assert (info.width, info.height, info.frame_count) == (SIDE, SIDE, clip.frames)
        assert info.average_fps == 25
        heard = loudness(sound_of(tmp_path / "clips" / f"{clip.name}.wav"))
        assert len(heard) == clip.frames
        np.testing.assert_allclose(heard[3:-3], first + np.arange(clip.frames)[3:-3], atol=1)
    faces = np.stack([picture.rgb() for picture in read_pictures(tmp_path / "clips" / "somebody-talk-000.mp4", info)])
    assert np.abs(np.diff(faces.astype(np.float64), axis=0)).mean() < 1.5, "the aligned face stands still"


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(talk: Path, detector: MeshDetector, tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "notes.txt").write_text("not a video")
    (videos / "broken.mp4").write_bytes(talk.read_bytes()[:2000])
    grey = (np.full((96, 96, 3), 90, np.uint8) for _ in range(50))
    write_mp4(videos / "empty.mp4", grey, rising_tone(50), 25, (96, 96))
    shutil.copy(talk, videos / "z.mp4")

    summary = prepare(videos, tmp_path / "clips", SETTINGS, SIDE, detector)

    reasons = {source.source: source.dropped for source in summary.sources}
    assert "not a media file" in str(reasons["notes.txt"])
    assert "cut short or damaged" in str(reasons["broken.mp4"])
    assert "in sight" in str(reasons["empty.mp4"])
    assert reasons["z.mp4"] is None
    assert summary.kept_s == 3.4
    with (tmp_path / "clips" / "summary.csv").open() as table:
        rows = {row["source"]: row for row in csv.DictReader(table) if row["dropped"]}
    assert rows.keys() == {"notes.txt", "broken.mp4", "empty.mp4"}
    kept = {path.name for path in (tmp_path / "clips").iterdir() if path.suffix in (".mp4", ".wav")}
    assert kept == {"z-000.mp4", "z-000.wav", "z-001.mp4", "z-001.wav"}


def test_a_second_run_only_prepares_what_is_new(talk: Path, detector: MeshDetector, tmp_path: Path) -> None:
    videos, clips = tmp_path / "videos", tmp_path / "clips"
    videos.mkdir()
    shutil.copy(talk, videos / "a.mp4")
    prepare(videos, clips, SETTINGS, SIDE, detector)
    (clips / "a-000.mp4").unlink()
    shutil.copy(talk, videos / "a.mov")

    summary = prepare(videos, clips, SETTINGS, SIDE, detector)

    assert [clip.name for clip in summary.kept] == ["a-000", "a-001", "a_2-000", "a_2-001"]
    assert not (clips / "a-000.mp4").exists(), "a clip that somebody deleted stays deleted"
    assert (clips / "a_2-000.mp4").exists()


class DarkWhereLoud(SyncNetwork):
    """Compares how dark the mouth is, being open, with how loud the sound is; over 16 frames."""

    def __init__(self) -> None:
        for name, value in {"window_frames": 16, "size_wh": (SIDE, SIDE // 2)}.items():
            object.__setattr__(self, name, value)

    @property
    def description(self) -> str:
        return "dark where loud"

    def spectrum(self, pcm_int16: NDArray[np.int16]) -> NDArray[np.floating]:
        return loudness(pcm_int16)[None]

    def see(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return course(-np.stack(images).mean(axis=(1, 2, 3)))

    def hear(self, spectrum: NDArray[np.floating], tick: int) -> NDArray[np.float32] | None:
        if not 0 <= tick <= spectrum.shape[1] - self.window_frames:
            return None
        return course(spectrum[0, tick : tick + self.window_frames])


class SeesLowerHalves(DarkWhereLoud, StableSyncNet):
    pass


class SeesMouths(DarkWhereLoud, ChungSyncNet):
    pass


def course(values: NDArray[np.floating]) -> NDArray[np.float32]:
    centred = values - values.mean()
    return np.asarray(centred / (np.linalg.norm(centred) + 1e-6), np.float32)


def write_late_talk(path: Path, late_frames: int) -> NDArray[np.float64]:
    """80 frames of a mouth that opens as the sound gets louder, but late; returns the sound's loudness."""
    level = np.convolve(np.random.default_rng(0).uniform(0, 1, 82), np.ones(3) / 3, "valid")
    opening = np.concatenate([np.zeros(late_frames), level[: 80 - late_frames]])
    mouth = np.stack([opening, np.full(80, 0.3), np.zeros(80)], axis=1)
    tone = np.sin(np.arange(80 * 640) * 2 * np.pi / 16) * (1000 + 8000 * np.repeat(level, 640))
    identity = draw_identity(identity_rng("train", 1))
    write_clip(path, identity, mouth, still_pose(80), np.round(tone).astype(np.int16), size_px=192)
    return 80 * level


@pytest.mark.parametrize("kind", [SeesLowerHalves, SeesMouths])
def test_sound_is_moved_to_its_picture(kind: type[DarkWhereLoud], detector: MeshDetector, tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    loud = write_late_talk(tmp_path / "videos" / "late.mp4", late_frames=3)
    settings = PrepareSettings(least_s=3, most_s=4, least_sync_confidence=0.3)

    summary = prepare(tmp_path / "videos", tmp_path / "clips", settings, SIDE, detector, kind())

    (clip,) = summary.kept
    assert clip.sync_offset_frames == 3
    heard = loudness(sound_of(tmp_path / "clips" / "late-000.wav"))
    assert len(heard) == 80
    np.testing.assert_allclose(heard[4:], loud[1:-3], atol=8)


@pytest.mark.parametrize(
    ("filtered", "reason"),
    [({"least_sync_confidence": 0.3, "most_offset_frames": 2}, "3 frames late"), ({}, "not confident")],
)
def test_clips_out_of_sync_are_dropped(
    filtered: dict[str, float], reason: str, detector: MeshDetector, tmp_path: Path
) -> None:
    (tmp_path / "videos").mkdir()
    write_late_talk(tmp_path / "videos" / "late.mp4", late_frames=3)
    settings = PrepareSettings(least_s=3, most_s=4).model_copy(update=filtered)

    summary = prepare(tmp_path / "videos", tmp_path / "clips", settings, SIDE, detector, SeesLowerHalves())

    assert summary.sync_network == "dark where loud"
    ((clip,),) = (source.clips for source in summary.sources)
    assert reason in str(clip.dropped)
    assert clip.sync_confidence is not None
    assert {path.name for path in (tmp_path / "clips").iterdir()} == {"index.jsonl", "summary.csv"}


def test_a_folder_without_files_is_refused(detector: MeshDetector, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="no files"):
        prepare(tmp_path, tmp_path / "clips", SETTINGS, SIDE, detector)


def test_a_stretch_is_silent_beyond_the_sounds_ends() -> None:
    sound = np.array([1, 2, 3], np.int16)

    assert stretch_of(sound, -2, 4).tolist() == [0, 0, 1, 2]
    assert stretch_of(sound, 2, 3).tolist() == [3, 0, 0]
    assert stretch_of(sound, 5, 2).tolist() == [0, 0]
    assert stretch_of(sound, -5, 3).tolist() == [0, 0, 0]
