"""What a step of StableSyncNet's training sees, and that it learns from it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.__main__ import CONFIGS
from training.face_clips import FaceClips, FaceClipsSettings
from training.loop import WEIGHTS
from training.speech_bank import SpeechBank
from training.stable_syncnet import StableSyncNet, load_stable_syncnet
from training.sync_batches import (
    ToldApart,
    batch_told_apart,
    cosines_over_time,
    disguised,
    draw_batch,
    louder_or_softer,
    normalised,
    told_apart,
)
from training.sync_windows import SyncClips
from training.syncnet import SyncNetSettings, SyncTask, train, watch_motion

NARROW = """
steps = 1
batch_size = 8
learning_rate = 1e-3

[network]
resolution = 16

[network.visual_encoder]
in_channels = 48
block_out_channels = [16, 16]
downsample_factors = [[2, 4], [4, 4]]
attn_blocks = [0, 0]
norm_num_groups = 4

[network.audio_encoder]
in_channels = 1
block_out_channels = [8, 16]
downsample_factors = [[10, 8], [8, 7]]
attn_blocks = [0, 0]
norm_num_groups = 4
"""


@pytest.fixture
def settings(tmp_path: Path) -> SyncNetSettings:
    (tmp_path / "narrow.toml").write_text(NARROW)
    return SyncNetSettings.read(tmp_path / "narrow.toml")


def blinking_clips() -> SyncClips:
    """Faces that are bright exactly when there is sound."""
    loud = np.repeat(np.random.default_rng(1).integers(0, 2, (4, 15)), 4, axis=1)
    utterance = np.arange(8).reshape(4, 2) % 4
    first_frame = np.arange(8).reshape(4, 2) * 2
    shown = loud[utterance[..., None], first_frame[..., None] + np.arange(40)]
    faces = np.broadcast_to((60 + 130 * shown[..., None, None, None]).astype(np.uint8), (4, 2, 40, 16, 16, 3))
    clips = FaceClips(FaceClipsSettings("train", 4, 40, 16), faces, utterance, first_frame)
    visemes = np.repeat(np.repeat(loud, 4, axis=1)[..., None], 3, axis=2).astype(np.float32)
    heard = (8 * loud[:, np.arange(192) * 25 // 80] - 4).astype(np.float32)
    mels = [np.broadcast_to(one, (80, 192)) for one in heard]
    return SyncClips(clips, SpeechBank(np.zeros((4, 38_400), np.int16), visemes), mels)


CLIPS = blinking_clips()


def test_sounds_are_the_faces_own_and_then_shifted_ones(settings: SyncNetSettings) -> None:
    batch = draw_batch(np.random.default_rng(1), CLIPS, 8, settings.network)

    assert batch.frames.shape == (8, 48, 8, 16)
    assert batch.mel.shape == (16, 1, 80, 52)
    within_each_frame = torch.arange(16) * 80 // 25 + 2
    agree = (batch.frames[:, None, ::3, 0, 0] > 100) == (batch.mel[None, :, 0, 0, within_each_frame] > 0)
    always = agree.all(dim=2)
    assert always[:, :8].diagonal().all()
    assert not always[:, 8:].diagonal().all()
    assert not batch.apart[:, :8].diagonal().any()
    assert not always[batch.apart].any()
    assert batch.apart.float().mean() > 0.7


def test_a_disguise_keeps_range_and_time_and_mirrors_about_half() -> None:
    ramp = torch.arange(0, 256, 16, dtype=torch.uint8).expand(64, 48, 8, 16)

    shown = disguised(ramp, torch.Generator().manual_seed(1))

    assert shown.shape == ramp.shape
    assert shown.min() >= -1
    assert shown.max() <= 1
    mirrored = (shown[:, 0, 0, 0] > shown[:, 0, 0, -1]).sum()
    assert 20 < mirrored < 44
    assert torch.equal(shown, shown[:, :1].expand_as(shown))


def test_loudness_changes_whole_windows() -> None:
    mel = torch.rand(32, 1, 80, 52, generator=torch.Generator().manual_seed(1))

    change = louder_or_softer(mel, torch.Generator().manual_seed(2)) - mel

    assert torch.allclose(change, change[..., :1, :1], atol=1e-6)
    assert 0.4 < change.abs().max() <= 0.5
    assert len(change[:, 0, 0, 0].unique()) > 16


def test_an_untrained_network_is_blind_to_what_never_changes(settings: SyncNetSettings) -> None:
    torch.manual_seed(1)
    network = StableSyncNet(settings.network).eval()
    still = torch.rand(1, 3, 8, 16).repeat(1, 16, 1, 1)
    moving = still + torch.linspace(-0.1, 0.1, 16).repeat_interleave(3)[None, :, None, None]
    grey = torch.zeros(1, 48, 8, 16)

    watch_motion(network)

    with torch.no_grad():
        seen_still, seen_moving, seen_grey = (network.visual_encoder.conv_in(x) for x in (still, moving, grey))
    torch.testing.assert_close(seen_still, seen_grey)
    assert (seen_moving - seen_grey).abs().mean() > 0.01


def test_descending_its_loss_fits_a_batch_through_all_disguises(settings: SyncNetSettings) -> None:
    torch.manual_seed(1)
    network = StableSyncNet(settings.network)
    task = SyncTask(settings, CLIPS, CLIPS)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    batch, generator = task.batch(np.random.default_rng(1)), torch.Generator().manual_seed(1)

    totals = []
    for _ in range(30):
        losses = task.losses(network, batch, generator)
        optimizer.zero_grad()
        losses["total"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        totals.append(losses["total"].item())

    assert totals[-1] < 0.5 * totals[0]
    assert losses["accuracy"] > 0.7


def test_what_is_told_apart_is_counted_by_kind_and_only_where_mouths_differ() -> None:
    near, far = 0.9, 0.1
    cosine = torch.tensor([[near, far, near, near], [near, far, far, far]])
    apart = torch.tensor([[False, True, True, True], [True, False, False, True]])

    told = told_apart(cosine, apart)

    assert told == ToldApart(in_sync=0.5, another_sound=0.5, shifted=0.5)
    assert told.mean == 0.5
    assert told_apart(cosine, apart & (cosine < 0.5)) == ToldApart(0.5, 1.0, 1.0)


def test_a_network_is_asked_about_windows_without_a_disguise(settings: SyncNetSettings) -> None:
    network = StableSyncNet(settings.network).eval()
    batch = draw_batch(np.random.default_rng(1), CLIPS, 8, settings.network)

    told = batch_told_apart(network, batch)

    with torch.no_grad():
        visual, audio = network(normalised(batch.frames), batch.mel)
    assert told == told_apart(visual @ audio.T, batch.apart)


def test_the_sheet_shows_every_window_against_every_sound(settings: SyncNetSettings) -> None:
    network = StableSyncNet(settings.network).eval()

    sheet = SyncTask(settings, CLIPS, CLIPS).sheet(network)

    cosines = cosines_over_time(network, CLIPS, person=1, places=31)
    first, cell = 25 + 1, 16
    assert cosines.shape == (25, 4 + 16)
    assert sheet.shape[2] == 3
    assert abs(int(sheet[cell * (first + 3) + 8, cell * 6 + 8, 0]) - 255 * cosines[3, 6]) <= 1


def test_the_shipped_configuration_is_valid() -> None:
    settings = SyncNetSettings.read(CONFIGS / "syncnet.toml")

    assert settings.network.visual_size == (32, 64)
    assert settings.network.embedding_width == 128


def test_a_training_leaves_weights_and_says_how_unseen_people_are_told_apart(
    settings: SyncNetSettings, tmp_path: Path
) -> None:
    told = train(settings, CLIPS, CLIPS, tmp_path / "run")

    load_stable_syncnet(settings.network, tmp_path / "run" / WEIGHTS)
    assert all(0 <= part <= 1 for part in (told.in_sync, told.another_sound, told.shifted))
