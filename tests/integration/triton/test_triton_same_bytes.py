"""Networks give the same bytes whether Triton hosts them or this process does, whatever else Triton is asked."""

import asyncio
from collections.abc import Sequence

import numpy as np
from network_calls import Call, RandomCalls

from services.common.onnx_models import OnnxModels
from services.common.ports import NETWORKS
from services.common.triton_models import TritonModels


async def assert_same_bytes(models: TritonModels, embedded: OnnxModels, call: Call) -> None:
    model, arrays, outputs = call
    expected = await embedded.infer(model, "1", arrays, outputs)

    actual = await models.infer(model, "1", arrays, outputs)

    assert list(actual) == list(outputs)
    for name in outputs:
        assert actual[name].dtype == np.float32
        assert actual[name].shape == expected[name].shape
        assert actual[name].tobytes() == expected[name].tobytes(), f"{name} of {model}"


async def assert_all_same_bytes(models: TritonModels, embedded: OnnxModels, calls: Sequence[Call]) -> None:
    for call in calls:
        await assert_same_bytes(models, embedded, call)


async def test_every_network_gives_the_bytes_of_the_embedded_adapter(
    models: TritonModels, embedded: OnnxModels, calls: RandomCalls
) -> None:
    every_network = [
        calls.whisper_encoder(mel_frames=200),
        calls.whisper_encoder(mel_frames=34, batch=3),
        calls.vae_encoder(images=3),
        calls.vae_encoder(images=1, side=64),
        calls.vae_decoder(images=3),
        calls.unet(16, 1.5),
        calls.unet(2, 1.0, 2.5),
        calls.unet_cached(16, 1.5),
        calls.unet_cached(5, 1.0),
    ]

    assert {model for model, _, _ in every_network} == set(NETWORKS)
    await assert_all_same_bytes(models, embedded, every_network)


async def test_a_repeated_call_gives_the_same_bytes(
    models: TritonModels, embedded: OnnxModels, calls: RandomCalls
) -> None:
    await assert_all_same_bytes(models, embedded, [calls.vae_decoder(images=2) for _ in range(3)])


async def test_outputs_that_grow_with_the_guidance_come_whole(
    models: TritonModels, embedded: OnnxModels, calls: RandomCalls
) -> None:
    await assert_all_same_bytes(models, embedded, [calls.unet(2, scale) for scale in (1.0, 1.0, 1.5, 1.5, 1.0)])


async def test_calls_at_once_do_not_touch_each_other(
    models: TritonModels, embedded: OnnxModels, calls: RandomCalls
) -> None:
    at_once = [
        *(calls.unet(frames, scale) for frames in (2, 3, 2) for scale in (1.0, 1.5)),
        *(calls.vae_encoder(images=images, side=64) for images in (1, 2, 3, 2)),
        *(calls.whisper_encoder(mel_frames=frames) for frames in (20, 40, 20)),
    ]

    await asyncio.gather(*(assert_same_bytes(models, embedded, call) for call in at_once))


async def test_an_array_need_not_be_contiguous(models: TritonModels, embedded: OnnxModels, calls: RandomCalls) -> None:
    model, arrays, outputs = calls.whisper_encoder(mel_frames=40)

    await assert_same_bytes(models, embedded, (model, {"mel": arrays["mel"][:, :, ::2]}, outputs))


async def test_cards_are_those_of_the_embedded_adapter(models: TritonModels, embedded: OnnxModels) -> None:
    for model in NETWORKS:
        assert await models.card(model, "1") == await embedded.card(model, "1")


async def test_a_variant_that_is_served_passes_the_check(models: TritonModels) -> None:
    await models.check("1")
