"""A variant's networks from checkpoint files, ready for export."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from export import networks
from export.checkpoint_identity import CheckpointIdentity, identify_as
from export.checkpoints import load_unet, load_vae, load_whisper
from export.half_precision import compute_in_half
from export.metadata import GraphMetadata, Precision
from export.networks import Network
from export.vae import VaeDecoder, VaeEncoder
from export.variants import Variant
from services.common.errors import InvalidParameter


@dataclass(frozen=True)
class CheckpointFiles:
    """Where a variant's weights are; networks whose file is None are left out."""

    unet: Path | None = None
    whisper: Path | None = None
    vae: Path | None = None


def networks_from(
    variant: Variant, files: CheckpointFiles, precision: Precision
) -> Iterator[tuple[Network, GraphMetadata]]:
    """Each network with what its graph shall say about itself; only one checkpoint is in memory at a time.

    Every file is identified before the first is loaded. Raises InvalidParameter without any file, WrongVariant for a
    file recorded as another variant, and what loading raises.
    """
    identities = {path: identify_as(path, variant.name) for path in (files.whisper, files.vae, files.unet) if path}
    if not identities:
        raise InvalidParameter("Give at least one checkpoint to export: a UNet, a Whisper encoder or a VAE.")
    return _loaded(variant, files, precision, identities)


def _loaded(
    variant: Variant, files: CheckpointFiles, precision: Precision, identities: dict[Path, CheckpointIdentity]
) -> Iterator[tuple[Network, GraphMetadata]]:
    def described(path: Path) -> GraphMetadata:
        return GraphMetadata(variant.name, variant.resolution, identities[path].sha256, precision, variant.note)

    def at_precision(network: nn.Module) -> None:
        if variant.ships:
            network.half().float()
        if precision == "fp16":
            compute_in_half(network)

    if files.whisper:
        whisper = load_whisper(files.whisper, variant.whisper)
        at_precision(whisper)
        yield networks.whisper_encoder(whisper), described(files.whisper)
    if files.vae:
        vae = load_vae(variant.vae, files.vae)
        at_precision(vae)
        yield networks.vae_encoder(VaeEncoder(vae)), described(files.vae)
        yield networks.vae_decoder(VaeDecoder(vae)), described(files.vae)
    if files.unet:
        unet = load_unet(variant.unet, files.unet)
        at_precision(unet)
        yield networks.unet(unet), described(files.unet)
        yield networks.unet_cached(unet), described(files.unet)
