"""Half-precision graphs: the arithmetic is in the graph, the boundary stays float32, the numbers stay close."""

import copy
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto

from export import networks
from export.half_precision import compute_in_half
from export.metadata import GraphMetadata
from export.networks import Network
from export.onnx_export import session_of, write_graph
from export.random_weights import randomize
from export.unet import UNet3D
from export.vae import VaeDecoder, build_vae
from export.variants import DEMO

HALF = GraphMetadata(variant="parity", resolution=0, source_sha256="", precision="fp16")
UNET_TOLERANCE = 2e-2
"""Measured 5e-3 on the UNet of the recorded cases (outputs of std 0.6)."""
DECODER_TOLERANCE = 2e-2
"""Measured 6e-3 (outputs of std 0.6)."""


@pytest.fixture(scope="module")
def unet() -> UNet3D:
    unet = UNet3D(DEMO.unet)
    randomize(unet, seed=5)
    return unet.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def unet_path(unet: UNet3D, tmp_path_factory: pytest.TempPathFactory) -> Path:
    half = copy.deepcopy(unet)
    compute_in_half(half)
    path: Path = tmp_path_factory.mktemp("half") / "model.onnx"
    write_graph(networks.unet(half), HALF, path)
    return path


def computed(path: Path, network: Network) -> NDArray[np.float32]:
    """The graph's first output on the network's other inputs."""
    inputs = {name: value.numpy() for name, value in network.other_inputs.items()}
    output: NDArray[np.float32] = session_of(path).run(None, inputs)[0]
    return output


@torch.no_grad()
def test_the_half_precision_unet_stays_near_the_float_one(unet: UNet3D, unet_path: Path) -> None:
    network = networks.unet(unet)

    noise = computed(unet_path, network)

    expected = network.module(*network.other_inputs.values())[0].numpy()
    assert 0 < abs(noise - expected).max() <= UNET_TOLERANCE


@torch.no_grad()
def test_the_half_precision_decoder_stays_near_the_float_one(tmp_path: Path) -> None:
    vae = build_vae(DEMO.vae)
    randomize(vae, seed=5)
    network = networks.vae_decoder(VaeDecoder(vae))
    expected = network.module(*network.other_inputs.values()).numpy()
    compute_in_half(vae)
    write_graph(networks.vae_decoder(VaeDecoder(vae)), HALF, tmp_path / "model.onnx")

    images = computed(tmp_path / "model.onnx", network)

    assert 0 < abs(images - expected).max() <= DECODER_TOLERANCE


def test_matrices_are_half_norms_are_float_and_the_boundary_is_float(unet_path: Path) -> None:
    graph = onnx.load(unet_path).graph
    types = {weight.name: weight.data_type for weight in graph.initializer}

    assert types["step.network.unet.conv_in.weight"] == TensorProto.FLOAT16
    assert types["step.network.unet.conv_norm_out.weight"] == TensorProto.FLOAT
    assert {value.type.tensor_type.elem_type for value in [*graph.input, *graph.output]} == {
        TensorProto.FLOAT,
        TensorProto.INT64,
    }
    convolved = {node.input[1] for node in graph.node if node.op_type == "Conv"}
    assert {types[name] for name in convolved} == {TensorProto.FLOAT16}
