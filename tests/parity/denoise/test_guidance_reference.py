"""Guidance and DeepCache's schedule against the reference's."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from services.denoise.guidance import is_full_step


def test_full_steps_are_those_where_the_references_deepcache_equals_the_whole_network(golden: Path) -> None:
    recorded = load_file(golden / "deepcache_unet_a_io.safetensors")
    for step in range(7):
        difference = np.abs(recorded[f"output_{step}"] - recorded[f"full_output_{step}"]).max()
        assert is_full_step(step, 3) == (difference < 2e-5)


@pytest.mark.parametrize("scale", [1.5, 2.0])
def test_the_exported_graph_mixes_its_branches_as_the_reference(golden: Path, scale: float) -> None:
    torch = pytest.importorskip("torch")
    guided = pytest.importorskip("export.guided")
    recorded = {name: torch.from_numpy(array) for name, array in load_file(golden / "ddim.safetensors").items()}

    class RecordedStep(torch.nn.Module):  # type: ignore[misc]
        def forward(self, sample, timestep, audio):  # type: ignore[no-untyped-def]
            noise = torch.cat((recorded["cfg_uncond"], recorded["cfg_cond"]))
            return noise, torch.zeros(2, 1, 3, 8, 8)

    noise_pred, _ = guided.GuidedUNet(RecordedStep())(
        torch.zeros(1, 4, 3, 8, 8),
        torch.zeros(1, 9, 3, 8, 8),
        torch.zeros(1, 3, 50, 384),
        torch.tensor([1]),
        torch.tensor([scale]),
    )
    np.testing.assert_allclose(noise_pred.numpy(), recorded[f"cfg_out_{scale}"].numpy(), atol=2e-5, rtol=0)
