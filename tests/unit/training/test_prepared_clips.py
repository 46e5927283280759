"""What a training step sees of prepared clips."""

import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from numpy.typing import NDArray

from export.random_weights import randomize
from export.vae import build_vae
from export.whisper import WhisperDims, WhisperEncoder
from services.common.errors import InvalidParameter
from services.common.face_mask import face_mask, latent_mask
from training.prepared_clips import PreparedClips, prepared_videos, reference_start
from training.synthetic.clip import write_mp4

SIDE = 32
TOTAL = 40


@pytest.fixture(scope="module")
def vae() -> AutoencoderKL:
    config = {
        "block_out_channels": (8, 8, 8, 8),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "norm_num_groups": 4,
    }
    network = build_vae(config)
    randomize(network, seed=1)
    return network.requires_grad_(False)


@pytest.fixture(scope="module")
def whisper() -> WhisperEncoder:
    network = WhisperEncoder(WhisperDims(80, 1500, 8, 2, 1))
    randomize(network, seed=1)
    return network.eval().requires_grad_(False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One clip: each frame is brighter than the one before, and so loud is its sound."""
    write_mp4(
        tmp_path / "a-000.mp4",
        (np.full((SIDE, SIDE, 3), 40 + 4 * i, np.uint8) for i in range(TOTAL)),
        None,
        25,
        (SIDE, SIDE),
    )
    write_sound(tmp_path / "a-000.wav", np.repeat(np.arange(TOTAL), 640).astype(np.int16))
    return tmp_path


def write_sound(path: Path, samples: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())


def frame_numbers(faces_cfhw: torch.Tensor) -> list[int]:
    return ((faces_cfhw.mean(dim=(0, 2, 3)) * 127.5 + 127.5 - 40) / 4).round().int().tolist()


def test_faces_sound_and_tokens_are_those_of_one_stretch(
    folder: Path, vae: AutoencoderKL, whisper: WhisperEncoder
) -> None:
    batch = PreparedClips(prepared_videos(folder), SIDE, vae, whisper).draw(np.random.default_rng(3), 2, 16)

    assert batch.faces.shape == (2, 3, 16, SIDE, SIDE)
    assert batch.clean.shape == (2, 4, 16, 4, 4)
    assert batch.conditioning.shape == (2, 9, 16, 4, 4)
    assert batch.audio.shape == (2, 16, 20, 8)
    for faces, heard in zip(batch.faces, batch.waves, strict=True):
        first = frame_numbers(faces)[0]
        assert frame_numbers(faces) == list(range(first, first + 16))
        assert heard[::640].tolist() == list(range(first, first + 18))


def test_tokens_are_taken_around_each_frames_time(folder: Path, vae: AutoencoderKL, whisper: WhisperEncoder) -> None:
    clips = PreparedClips(prepared_videos(folder), SIDE, vae, whisper)

    early = clips.draw(np.random.default_rng(0), 1, 16)
    late = clips.draw(np.random.default_rng(1), 1, 16)

    first, other = (frame_numbers(batch.faces[0])[0] for batch in (early, late))
    shift = other - first
    assert 0 < abs(shift) < 16
    before, after = (early, late) if shift > 0 else (late, early)
    torch.testing.assert_close(before.audio[0, abs(shift) :], after.audio[0, : -abs(shift)])
    assert not torch.allclose(before.audio[0, 0], before.audio[0, 8])


def test_latents_are_of_the_truth_the_masked_truth_and_another_stretch(
    folder: Path, vae: AutoencoderKL, whisper: WhisperEncoder
) -> None:
    clips = PreparedClips(prepared_videos(folder), SIDE, vae, whisper)
    encoded: list[torch.Tensor] = []
    vae.encoder.register_forward_pre_hook(lambda _, images: encoded.append(images[0]))

    batch = clips.draw(np.random.default_rng(2), 1, 16)

    truth, masked, reference = (torch.cat(encoded[at : at + 2]) for at in (0, 2, 4))
    torch.testing.assert_close(truth.transpose(0, 1), batch.faces[0])
    torch.testing.assert_close(masked, truth * torch.tensor(face_mask(SIDE)).float())
    assert not set(frame_numbers(reference.transpose(0, 1))) & set(frame_numbers(batch.faces[0]))
    np.testing.assert_array_equal(batch.conditioning[0, 0, 5], latent_mask(SIDE))
    assert not torch.equal(batch.clean[0], batch.conditioning[0, 5:9])


def test_the_same_generator_draws_the_same_batch(folder: Path, vae: AutoencoderKL, whisper: WhisperEncoder) -> None:
    clips = PreparedClips(prepared_videos(folder), SIDE, vae, whisper)

    one, same, other = (clips.draw(np.random.default_rng(seed), 1, 8) for seed in (5, 5, 6))

    torch.testing.assert_close(one.clean, same.clean, rtol=0, atol=0)
    assert not torch.equal(one.clean, other.clean)


def test_faces_of_another_size_are_refused(folder: Path, vae: AutoencoderKL, whisper: WhisperEncoder) -> None:
    clips = PreparedClips(prepared_videos(folder), 2 * SIDE, vae, whisper)

    with pytest.raises(InvalidParameter, match="32×32"):
        clips.draw(np.random.default_rng(0), 1, 16)


def test_a_clip_without_sound_is_no_clip(folder: Path) -> None:
    (folder / "a-000.wav").unlink()

    with pytest.raises(InvalidParameter, match="no prepared clips"):
        prepared_videos(folder)


def test_references_are_elsewhere_if_the_clip_is_long_enough() -> None:
    rng = np.random.default_rng(0)

    drawn = {reference_start(rng, 20, 16, 60) for _ in range(200)}

    assert drawn == {0, 1, 2, 3, 4, *range(36, 45)}
    assert reference_start(rng, 2, 16, 20) == 4
    assert reference_start(rng, 3, 16, 20) == 0
