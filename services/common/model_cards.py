"""How the cards of a repository's networks reach a client of Triton: as parameters of one network's configuration.

Triton tells its callers nothing of what a graph says about itself, and an engine compiled from it says nothing at all.
"""

import json
from dataclasses import asdict

from services.common.errors import ModelError
from services.common.ports import ModelCard, ModelName

CARRIER: ModelName = "whisper_encoder"
"""The network whose configuration carries the cards of all: small, and so loaded by every server."""


def parameter_of(model: ModelName, variant: str) -> str:
    return f"card.{model}.{variant}"


def card_text(card: ModelCard) -> str:
    return json.dumps({field: value for field, value in asdict(card).items() if field != "name"}, sort_keys=True)


def card_from(model: ModelName, text: str) -> ModelCard:
    """Raises ModelError for a text that is not of this release's `card_text`."""
    try:
        return ModelCard(name=model, **json.loads(text))
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"What Triton says about {model} cannot be read: {error}; write it anew: python -m services.triton cards.",
            model=model,
        ) from error
