"""The input shapes TensorRT engines are built for."""

import pytest

from export.tensorrt_profiles import ShapeRange, shape_profile
from export.variants import DEMO, LATENTSYNC_15, LATENTSYNC_16, Variant
from services.common.ports import NETWORKS


def test_the_unet_is_tuned_for_one_full_window_at_the_variants_resolution() -> None:
    profile = shape_profile("unet", LATENTSYNC_16)

    assert profile["latents"].opt == (1, 4, 16, 64, 64)
    assert profile["conditioning"].opt == (1, 9, 16, 64, 64)
    assert profile["audio"].opt == (1, 16, 50, 384)
    assert profile["guidance_scale"] == ShapeRange((1,), (1,), (4,))


def test_short_last_windows_are_accepted() -> None:
    assert shape_profile("unet", LATENTSYNC_15)["latents"].min == (1, 4, 1, 32, 32)


def test_cached_steps_take_deep_features_of_one_or_two_branches() -> None:
    deep_features = shape_profile("unet_cached", LATENTSYNC_15)["deep_features"]

    assert (deep_features.min[1], deep_features.max[1]) == (1, 2)
    assert deep_features.opt == (1, 2, 320, 16, 32, 32)


def test_a_30_second_block_of_audio_fits_the_encoder() -> None:
    assert shape_profile("whisper_encoder", LATENTSYNC_15)["mel"].max[-1] == 3000


@pytest.mark.parametrize("variant", [DEMO, LATENTSYNC_15, LATENTSYNC_16], ids=lambda variant: variant.name)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_range_is_ordered(network: str, variant: Variant) -> None:
    for shapes in shape_profile(network, variant).values():
        assert all(low <= usual <= high for low, usual, high in zip(shapes.min, shapes.opt, shapes.max, strict=True))
