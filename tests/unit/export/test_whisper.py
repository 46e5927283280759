"""Whisper's encoder on lengths and dims the golden data does not have."""

import pytest
import torch

from export.random_weights import randomize
from export.whisper import WhisperDims, WhisperEncoder
from services.common.errors import InvalidParameter

DIMS = WhisperDims(n_mels=8, n_audio_ctx=20, n_audio_state=16, n_audio_head=2, n_audio_layer=3)


def small_encoder() -> WhisperEncoder:
    encoder = WhisperEncoder(DIMS)
    randomize(encoder, seed=1)
    encoder.positional_embedding.copy_(torch.randn(20, 16, generator=torch.Generator().manual_seed(2)))
    return encoder.eval().requires_grad_(False)


@pytest.mark.parametrize(("mel_frames", "rows"), [(40, 20), (26, 13), (2, 1)])
def test_every_hidden_state_is_given_for_any_length(mel_frames: int, rows: int) -> None:
    assert small_encoder()(torch.randn(2, 8, mel_frames)).shape == (2, rows, 4, 16)


def test_the_first_hidden_state_is_the_input_of_the_first_block() -> None:
    encoder = small_encoder()
    seen: list[torch.Tensor] = []
    encoder.blocks[0].register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    encoder.blocks[-1].register_forward_hook(lambda _m, _i, output: seen.append(output))

    hidden_states = encoder(torch.randn(1, 8, 12))

    assert torch.equal(hidden_states[:, :, 0], seen[0])
    assert torch.equal(hidden_states[:, :, -1], seen[1])


def test_a_mel_longer_than_the_positions_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="42 mel frames exceed the encoder's 40"):
        small_encoder()(torch.randn(1, 8, 42))


def test_released_sizes_have_the_documented_parameter_counts() -> None:
    with torch.device("meta"):
        tiny = WhisperEncoder(WhisperDims(80, 1500, 384, 6, 4))
        small = WhisperEncoder(WhisperDims(80, 1500, 768, 12, 12))

    assert sum(p.numel() for p in tiny.parameters()) == 7_632_384
    assert sum(p.numel() for p in small.parameters()) == 87_002_112


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"n_audio_state": None}, "positive integer n_audio_state, not None"),
        ({"n_audio_head": 5}, "n_audio_state = 384 cannot be divided among n_audio_head = 5"),
        ({"n_audio_heads": 6}, "unknown keys: n_audio_heads"),
    ],
)
def test_impossible_dims_are_refused(changes: dict[str, object], complaint: str) -> None:
    released: dict[str, object] = {
        "n_mels": 80,
        "n_audio_ctx": 1500,
        "n_audio_state": 384,
        "n_audio_head": 6,
        "n_audio_layer": 4,
        "n_vocab": 51865,
        "n_text_ctx": 448,
    }
    assert WhisperDims.from_dict(released) == WhisperDims(80, 1500, 384, 6, 4)

    with pytest.raises(InvalidParameter, match=complaint):
        WhisperDims.from_dict(released | changes)
