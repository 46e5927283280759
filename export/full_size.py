"""`python -m export.full_size`: the released UNet's full size, exported and run once at 256 px, against torch.

The weights are random, since none are shipped: what this shows is that 1.27 billion parameters go through the exporter
and ONNX Runtime unharmed, and what that takes.
"""

import gc
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from export import networks
from export.metadata import GraphMetadata
from export.networks import Network
from export.onnx_export import MODEL_FILE, session_of, write_graph
from export.random_weights import randomize
from export.unet import UNet3D
from export.variants import LATENTSYNC_15

SEED = 15
FRAMES = 16
GUIDANCE_SCALE = 1.5
TOLERANCE = 1e-3
EXIT_OVER_TOLERANCE = 1


def main() -> None:
    """Prints the largest error, the time of each phase and the peak memory; exit status 1 if over the tolerance."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, MODEL_FILE)
        expected, inputs = _export_and_evaluate(path)
        gc.collect()
        size = sum(file.stat().st_size for file in path.parent.iterdir())
        with _phase("ONNX Runtime: load"):
            session = session_of(path)
        with _phase("ONNX Runtime: one guided step"):
            (noise,) = session.run(["noise_pred"], inputs)
    error = float(np.abs(noise - expected).max())
    print(f"file            {size / 1e9:.2f} GB")
    print(f"peak memory     {_peak_memory_gib():.1f} GiB")
    print(f"max abs error   {error:.2g} (≤ {TOLERANCE:g}, output std {expected.std():.2f})")
    if not error <= TOLERANCE:
        sys.exit(EXIT_OVER_TOLERANCE)


def _export_and_evaluate(path: Path) -> tuple[NDArray[np.float32], dict[str, NDArray[np.generic]]]:
    """Writes the network to `path` and lets go of it; torch's noise for one step, and that step's inputs."""
    with _phase("build, random weights"):
        unet = UNet3D(LATENTSYNC_15.unet)
        randomize(unet, SEED)
        unet.eval().requires_grad_(False)
        network = networks.unet(unet)
    with _phase("export"):
        write_graph(network, GraphMetadata("15", LATENTSYNC_15.resolution, "", "fp32"), path)
    with _phase("check"):
        onnx.checker.check_model(path)
    inputs = _step_inputs()
    with _phase("torch: one guided step"):
        noise = _evaluate(network, inputs)
    return noise, inputs


def _step_inputs() -> dict[str, NDArray[np.generic]]:
    """One window at 256 px, in the graph's input order."""
    generator = np.random.default_rng(SEED)
    side = LATENTSYNC_15.resolution // networks.VAE_SCALE

    def noise(*shape: int) -> NDArray[np.float32]:
        return generator.standard_normal(shape, dtype=np.float32)

    return {
        "latents": noise(1, 4, FRAMES, side, side),
        "conditioning": noise(1, 9, FRAMES, side, side),
        "audio": noise(1, FRAMES, LATENTSYNC_15.audio_tokens, LATENTSYNC_15.unet.cross_attention_dim),
        "timestep": np.array([951]),
        "guidance_scale": np.array([GUIDANCE_SCALE], np.float32),
    }


@torch.no_grad()
def _evaluate(network: Network, inputs: dict[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    noise, _ = network.module(*(torch.from_numpy(value) for value in inputs.values()))
    array: NDArray[np.float32] = noise.numpy()
    return array


@contextmanager
def _phase(name: str) -> Iterator[None]:
    started_s = time.monotonic()
    yield
    print(f"{name:<32}{time.monotonic() - started_s:6.1f} s   peak so far {_peak_memory_gib():.1f} GiB", flush=True)


def _peak_memory_gib() -> float:
    """Largest resident set of this process; mapped weight files count while they are in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
