"""Variant 1: a tiny, seeded random network of the real architecture, small enough to ship with the source."""

import hashlib
from collections.abc import Iterator

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from export import networks
from export.metadata import GraphMetadata
from export.networks import Network
from export.random_weights import randomize
from export.unet import UNet3D
from export.vae import VaeDecoder, VaeEncoder, build_vae
from export.variants import DEMO, Variant
from export.whisper import WhisperEncoder

NOTE = "Variant 1 is an untrained, seeded random network: it shows that the pipeline runs, not lip-sync."
SEED = 1
DECODED_CONTRAST = 0.4
"""Scale of the decoder's last kernel: plain random weights put a tenth of the samples outside [−1,1]."""


def demo_networks() -> Iterator[tuple[Network, GraphMetadata]]:
    """Variant 1's five networks, whose weights half precision holds exactly; the same ones every time."""
    whisper, vae, unet = _random_networks(DEMO)
    metadata = GraphMetadata(DEMO.name, DEMO.resolution, _identity(DEMO), "fp32", NOTE)
    for network in (
        networks.whisper_encoder(whisper),
        networks.vae_encoder(VaeEncoder(vae)),
        networks.vae_decoder(VaeDecoder(vae)),
        networks.unet(unet),
        networks.unet_cached(unet),
    ):
        yield network, metadata


@torch.no_grad()
def _random_networks(variant: Variant) -> tuple[WhisperEncoder, AutoencoderKL, UNet3D]:
    whisper = WhisperEncoder(variant.whisper)
    whisper.positional_embedding.copy_(_whisper_positions(variant.whisper.n_audio_ctx, variant.whisper.n_audio_state))
    randomize(whisper, SEED)
    vae = build_vae(variant.vae)
    randomize(vae, SEED)
    vae.decoder.conv_out.weight.mul_(DECODED_CONTRAST)
    unet = UNet3D(variant.unet)
    randomize(unet, SEED)
    for network in (whisper, vae, unet):
        network.half().float().eval().requires_grad_(False)  # rounds the weights
    return whisper, vae, unet


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
