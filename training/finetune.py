"""Fine-tunes a released denoising network on prepared clips: LatentSync's second stage (latentsync.md §11)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.checkpoint_identity import identify_as
from export.checkpoints import load_unet, load_vae, load_whisper
from export.variants import Variant
from services.common.errors import InvalidParameter
from training.devices import Device
from training.loop import WEIGHTS, Training
from training.losses.trepa import VideoEncoder
from training.prepared_clips import PreparedClips, prepared_videos
from training.stable_syncnet import StableSyncNet
from training.unet import Supervision, UNetSettings, UNetTask, train_only


@dataclass(frozen=True)
class ReleasedFiles:
    """The checkpoint files of a variant that is there already."""

    unet: Path
    vae: Path
    whisper: Path


def finetune(
    settings: UNetSettings,
    variant: Variant,
    released: ReleasedFiles,
    clips: Path,
    out: Path,
    device: Device,
    syncnet: StableSyncNet | None = None,
    video_encoder: VideoEncoder | None = None,
) -> Path:
    """Trains on the folder `clips` that `prepare` filled; returns the weights, to be exported as any UNet checkpoint.

    The last clip is kept for the sample sheets. Losses without their network are left out: `with_available_losses`.
    Raises WrongVariant for files recorded as another variant, CheckpointMismatch, CheckpointUnreadable, ModelMissing,
    and InvalidParameter for settings or clips that do not fit.
    """
    settings = with_available_losses(settings, syncnet, video_encoder)
    videos = prepared_videos(clips)
    for file in (released.unet, released.vae, released.whisper):
        identify_as(file, variant.name)
    network = load_unet(variant.unet, released.unet)
    train_only(network, settings.trained)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InvalidParameter(f"No parameter’s name contains any of {', '.join(settings.trained)}.")
    vae = load_vae(variant.vae, released.vae).to(device.torch_device)  # type: ignore[arg-type]
    whisper = load_whisper(released.whisper, variant.whisper).to(device.torch_device)
    if syncnet:
        syncnet = syncnet.to(device.torch_device)

    seen, unseen = (
        PreparedClips(part, variant.resolution, vae, whisper) for part in (videos[:-1] or videos, videos[-1:])
    )
    shown = unseen.draw(np.random.default_rng(settings.seed), 1, settings.frames)
    task = UNetTask(settings, seen, shown, Supervision(vae, syncnet, video_encoder))
    Training(task, network, settings, out, device).run()
    return out / WEIGHTS


def with_available_losses(
    settings: UNetSettings, syncnet: StableSyncNet | None, video_encoder: VideoEncoder | None
) -> UNetSettings:
    """The settings with weight 0 for losses whose network is missing, decoding nothing if no pixel loss is left.

    Raises InvalidParameter if clips are not as long as the sync network's windows.
    """
    if syncnet and settings.sync_weight and syncnet.config.num_frames != settings.frames:
        raise InvalidParameter(
            f"The sync network sees {syncnet.config.num_frames} frames, but frames = {settings.frames} are trained on."
        )
    sync_weight = settings.sync_weight if syncnet else 0.0
    trepa_weight = settings.trepa_weight if video_encoder else 0.0
    looks_at_pixels = settings.reconstruction_weight + sync_weight + trepa_weight > 0
    return settings.model_copy(
        update={
            "sync_weight": sync_weight,
            "trepa_weight": trepa_weight,
            "pixel_share": settings.pixel_share if looks_at_pixels else 0.0,
        }
    )
