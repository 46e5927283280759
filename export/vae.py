"""Stable Diffusion's image autoencoder, from diffusers, as the two networks that are exported."""

import inspect
from collections.abc import Mapping

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn

from services.common.errors import InvalidParameter

LOGVAR_RANGE = (-30.0, 20.0)
"""A posterior's log-variance is clamped to this range before use."""


def build_vae(config: Mapping[str, object]) -> AutoencoderKL:
    """The autoencoder of a diffusers config, in evaluation mode; raises InvalidParameter.

    Keys that start with an underscore are diffusers' notes to itself and say nothing about the network.
    """
    arguments = {key: value for key, value in config.items() if not key.startswith("_")}
    unknown = sorted(arguments.keys() - inspect.signature(AutoencoderKL.__init__).parameters.keys())
    if unknown:
        raise InvalidParameter(f"The VAE configuration has unknown keys: {', '.join(unknown)}.")
    try:
        vae: AutoencoderKL = AutoencoderKL(**arguments)
    except (ValueError, TypeError) as invalid:
        raise InvalidParameter(f"The VAE configuration is not valid: {str(invalid).rstrip('.')}.") from invalid
    vae.eval()
    return vae


class VaeEncoder(nn.Module):
    """images N×3×H×W in [−1,1] → moments N×8×H/8×W/8: the posterior's mean, then its unclamped log-variance."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.encoder = vae.encoder
        self.quant_conv = vae.quant_conv if vae.quant_conv is not None else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        return self.quant_conv(self.encoder(images))  # type: ignore[no-any-return]


class VaeDecoder(nn.Module):
    """latents N×4×h×w, already divided by the scaling factor → images N×3×8h×8w in about [−1,1]."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.post_quant_conv = vae.post_quant_conv if vae.post_quant_conv is not None else nn.Identity()
        self.decoder = vae.decoder

    def forward(self, latents: Tensor) -> Tensor:
        return self.decoder(self.post_quant_conv(latents))  # type: ignore[no-any-return]
