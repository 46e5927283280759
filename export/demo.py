"""Variant 1: a tiny, seeded random network of the real architecture, small enough to ship with the source."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from export import networks
from export.metadata import GraphMetadata
from export.onnx_export import Exported, export_network
from export.random_weights import randomize
from export.unet import UNet3D
from export.vae import VaeDecoder, VaeEncoder, build_vae
from export.variants import DEMO, Variant
from export.whisper import WhisperEncoder

SEED = 1
DECODED_CONTRAST = 0.4
"""Scale of the decoder's last kernel: plain random weights put a tenth of the samples outside [−1,1]."""


def export_demo(repository: Path) -> Iterator[Exported]:
    """Writes variant 1's five networks; running it again writes the same bytes."""
    metadata = GraphMetadata(DEMO.name, DEMO.resolution, _identity(DEMO), "fp32", DEMO.note)
    for network in _networks(DEMO):
        yield export_network(network, metadata, repository, store_half=True)


@torch.no_grad()
def _networks(variant: Variant) -> Iterator[networks.Network]:
    whisper = WhisperEncoder(variant.whisper)
    whisper.positional_embedding.copy_(_whisper_positions(variant.whisper.n_audio_ctx, variant.whisper.n_audio_state))
    randomize(whisper, SEED)
    vae = build_vae(variant.vae)
    randomize(vae, SEED)
    vae.decoder.conv_out.weight.mul_(DECODED_CONTRAST)
    unet = UNet3D(variant.unet)
    randomize(unet, SEED)
    for network in (whisper, vae, unet):
        _round_to_half(network)
    yield networks.whisper_encoder(whisper)
    yield networks.vae_encoder(VaeEncoder(vae))
    yield networks.vae_decoder(VaeDecoder(vae))
    yield networks.unet(unet)
    yield networks.unet_cached(unet)


def _round_to_half(network: nn.Module) -> None:
    """Makes every weight a number that half precision holds, so that it can be stored in half the space."""
    network.half().float()


def _whisper_positions(length: int, width: int) -> Tensor:
    """Whisper's table, length×width: sines then cosines over timescales 1…10000 (Radford et al. 2022)."""
    timescales = 10_000.0 ** (torch.arange(width // 2) / (width // 2 - 1))
    angle = torch.arange(length)[:, None] / timescales
    return torch.cat((angle.sin(), angle.cos()), dim=1)


def _identity(variant: Variant) -> str:
    """Stands in for a checkpoint's hash: the shape and the seed determine every weight."""
    shapes = (variant.unet.model_dump_json(), variant.whisper, sorted(variant.vae.items()))
    recipe = repr((shapes, DECODED_CONTRAST, SEED))
    return hashlib.sha256(recipe.encode()).hexdigest()
