"""The configurations Triton reads agree with the networks and with the engines built from them."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from export.tensorrt_profiles import shape_profile
from export.variants import LATENTSYNC_15, LATENTSYNC_16
from services.common.ports import NETWORKS, ModelName
from services.common.settings import Settings

REPOSITORY = Settings().models_dir
LARGEST_CHUNK = 16


def config_of(model: ModelName, file: str) -> ModelConfig:
    return text_format.Parse(Path(REPOSITORY, model, file).read_text(), ModelConfig())


@pytest.mark.parametrize("model", NETWORKS)
def test_every_network_can_be_served_as_a_graph(model: ModelName) -> None:
    config = config_of(model, "config.pbtxt")

    assert (config.name, config.backend) == (model, "onnxruntime")
    assert config.version_policy.HasField("all")
    assert not config.input, "versions differ in widths, so the server takes them from each version's graph"
    assert not config.output


@pytest.mark.parametrize("model", NETWORKS)
def test_every_network_can_be_served_as_an_engine_of_the_same_name(model: ModelName) -> None:
    config = config_of(model, "configs/tensorrt.pbtxt")

    assert (config.name, config.platform) == (model, "tensorrt_plan")
    assert list(config.version_policy.specific.versions) == [int(LATENTSYNC_15.name), int(LATENTSYNC_16.name)]


@pytest.mark.parametrize("model", NETWORKS)
def test_no_batch_is_larger_than_the_engines_take(model: ModelName) -> None:
    largest = {shape.max[0] for shape in shape_profile(model, LATENTSYNC_16).values()}

    for file in ("config.pbtxt", "configs/tensorrt.pbtxt"):
        assert {config_of(model, file).max_batch_size} == largest


@pytest.mark.parametrize("model", ["vae_encoder", "vae_decoder"])
def test_a_whole_chunk_of_faces_fits_a_batch(model: ModelName) -> None:
    assert config_of(model, "config.pbtxt").max_batch_size >= LARGEST_CHUNK
