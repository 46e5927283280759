"""How a long sound is encoded in blocks."""

import asyncio
import weakref

import numpy as np
import pytest
from numpy.typing import NDArray

from services.common.errors import AudioEmpty
from services.common.messages import Mode
from services.preprocess.audio_features import AudioFeatures, feature_blocks

MODES: tuple[Mode, Mode] = ("reference", "studio")
LENGTHS = [2, 7, 2999, 3000, 3001, 3002, 5001, 5002, 8000, 60_001]
REACH = 100


async def mean_of_a_second_around(mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Like the encoder: two mel frames per row, each row knows its neighbourhood in the block, zeros beyond."""
    rows = mel.mean(axis=0).reshape(-1, 2).mean(axis=1)
    smooth = np.convolve(rows, np.ones(2 * REACH + 1) / (2 * REACH + 1), mode="same")
    return smooth.astype(np.float32)[:, None, None]


async def position_in_block(mel: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.arange(mel.shape[1] // 2, dtype=np.float32)[:, None, None]


def sound(mel_frames: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((80, mel_frames)).astype(np.float32) + 1


async def all_rows(mel: NDArray[np.float32], mode: Mode) -> NDArray[np.float32]:
    features = AudioFeatures(mel, mean_of_a_second_around, mode)
    return await features.rows(0, features.length)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mel_frames", LENGTHS)
def test_every_row_comes_from_inside_its_blocks_and_their_shares_add_up_to_one(mode: Mode, mel_frames: int) -> None:
    total = np.zeros(mel_frames // 2)
    for block in feature_blocks(mel_frames, mode):
        assert 0 <= block.mel_start <= 2 * block.first_row < 2 * block.stop_row <= block.mel_stop <= mel_frames
        assert block.mel_stop - block.mel_start <= 3000
        total[block.first_row : block.stop_row] += block.weights(block.first_row, block.stop_row)
    np.testing.assert_allclose(total, 1, atol=1e-6)


@pytest.mark.parametrize("mel_frames", [length for length in LENGTHS if length > 3000])
def test_studio_rows_have_four_and_a_half_seconds_of_context_or_all_there_is(mel_frames: int) -> None:
    for block in feature_blocks(mel_frames, "studio"):
        assert block.mel_stop - block.mel_start == 3000
        assert block.first_row == 0 or 2 * block.first_row - block.mel_start >= 450
        assert block.stop_row == mel_frames // 2 or block.mel_stop - 2 * block.stop_row >= 450


async def test_studio_features_are_those_of_the_undivided_sound_and_reference_ones_break_at_30_s() -> None:
    mel = sound(7400)
    undivided = await mean_of_a_second_around(mel)
    np.testing.assert_allclose(await all_rows(mel, "studio"), undivided, atol=1e-5)
    difference = np.abs(await all_rows(mel, "reference") - undivided)[:, 0, 0]
    assert difference[1499] > 0.3
    assert difference[1500] > 0.3
    assert difference[: 1500 - REACH].max() < 1e-5


async def test_studio_blocks_hand_over_gradually() -> None:
    mel = sound(7400)
    studio = AudioFeatures(mel, position_in_block, "studio")
    reference = AudioFeatures(mel, position_in_block, "reference")
    assert np.abs(np.diff(await studio.rows(0, 3700), axis=0)).max() < 25
    assert np.abs(np.diff(await reference.rows(0, 3700), axis=0)).max() == 1499


@pytest.mark.parametrize("mel_frames", [301, 3000])
async def test_up_to_30_s_both_modes_give_the_same(mel_frames: int) -> None:
    mel = sound(mel_frames)
    np.testing.assert_array_equal(await all_rows(mel, "studio"), await all_rows(mel, "reference"))


@pytest.mark.parametrize("mode", MODES)
async def test_a_stretch_is_what_it_is_in_the_whole(mode: Mode) -> None:
    mel = sound(9001)
    features = AudioFeatures(mel, mean_of_a_second_around, mode)
    whole = await all_rows(mel, mode)
    for start, stop in [(0, 41), (1090, 1160), (1480, 1521), (1, 4500), (4459, 4500)]:
        np.testing.assert_array_equal(await features.rows(start, stop), whole[start:stop])


@pytest.mark.parametrize("mode", MODES)
async def test_reading_forwards_encodes_each_block_once_and_keeps_at_most_two(mode: Mode) -> None:
    encoded: list[weakref.ref[NDArray[np.float32]]] = []

    async def encode(mel: NDArray[np.float32]) -> NDArray[np.float32]:
        features = np.zeros((1500, 1, 1), np.float32)
        encoded.append(weakref.ref(features))
        return features

    features = AudioFeatures(np.zeros((80, 60_000), np.float32), encode, mode)
    for centre in range(20, features.length - 20, 32):
        await features.rows(centre - 20, centre + 20)
        assert sum(reference() is not None for reference in encoded) <= 2
    assert len(encoded) == len(feature_blocks(60_000, mode))


async def test_concurrent_readers_share_one_encoding() -> None:
    calls = 0

    async def encode(mel: NDArray[np.float32]) -> NDArray[np.float32]:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        return np.zeros((1500, 1, 1), np.float32)

    features = AudioFeatures(sound(1000), encode, "studio")
    await asyncio.gather(*(features.rows(0, 10) for _ in range(4)))
    assert calls == 1


async def test_a_sound_shorter_than_one_row_is_an_error_that_says_so() -> None:
    with pytest.raises(AudioEmpty):
        await AudioFeatures(sound(1), position_in_block, "studio").rows(0, 1)
