"""Requests as the API's description shows them."""

from typing import Any, Final

EXAMPLES: Final[dict[str, Any]] = {
    "addresses": {
        "summary": "Two public addresses",
        "value": {"video": "https://example.com/talk.mp4", "audio": "https://example.com/voice.wav"},
    },
    "uploads": {
        "summary": "Two uploads, one of several people, told at its end",
        "value": {
            "video": "upload:019a0b7e6c4f7a5b8c1d2e3f40516273",
            "audio": "upload:019a0b7e6c4f7a5b8c1d2e3f40516274",
            "parameters": {"guidance_scale": 1.5, "length": "bounce", "speaker": "point:0.42,0.38"},
            "webhook": {"url": "https://example.com/done", "events": ["started", "ended"]},
            "cancel_after_s": 3600,
            "metadata": {"episode": "7"},
        },
    },
}

FACES_SOURCE: Final[dict[str, Any]] = {
    "upload": {"summary": "An upload", "value": "upload:019a0b7e6c4f7a5b8c1d2e3f40516273"},
}
FACES: Final[dict[str, Any]] = {
    "width": 1920,
    "height": 1080,
    "at_s": 0.0,
    "faces": [
        {"x": 402.5, "y": 211.0, "w": 230.5, "h": 287.0},
        {"x": 1288.0, "y": 260.5, "w": 171.0, "h": 214.5},
    ],
}
