"""`python -m export`: checkpoints to ONNX and TensorRT, checks of checkpoints, parity with the reference."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from export.from_checkpoints import CheckpointFiles, networks_from
from export.metadata import GraphMetadata, Precision
from export.networks import Network
from export.onnx_export import export_network
from export.parity import Runtime, run
from export.tensorrt_build import build_engine
from export.variants import variant_named
from export.verification import verify_checkpoint
from services.common.command_line import program, run_program
from services.common.ports import NETWORKS
from services.triton.cards import write_cards

EXIT_OVER_TOLERANCE = 1
MODEL_REPOSITORY = Path("model_repository")

app = program("python -m export", "Turns checkpoints into the networks Lipstage serves, and checks them.")
Out = Annotated[Path, typer.Option(help="The model repository to write to.")]


@app.command("onnx")
def export_onnx(
    variant: Annotated[str, typer.Option(help="15 (LatentSync 1.5), 16 (1.6) or 1 (demo).")],
    unet: Annotated[Path | None, typer.Option(help="LatentSync's UNet checkpoint.")] = None,
    whisper: Annotated[Path | None, typer.Option(help="OpenAI's Whisper checkpoint.")] = None,
    vae: Annotated[Path | None, typer.Option(help="Stable Diffusion's VAE checkpoint.")] = None,
    precision: Annotated[Precision, typer.Option(help="Arithmetic inside the graphs.")] = "fp32",
    out: Out = MODEL_REPOSITORY,
) -> None:
    """Exports the networks whose checkpoints are given, and proves each against torch."""
    described = variant_named(variant)
    networks = networks_from(described, CheckpointFiles(unet, whisper, vae), precision)
    _export_all(networks, out, store_half=described.ships)
    if out == MODEL_REPOSITORY:  # another folder has no configurations that Triton would read
        write_cards(out)


@app.command()
def tensorrt(
    variant: Annotated[str, typer.Option(help="15 (LatentSync 1.5), 16 (1.6) or 1 (demo).")],
    inputs: Annotated[Path, typer.Option(help="Captured inputs: safetensors named NETWORK/CASE/INPUT.")],
    network: Annotated[list[str] | None, typer.Option(help="Only this network; repeatable.")] = None,
    out: Out = MODEL_REPOSITORY,
) -> None:
    """Builds TensorRT engines beside exported graphs; one that disagrees with ONNX Runtime is deleted."""
    for name in network or NETWORKS:
        for error in build_engine(name, variant_named(variant), out, inputs):
            typer.echo(
                f"{name}: {error.output} max abs error {error.max_abs_error:.3g}, "
                f"max relative error {error.max_relative_error:.3g}"
            )


@app.command()
def verify(checkpoint: Annotated[Path, typer.Argument(help="A UNet, Whisper or VAE checkpoint.")]) -> None:
    """Says which network a checkpoint is, and fails unless every tensor of it is there."""
    report = verify_checkpoint(checkpoint)
    typer.echo(f"network     {report.network}")
    typer.echo(f"tensors     {report.tensors}, all there")
    typer.echo(f"parameters  {report.parameters:,}")
    typer.echo(f"sha256      {report.sha256}")
    typer.echo(f"variant     {report.recorded_variant or 'not recorded'}")


@app.command()
def parity(
    network: Annotated[str, typer.Argument(help="unet, whisper or vae.")],
    config: Annotated[Path, typer.Argument(help="The network's configuration, JSON.")],
    weights: Annotated[Path, typer.Argument(help="Its checkpoint.")],
    io: Annotated[Path, typer.Argument(help="Recorded inputs and outputs, safetensors.")],
    tolerance: Annotated[float | None, typer.Option(help="Largest accepted absolute error.")] = None,
    runtime: Annotated[Runtime, typer.Option(help="What computes the network.")] = "torch",
) -> None:
    """Compares a network with recorded outputs; exit status 1 if any case is off by more than the tolerance."""
    results = run(network, config, weights, io, tolerance, runtime)
    for result in results:
        verdict = "ok" if result.passed else "FAILED"
        typer.echo(f"{result.name}: max abs error {result.max_abs_error:.3g} (≤ {result.tolerance:g}) {verdict}")
    if not all(result.passed for result in results):
        raise typer.Exit(EXIT_OVER_TOLERANCE)


def _export_all(networks: Iterable[tuple[Network, GraphMetadata]], out: Path, store_half: bool) -> None:
    started_s = time.monotonic()
    for network, metadata in networks:
        typer.echo(f"{network.name}: exporting …")
        exported = export_network(network, metadata, out, store_half)
        typer.echo(
            f"{exported.path}: {exported.bytes / 1e6:.1f} MB, max abs error against torch "
            f"{exported.max_abs_error:.2g}, {time.monotonic() - started_s:.0f} s"
        )
        started_s = time.monotonic()


if __name__ == "__main__":
    run_program(app)
