"""A trained StableSyncNet becomes two graphs, and the quality measures can read them."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from bench.quality.sync_networks import StableSyncNet as ServedSyncNet
from bench.quality.sync_networks import open_sync_network
from export.random_weights import randomize
from training.__main__ import CONFIGS, export_judge
from training.export_syncnet import export_syncnet
from training.stable_syncnet import StableSyncNet
from training.sync_batches import normalised
from training.syncnet import SyncNetSettings

CONFIG = CONFIGS / "syncnet.toml"


@pytest.fixture(scope="module")
def network() -> StableSyncNet:
    network = StableSyncNet(SyncNetSettings.read(CONFIG).network)
    randomize(network, seed=1)
    return network.eval()


def test_both_graphs_embed_as_torch_does(network: StableSyncNet, tmp_path: Path) -> None:
    visual, audio = export_syncnet(network, "0" * 64, tmp_path, note="untrained")

    assert visual.path == tmp_path / "syncnet_visual" / "1" / "model.onnx"
    assert audio.path == tmp_path / "syncnet_audio" / "1" / "model.onnx"
    served = open_sync_network(tmp_path)
    assert isinstance(served, ServedSyncNet)
    assert served.description.endswith("16 frames of 64×32 (untrained)")
    images = list(np.random.default_rng(1).integers(0, 256, (16, 32, 64, 3), np.uint8))
    mel = np.random.default_rng(1).uniform(-4, 4, (80, 60)).astype(np.float32)
    frames = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).reshape(1, 48, 32, 64)
    with torch.no_grad():
        faces, sound = network(normalised(frames), torch.from_numpy(mel[None, None, :, 3:55]))
    np.testing.assert_allclose(served.see(images), faces[0], atol=1e-5)
    heard = served.hear(mel, 1)
    assert heard is not None
    np.testing.assert_allclose(heard, sound[0], atol=1e-5)


def test_the_command_exports_a_trainings_weights_under_their_hash(network: StableSyncNet, tmp_path: Path) -> None:
    save_file(network.state_dict(), tmp_path / "weights.safetensors")

    export_judge(tmp_path / "weights.safetensors", CONFIG, tmp_path / "models")

    session = onnxruntime.InferenceSession(tmp_path / "models" / "syncnet_audio" / "1" / "model.onnx")
    properties = session.get_modelmeta().custom_metadata_map
    assert len(properties["lipstage.source_sha256"]) == 64
    assert properties["lipstage.resolution"] == "64"
