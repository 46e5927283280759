from pathlib import Path

import numpy as np
import pytest
import torch

from export.checkpoints import load_whisper
from export.variants import DEMO
from export.whisper import WhisperDims
from training.synthetic.splits import voice_rng
from training.whisper import (
    ENCODER_WEIGHTS,
    OFFSETS_ROWS,
    Recordings,
    VisemeReader,
    WhisperSettings,
    WhisperTask,
    around,
    draw_batch,
    hidden_states,
    louder_or_softer,
    record,
    train,
    viseme_correlations,
    whisper_positions,
)

DIMS = WhisperDims(n_mels=80, n_audio_ctx=150, n_audio_state=16, n_audio_head=2, n_audio_layer=1)
SETTINGS = WhisperSettings(steps=2, batch_size=2, learning_rate=1e-3, window_rows=100, full_share=0.0)


def test_positions_follow_whispers_formula() -> None:
    positions = whisper_positions(1500, 96)

    scale = 10_000 ** (5 / 47)
    assert positions.shape == (1500, 96)
    assert positions[700, 5] == pytest.approx(np.sin(700 / scale), abs=1e-3)
    assert positions[700, 48 + 5] == pytest.approx(np.cos(700 / scale), abs=1e-3)


def test_a_window_may_stand_at_any_position() -> None:
    reader, shifted = _reader(), _reader()
    shifted.encoder.positional_embedding.copy_(reader.encoder.positional_embedding.roll(-30, dims=0))
    mel = torch.randn(1, 80, 100, generator=torch.Generator().manual_seed(1))

    torch.testing.assert_close(reader(mel, 30)[0], shifted.encoder(mel))


def test_a_batch_is_filled_up_behind_the_sound() -> None:
    recordings = _ramp(1000)

    batch = draw_batch(np.random.default_rng(2), recordings, count=16, rows=150, position=7)

    lengths = batch.heard.sum(dim=1)
    assert batch.mel.shape == (16, 80, 300)
    assert lengths.min() < 150 == lengths.max()
    for mel, targets, length in zip(batch.mel, batch.targets, lengths.tolist(), strict=True):
        assert (mel[:, 2 * length :] == 0).all()
        assert (targets[length:] == 0).all()
        assert (mel[:, : 2 * length] != 0).all()


def test_targets_are_what_the_mouth_does_around_the_row() -> None:
    visemes = np.stack([np.arange(20.0), np.zeros(20), np.ones(20)], 1).astype(np.float32)

    targets = around(visemes).reshape(20, len(OFFSETS_ROWS), 3)

    np.testing.assert_array_equal(targets[10, :, 0], [6, 7, 8, 9, 10, 11, 12, 13, 14])
    np.testing.assert_array_equal(targets[1, :, 0], [0, 0, 0, 0, 1, 2, 3, 4, 5])


def test_a_changed_recording_keeps_the_front_ends_range() -> None:
    mel = np.linspace(-1.5, 1.0, 80 * 50, dtype=np.float32).reshape(80, 50)

    for seed in range(10):
        changed = louder_or_softer(np.random.default_rng(seed), mel)

        assert changed.min() >= max(-1.5, changed.max() - 2 - 1e-6)
        assert not np.allclose(changed, np.maximum(mel, mel.max() - 2), atol=0.01)


def test_states_are_those_of_blocks_filled_up_to_30_seconds() -> None:
    reader = _reader()
    mel = np.random.default_rng(3).normal(size=(80, 460)).astype(np.float32)

    states = hidden_states(reader, mel)

    last = np.pad(mel[:, 300:], ((0, 0), (0, 140)))
    expected = reader.encoder(torch.from_numpy(last)[None])[0, :80]
    assert states.shape == (230, 2, 16)
    torch.testing.assert_close(states[150:], expected)


def test_correlation_tells_a_right_reading_from_a_wrong_one() -> None:
    reader = _reader()
    mel = np.random.default_rng(4).normal(size=(80, 300)).astype(np.float32)
    read = reader.from_last(hidden_states(reader, mel)[:, -1])[:, 12:15].numpy()

    right = viseme_correlations(reader, [Recordings(mel, read)])
    wrong = viseme_correlations(reader, [Recordings(mel, -read)])

    np.testing.assert_allclose(right, 1, atol=1e-6)
    np.testing.assert_allclose(wrong, -1, atol=1e-6)


def test_what_lies_behind_the_sound_is_not_learned() -> None:
    task = WhisperTask(SETTINGS, _ramp(400), _ramp(400))
    batch = draw_batch(np.random.default_rng(2), _ramp(400), count=4, rows=150, position=0)
    before = task.losses(_reader(), batch, torch.Generator())

    batch.targets[~batch.heard] = 100.0

    torch.testing.assert_close(task.losses(_reader(), batch, torch.Generator()), before)


def test_training_leaves_an_encoder_that_the_export_can_read(tmp_path: Path) -> None:
    reader = train(SETTINGS, _ramp(400), _ramp(400), tmp_path)

    encoder = load_whisper(tmp_path / ENCODER_WEIGHTS, DEMO.whisper)
    mel = torch.randn(1, 80, 200, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(encoder(mel), reader.encoder(mel))


def test_recordings_keep_sound_and_mouth_aligned() -> None:
    wave = voice_rng("validation", 0).integers(-3000, 3000, 16_000).astype(np.int16)
    track = np.repeat(np.arange(100.0, dtype=np.float32)[:, None], 3, axis=1)

    recordings = record([wave, wave], [track, track])

    assert recordings.mel.shape == (80, 200)
    np.testing.assert_array_equal(recordings.visemes[[3, 53], 0], [6, 6])


def _reader() -> VisemeReader:
    torch.manual_seed(0)
    return VisemeReader(DIMS).eval().requires_grad_(False)


def _ramp(rows: int) -> Recordings:
    mel = np.linspace(0.5, 1.5, 2 * rows, dtype=np.float32)[None].repeat(80, axis=0) + 1
    return Recordings(mel, np.linspace(0, 1, rows, dtype=np.float32)[:, None].repeat(3, axis=1))
