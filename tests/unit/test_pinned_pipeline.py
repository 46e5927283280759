"""The chain from the demo networks to pasted pixels gives what it gave when it met the golden data.

No network connection, face model or torch takes part.
"""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

FIXTURES = Path(__file__).parents[1] / "fixtures"
PINNED = load_file(FIXTURES / "pipeline.safetensors")


@pytest.fixture(scope="module")
def now() -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = runpy.run_path(str(FIXTURES / "make_pipeline.py"))["pipeline"]()
    return found


def test_everything_computed_is_pinned(now: dict[str, NDArray[Any]]) -> None:
    assert {name: (values.dtype, values.shape) for name, values in now.items()} == {
        name: (values.dtype, values.shape) for name, values in PINNED.items()
    }


def test_pinned_faces_are_no_flat_or_blank_pictures() -> None:
    assert all(values.std() > 0.1 for values in PINNED.values())


@pytest.mark.parametrize("name", [name for name in PINNED if name.startswith("network.")])
def test_demo_network(name: str, now: dict[str, NDArray[Any]]) -> None:
    # Processors sum in different orders, and the autoencoder's weakest channel is much amplified.
    np.testing.assert_allclose(now[name], PINNED[name], atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", [name for name in PINNED if name.startswith("matrix.")])
def test_alignment(name: str, now: dict[str, NDArray[Any]]) -> None:
    np.testing.assert_allclose(now[name], PINNED[name], atol=1e-9, rtol=0)


@pytest.mark.parametrize("name", [name for name in PINNED if name.startswith("pixels.")])
def test_pixels_cut_out_and_pasted(name: str, now: dict[str, NDArray[Any]]) -> None:
    difference = np.abs(now[name].astype(int) - PINNED[name])
    assert difference.max() <= 1
    assert (difference > 0).mean() <= 0.005


def test_denoised_faces_in_studio_mode(now: dict[str, NDArray[Any]]) -> None:
    assert np.abs(now["faces.studio"].astype(int) - PINNED["faces.studio"]).max() <= 2


def test_denoised_faces_in_reference_mode(now: dict[str, NDArray[Any]]) -> None:
    np.testing.assert_allclose(now["faces.reference"], PINNED["faces.reference"], atol=2 / 127.5, rtol=0)
