"""Real faces in 1080p, each dubbed with another clip's voice."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
import numpy as np
import pytest
from command import Lipstage
from numpy.typing import NDArray

from cli.dub import dub_file
from services.common.chunk_files import PASSED_THROUGH, Manifest
from services.common.media.picture import Picture, Roi
from services.common.messages import DubParameters, Mode, OutputParameters, Span
from services.common.settings import Settings
from services.composite import stage as composite_stage
from services.composite.paste import studio_patch

FEW_STEPS = DubParameters(steps=1, guidance_scale=1, output=OutputParameters(preset="ultrafast"))


def frame_times_s(path: Path) -> NDArray[np.float64]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return np.sort([float(p.pts * p.time_base) for p in container.demux(stream) if p.pts is not None])


def decoded_frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def sound(path: Path) -> tuple[str, int, int, str]:
    """Codec, rate, channels and a digest of all packets' bytes."""
    digest = hashlib.sha256()
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        for packet in container.demux(stream):
            digest.update(bytes(packet))
        context = stream.codec_context
        return context.name, context.sample_rate, context.layout.nb_channels, digest.hexdigest()


def sound_length_s(path: Path) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return sum(frame.samples for frame in container.decode(stream)) / stream.codec_context.sample_rate


class OutsideWatch:
    """Looks at every picture on its way to the encoder."""

    def __init__(self) -> None:
        self.dubbed = 0
        self.passed_through = 0

    def composited(
        self, pictures: Iterator[Picture], manifest: Manifest, faces: Mapping[int, Path], mode: Mode
    ) -> Iterator[Picture]:
        sources: list[Picture] = []

        def remembered() -> Iterator[Picture]:
            for picture in pictures:
                sources.append(picture)
                yield picture

        results = composite_stage_composited(remembered(), manifest, faces, mode)
        for picture, chunk, matrix in zip(results, manifest.chunk, manifest.matrices, strict=True):
            source = sources.pop()
            if chunk == PASSED_THROUGH:
                self.passed_through += 1
                assert all(map(np.array_equal, picture.planes, source.planes))
            else:
                self.dubbed += 1
                if self.dubbed % 4 == 1:
                    self._check(source, picture, matrix)
            yield picture

    @staticmethod
    def _check(source: Picture, picture: Picture, matrix: NDArray[np.float64]) -> None:
        blank = np.zeros((128, 128, 3), np.uint8)
        patch = studio_patch(blank, matrix, 128, (source.width, source.height))
        alpha = np.zeros((source.height, source.width), np.float32)
        rows, columns = patch.roi.slices()
        alpha[rows, columns] = patch.alpha
        for before, after in zip(source.planes, picture.planes, strict=True):
            step_y, step_x = source.height // before.shape[0], source.width // before.shape[1]
            touched = alpha.reshape(before.shape[0], step_y, before.shape[1], step_x).max(axis=(1, 3)) > 0
            assert np.array_equal(before[~touched], after[~touched])
        assert not np.array_equal(picture.planes[0][alpha > 0.5], source.planes[0][alpha > 0.5])
        assert patch.roi.w * patch.roi.h < source.width * source.height / 4
        assert isinstance(patch.roi, Roi)


composite_stage_composited = composite_stage.composited


@pytest.mark.parametrize(("clip", "voice"), [(1, 2), (2, 3), (3, 1)])
def test_dubbing_keeps_everything_but_the_mouth(
    clip: int, voice: int, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, audio, output = clips / f"demo{clip}_video.mp4", clips / f"demo{voice}_audio.wav", tmp_path / "out.mp4"
    watch = OutsideWatch()
    monkeypatch.setattr(composite_stage, "composited", watch.composited)

    dub_file(video, audio, output, FEW_STEPS, Settings(work_dir=tmp_path / "work"))

    source_s = frame_times_s(video) - frame_times_s(video)[0]
    sound_s = sound_length_s(audio)
    frame_s = float(np.diff(source_s).min())
    expected_s = np.arange(int(np.ceil(round(sound_s / frame_s, 6)))) * frame_s
    result_s = frame_times_s(output)
    assert len(result_s) == len(expected_s) == decoded_frames(output)
    assert np.abs(result_s - expected_s).max() < 1e-6
    assert sound(output) == sound(audio)
    assert watch.dubbed + watch.passed_through == len(expected_s)
    assert watch.dubbed > 0.95 * len(expected_s)
    report = json.loads((tmp_path / "out.report.json").read_text())
    assert report["frames_dubbed"] == watch.dubbed
    assert report["audio_copied"] is True


def test_a_cut_ends_the_face_it_interrupts(clips: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    parameters = FEW_STEPS.model_copy(update={"length": "cut", "segments": (Span(start_s=8.0, end_s=12.5),)})

    dub_file(
        clips / "demo3_video.mp4", clips / "demo2_audio.wav", output, parameters, Settings(work_dir=tmp_path / "work")
    )

    report = json.loads((tmp_path / "out.report.json").read_text())
    faces = report["faces"]
    assert [(span["first_frame"], span["last_frame"]) for span in faces] == [(240, 270), (271, 374)]
    assert faces[0]["track"] != faces[1]["track"]


def test_probe_draws_the_faces(clips: Path, lipstage: Lipstage, tmp_path: Path) -> None:
    answer = lipstage(["probe", clips / "demo3_video.mp4", "--sheet", tmp_path / "faces.jpg"])

    assert answer.status == 0, answer
    assert "2 shots, 2 face tracks" in answer.stdout
    assert (tmp_path / "faces.jpg").stat().st_size > 5000
