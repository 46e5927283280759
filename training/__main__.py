"""`python -m training`: draw training data, train the networks, prepare real clips."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from safetensors.torch import save_file

from bench.quality.sync_networks import open_sync_network
from export.checkpoints import load_unet, load_vae, load_whisper
from export.unet import UNet3D
from export.vae import build_vae
from export.variants import DEMO, variant_named
from services.common.command_line import program, run_program
from services.common.content_hash import file_sha256
from services.common.settings import Settings
from services.denoise.conditioning import pixel_values
from services.preprocess.faces.detector import MeshDetector
from services.preprocess.faces.fetch import fetch
from training.devices import join_devices
from training.export_syncnet import export_syncnet
from training.face_clips import FACES, FaceClips, FaceClipsSettings, draw_face_clips
from training.finetune import ReleasedFiles, finetune
from training.latent_clips import LatentClips, Latents, audio_features
from training.loop import WEIGHTS, Training
from training.motion_reader import load_video_encoder
from training.motion_reader import train as train_motion_reader
from training.prepare import SUMMARY, PrepareSettings, prepare
from training.runs import WorkFolder
from training.sample_clip import write_samples
from training.settings import LoopSettings
from training.speech_bank import SpeechBank, speak_bank
from training.stable_syncnet import load_stable_syncnet
from training.stable_syncnet_config import LATENTSYNC_SYNCNET
from training.sync_windows import SyncClips
from training.syncnet import SyncNetSettings
from training.syncnet import train as train_syncnet
from training.synthetic.preview import write_preview
from training.synthetic.splits import Split
from training.unet import Supervision, UNetSettings, UNetTask, train_only
from training.vae import VaeSettings, VaeTask, fold_latent_statistics
from training.whisper import Recordings, WhisperSettings, record, viseme_correlations
from training.whisper import train as train_whisper

CONFIGS = Path(__file__).parent / "configs"
FRAMES = 16
SHOWN_PEOPLE = 4

app = program(
    "python -m training", "Trains the networks Lipstage serves. Every training goes on from its last checkpoint."
)
Steps = Annotated[int | None, typer.Option(help="Instead of the configuration's number of steps.")]
Work = Annotated[Path, typer.Option(help="Where training data and trainings lie.")]
WORK = Path(".lipstage/training")


@app.command()
def synth(
    preview: Annotated[Path | None, typer.Option(help="Only draw a contact sheet and a short video here.")] = None,
    samples: Annotated[Path | None, typer.Option(help="Only make the sample clip and voices here.")] = None,
    voices: Annotated[int, typer.Option(help="Voices to train on.")] = 280,
    people: Annotated[int, typer.Option(help="People to train on.")] = 640,
    unseen: Annotated[int, typer.Option(help="Voices and people to validate on.")] = 24,
    utterance_s: Annotated[float, typer.Option(help="Length of each voice's speech.")] = 20.0,
    processes: Annotated[int, typer.Option(help="Draw in as many processes.")] = 2,
    work: Work = WORK,
) -> None:
    """Draws talking heads and the speech they speak."""
    if preview is not None:
        write_preview(preview)
    if samples is not None:
        write_samples(samples)
    if preview is not None or samples is not None:
        return
    folder = WorkFolder(work)
    sizes: tuple[tuple[Split, int, int], ...] = (("validation", unseen, unseen), ("train", voices, people))
    for split, speakers, faces in sizes:
        bank = speak_bank(folder.speech(split), split, speakers, utterance_s, processes)
        settings = FaceClipsSettings(split, faces, FRAMES, DEMO.resolution)
        draw_face_clips(folder.faces(split), settings, bank, processes)


@app.command()
def vae(
    config: Annotated[Path, typer.Option(help="Settings of the training.")] = CONFIGS / "vae.toml",
    steps: Steps = None,
    work: Work = WORK,
) -> None:
    """Trains the image autoencoder on drawn faces."""
    folder, settings = WorkFolder(work), VaeSettings.read(config, steps=steps)
    faces, unseen = FaceClips.open(folder.faces("train")), FaceClips.open(folder.faces("validation"))
    run, device = folder.run("vae"), join_devices()
    Training(VaeTask(settings, faces, unseen), build_vae(DEMO.vae), settings, run, device).run()
    if device.leads:
        network = load_vae(DEMO.vae, run / WEIGHTS)
        fold_latent_statistics(network, torch.from_numpy(pixel_values(faces.faces[::5, 0, 0])))
        save_file(network.state_dict(), folder.trained.vae)


@app.command()
def whisper(
    config: Annotated[Path, typer.Option(help="Settings of the training.")] = CONFIGS / "whisper.toml",
    steps: Steps = None,
    work: Work = WORK,
) -> None:
    """Trains the audio encoder on synthetic speech, and says how well it reads unseen voices' mouths."""
    folder, settings = WorkFolder(work), WhisperSettings.read(config, steps=steps)
    trained, unseen = (_recordings(folder, split) for split in ("train", "validation"))
    network = train_whisper(settings, trained, unseen, folder.run("whisper"))
    opening, wide, rounded = viseme_correlations(network, [unseen])
    typer.echo(f"correlation with unseen voices' mouths: open {opening:.3f}, wide {wide:.3f}, round {rounded:.3f}")


@app.command()
def unet(
    config: Annotated[Path, typer.Option(help="Settings of the training.")] = CONFIGS / "unet.toml",
    start: Annotated[Path | None, typer.Option(help="Weights a new training starts from.")] = None,
    run: Annotated[str, typer.Option(help="Name of the training's folder.")] = "unet",
    steps: Steps = None,
    work: Work = WORK,
) -> None:
    """Trains the denoising network on drawn faces and synthetic speech."""
    folder, settings, device = WorkFolder(work), UNetSettings.read(config, steps=steps), join_devices()
    vae = load_vae(DEMO.vae, folder.trained.vae).to(device.torch_device)  # type: ignore[arg-type]
    clips = _latent_clips(folder, "train", vae)
    unseen = _latent_clips(folder, "validation", vae)
    shown = unseen.batch_of([(person, 0, slice(0, FRAMES)) for person in range(SHOWN_PEOPLE)])
    torch.manual_seed(settings.seed)
    network = UNet3D(DEMO.unet) if start is None else load_unet(DEMO.unet, start)
    train_only(network, settings.trained)
    supervision = _supervision(folder, settings, vae)
    Training(UNetTask(settings, clips, shown, supervision), network, settings, folder.run(run), device).run()


@app.command()
def syncnet(
    config: Annotated[Path, typer.Option(help="Settings and the network's shape.")] = CONFIGS / "syncnet.toml",
    steps: Steps = None,
    work: Work = WORK,
) -> None:
    """Trains StableSyncNet on drawn faces: it judges sync, as a loss and as a measure."""
    folder, settings = WorkFolder(work), SyncNetSettings.read(config, steps=steps)
    trained, unseen = (
        SyncClips.of(FaceClips.open(folder.faces(split)), SpeechBank.open(folder.speech(split)))
        for split in ("train", "validation")
    )
    told = train_syncnet(settings, trained, unseen, folder.run("syncnet"))
    typer.echo(
        f"of unseen people and voices, told right: {told.mean:.1%} (in sync {told.in_sync:.1%}, with another sound"
        f" {told.another_sound:.1%}, with their own 2 to 15 frames away {told.shifted:.1%})"
    )


@app.command("export-syncnet")
def export_judge(
    weights: Annotated[Path, typer.Argument(help="weights.safetensors of a training, or LatentSync's checkpoint.")],
    config: Annotated[Path, typer.Option(help="Settings that hold the network's shape.")] = CONFIGS / "syncnet.toml",
    out: Annotated[Path, typer.Option(help="The folder to write to, as `--syncnet` takes it.")] = WORK / "syncnet",
) -> None:
    """Exports a sync network for `lipstage evaluate`, and proves it against torch."""
    network = load_stable_syncnet(SyncNetSettings.read(config).network, weights)
    for exported in export_syncnet(network, file_sha256(weights), out):
        typer.echo(f"{exported.path}: {exported.bytes / 1e6:.1f} MB, max abs error {exported.max_abs_error:.2g}")


@app.command()
def motion(
    config: Annotated[Path, typer.Option(help="Settings of the training.")] = CONFIGS / "motion_reader.toml",
    steps: Steps = None,
    work: Work = WORK,
) -> None:
    """Trains the small video encoder that stands in for VideoMAE v2 in TREPA."""
    folder, settings = WorkFolder(work), LoopSettings.read(config, steps=steps)
    faces, bank = FaceClips.open(folder.faces("train")), SpeechBank.open(folder.speech("train"))
    train_motion_reader(settings, faces, bank, folder.run("motion"))


@app.command("prepare")
def prepare_clips(
    source: Annotated[Path, typer.Argument(help="Folder of real videos, searched to the bottom.")],
    out: Annotated[Path, typer.Option(help="Where the aligned clips go.")],
    variant: Annotated[str, typer.Option(help="15 (256 px) or 16 (512 px).")] = "15",
    config: Annotated[Path, typer.Option(help="Which stretches become clips.")] = CONFIGS / "prepare.toml",
    sync_network: Annotated[Path | None, typer.Option(help="Folder of a lip-sync network, ONNX.")] = None,
) -> None:
    """Turns real videos into training data: one person in one shot, aligned, 5 to 10 s, in sync."""
    network = open_sync_network(sync_network) if sync_network else None
    settings, resolution = PrepareSettings.read(config), variant_named(variant).resolution
    faces = Settings().faces_dir
    fetch(faces, typer.echo)
    summary = prepare(source, out, settings, resolution, MeshDetector(faces), network)
    typer.echo(
        f"{out}: {len(summary.kept)} clips, {summary.kept_s / 60:.1f} minutes; what became of the rest: {out / SUMMARY}"
    )
    if summary.sync_network is None:
        typer.echo("Whether they are in sync was not checked: name a lip-sync network with --sync-network.")


@app.command("finetune")
def finetune_released(
    clips: Annotated[Path, typer.Argument(help="Folder that `prepare` filled.")],
    unet: Annotated[Path, typer.Option(help="Released UNet checkpoint to start from.")],
    vae: Annotated[Path, typer.Option(help="Its VAE checkpoint.")],
    whisper: Annotated[Path, typer.Option(help="Its Whisper checkpoint.")],
    out: Annotated[Path, typer.Option(help="The training's folder.")],
    variant: Annotated[str, typer.Option(help="15 or 16.")] = "15",
    sync_network: Annotated[Path | None, typer.Option(help="LatentSync's StableSyncNet checkpoint.")] = None,
    config: Annotated[Path, typer.Option(help="Settings of the training.")] = CONFIGS / "finetune.toml",
    steps: Steps = None,
) -> None:
    """Fine-tunes a released network on prepared clips; only motion modules and attentions learn."""
    judge = load_stable_syncnet(LATENTSYNC_SYNCNET, sync_network) if sync_network else None
    released = ReleasedFiles(unet, vae, whisper)
    settings = UNetSettings.read(config, steps=steps)
    if settings.trepa_weight:
        typer.echo("TREPA is left out: no video encoder comes with a released variant.")
    if settings.sync_weight and judge is None:
        typer.echo("The sync loss is left out: name StableSyncNet's checkpoint with --sync-network.")
    weights = finetune(settings, variant_named(variant), released, clips, out, join_devices(), judge)
    typer.echo(f"{weights}: export it with python -m export onnx --variant {variant} --unet {weights}")


def _supervision(folder: WorkFolder, settings: UNetSettings, vae: AutoencoderKL) -> Supervision:
    """The networks that the losses with a weight look through, where `syncnet` and `motion` left them."""
    syncnet, video_encoder = None, None
    if settings.sync_weight:
        shape = SyncNetSettings.read(CONFIGS / "syncnet.toml").network
        syncnet = load_stable_syncnet(shape, folder.run("syncnet") / WEIGHTS).to(vae.device)
    if settings.trepa_weight:
        video_encoder = load_video_encoder(folder.run("motion") / WEIGHTS).to(vae.device)
    return Supervision(vae, syncnet, video_encoder)


def _recordings(folder: WorkFolder, split: str) -> Recordings:
    bank = SpeechBank.open(folder.speech(split))
    return record(list(bank.waves), list(bank.all_visemes))


def _latent_clips(folder: WorkFolder, split: str, vae: AutoencoderKL) -> LatentClips:
    clips, bank = FaceClips.open(folder.faces(split)), SpeechBank.open(folder.speech(split))
    trained = folder.trained
    latents = Latents.of(clips, vae, folder.kept("latents", ".pt", folder.faces(split) / FACES, trained.vae))
    encoder = load_whisper(trained.whisper, DEMO.whisper)
    heard = folder.kept("audio", ".npy", folder.speech(split), trained.whisper)
    return LatentClips(clips, bank, latents, audio_features(bank, encoder, heard))


if __name__ == "__main__":
    run_program(app)
