"""What Replicate's clients read about a model before or after they run it."""

from typing import Any

from gateway.dialects.replicate_words import MODEL, NAME, OWNER, VERSION, Input

_CREATED = "2024-12-01T00:00:00.000Z"
_COG_VERSION = "0.16.0"
"""Anything from 0.3.9 on: clients rewrite the schema of older ones."""


def model(base_url: str) -> dict[str, Any]:
    return {
        "url": f"{base_url}/v1/models/{MODEL}",
        "owner": OWNER,
        "name": NAME,
        "description": "A video and a new voice go in; the same video comes out speaking the new voice.",
        "visibility": "public",
        "github_url": None,
        "paper_url": "https://arxiv.org/abs/2412.09262",
        "license_url": None,
        "run_count": 0,
        "cover_image_url": None,
        "default_example": None,
        "latest_version": version(VERSION),
    }


def version(name: str) -> dict[str, Any]:
    """Whatever its name: there is one model."""
    output = {"type": "string", "title": "Output", "format": "uri"}
    schemas = {"Input": Input.model_json_schema(), "Output": output}
    return {
        "id": name,
        "created_at": _CREATED,
        "cog_version": _COG_VERSION,
        "openapi_schema": {
            "openapi": "3.0.2",
            "info": {"title": MODEL, "version": name},
            "paths": {},
            "components": {"schemas": schemas},
        },
    }
