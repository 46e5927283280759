"""The small video encoder learns how mouths move."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from export.random_weights import randomize
from training.__main__ import CONFIGS
from training.face_clips import FaceClips, FaceClipsSettings
from training.motion_reader import (
    MotionReader,
    MotionReaderTask,
    load_video_encoder,
    motion_losses,
)
from training.settings import LoopSettings
from training.speech_bank import SpeechBank
from training.video_encoder import FRAMES, SmallVideoEncoder


def test_any_batch_gives_one_row_of_features_per_clip() -> None:
    encoder = SmallVideoEncoder((8, 8, 16))
    randomize(encoder, seed=1)
    clips = torch.rand(3, 3, 16, 224, 224, generator=torch.Generator().manual_seed(1))

    features = encoder(clips)

    assert features.shape == (3, encoder.features)
    torch.testing.assert_close(encoder(clips[1:2])[0], features[1], atol=1e-5, rtol=1e-5)


def test_a_few_steps_teach_it_how_bright_each_frame_is() -> None:
    torch.manual_seed(1)
    reader = MotionReader(SmallVideoEncoder((8, 8, 16)))
    optimizer = torch.optim.Adam(reader.parameters(), 1e-2)
    generator = torch.Generator().manual_seed(1)
    brightness = torch.rand(4, FRAMES, 3, generator=generator)
    clips = brightness.transpose(1, 2)[..., None, None].expand(4, 3, FRAMES, 64, 64)

    losses = []
    for _ in range(30):
        loss = motion_losses(reader, clips, brightness, generator)["total"]
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())

    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])


def test_reversed_clips_are_asked_for_reversed_visemes() -> None:
    def reads_brightness(clips: Tensor) -> tuple[Tensor, Tensor]:
        return clips.mean(dim=(3, 4)).transpose(1, 2), torch.zeros(len(clips))

    brightness = torch.rand(8, FRAMES, 3, generator=torch.Generator().manual_seed(1))
    clips = brightness.transpose(1, 2)[..., None, None].expand(8, 3, FRAMES, 4, 4)

    losses = motion_losses(reads_brightness, clips, brightness, torch.Generator().manual_seed(1))

    assert losses["mouth"].item() == pytest.approx(0, abs=1e-6)
    assert losses["direction"].item() == pytest.approx(0.693, abs=1e-3)


def test_a_batch_pairs_faces_with_their_own_visemes_and_the_sheet_shows_both() -> None:
    visemes = np.zeros((2, 200, 3), np.float32)
    visemes[1, ::4] = np.arange(50, dtype=np.float32)[:, None] / 50
    spoken = (visemes[1, ::4][7:27] * 255).astype(np.uint8)
    faces = np.zeros((1, 2, 20, 8, 8, 3), np.uint8)
    faces[0, :] = spoken[:, None, None]
    clips = FaceClips(
        FaceClipsSettings("train", 1, 20, 8), faces, utterance=np.array([[1, 1]]), first_frame=np.array([[7, 7]])
    )
    task = MotionReaderTask(4, clips, SpeechBank(np.zeros((2, 32_000), np.int16), visemes))

    batch = task.batch(np.random.default_rng(1))

    assert batch.faces.shape == (4, FRAMES, 8, 8, 3)
    torch.testing.assert_close(batch.faces[:, :, 0, 0] / 255, batch.visemes, atol=1 / 255, rtol=0)
    sheet = task.sheet(MotionReader(SmallVideoEncoder()))
    assert sheet[0, 12 * 9, 0] == spoken[9, 0]


def test_the_encoder_of_a_trainings_weights_is_loaded_alone(tmp_path: Path) -> None:
    reader = MotionReader(SmallVideoEncoder())
    save_file(reader.state_dict(), tmp_path / "weights.safetensors")

    encoder = load_video_encoder(tmp_path / "weights.safetensors")

    pairs = zip(encoder.parameters(), reader.encoder.parameters(), strict=True)
    assert not encoder.training
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)
    assert LoopSettings.read(CONFIGS / "motion_reader.toml").steps > 0
