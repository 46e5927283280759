"""Reading a file's content credentials (C2PA)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import c2pa
from pydantic import BaseModel

from services.common.provenance.content_credentials import CONSENT, OFFLINE

Told = dict[str, Any]
"""JSON as the library gives it."""

_UNREADABLE = "claim.unreadable"
_UNTRUSTED = "signingCredential.untrusted"
_UNKNOWN = "unknown"
_ACTIONS = "c2pa.actions"


class Action(BaseModel):
    """Something that was done to the file, in C2PA's words."""

    action: str
    software: str | None = None
    source_type: str | None = None


class Ingredient(BaseModel):
    """A file that this one was made from."""

    relationship: str
    signer: str | None = None
    """Whose credentials it brought along; None: it had none."""
    failures: tuple[str, ...] = ()


class Credentials(BaseModel):
    state: Literal["valid", "invalid", "absent"]
    """Valid: nothing was changed since it was signed, whoever signed it."""
    trusted: bool = False
    """The signer is one that is trusted here."""
    failures: tuple[str, ...] = ()
    """What is wrong, as C2PA's status codes."""
    signer: str | None = None
    signed_at: str | None = None
    """As a timestamp authority attests it."""
    actions: tuple[Action, ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    job_id: str | None = None
    consent_id: str | None = None


def read_credentials(path: Path, own_root: str | None = None) -> Credentials:
    """What the file's active manifest says. `own_root` is a certificate, PEM, whose signatures count as trusted."""
    settings: dict[str, Any] = {**OFFLINE, **({"trust": {"trust_anchors": own_root}} if own_root else {})}
    try:
        with path.open("rb") as file, c2pa.Context.from_dict(settings) as context:
            reader = c2pa.Reader.try_create(file, context=context)
            return _told(reader) if reader else Credentials(state="absent")
    except c2pa.C2paError.NotSupported:
        return Credentials(state="absent")
    except c2pa.C2paError:
        return Credentials(state="invalid", failures=(_UNREADABLE,))


def _told(reader: c2pa.Reader) -> Credentials:
    with reader:
        store, state = json.loads(reader.json()), reader.get_validation_state()
    manifests = store.get("manifests", {})
    manifest = manifests.get(store.get("active_manifest"), {})
    consent = next(_assertions(manifest, CONSENT), {})
    return Credentials(
        state="invalid" if state == "Invalid" else "valid",
        trusted=state == "Trusted",
        failures=_failures(store),
        signer=_signer(manifest),
        signed_at=_text(manifest.get("signature_info", {}).get("time")),
        actions=tuple(_action(told) for data in _assertions(manifest, _ACTIONS) for told in data.get("actions", ())),
        ingredients=tuple(_ingredient(told, manifests) for told in manifest.get("ingredients", ())),
        job_id=_text(consent.get("job_id")),
        consent_id=_text(consent.get("consent_id")),
    )


def _assertions(manifest: Told, label: str) -> Iterator[Told]:
    found = (assertion for assertion in manifest.get("assertions", ()) if assertion["label"].startswith(label))
    return (assertion["data"] for assertion in found if isinstance(assertion.get("data"), dict))


def _action(told: Told) -> Action:
    agent = told.get("softwareAgent")
    if isinstance(agent, dict):
        agent = " ".join(filter(None, (_text(agent.get("name")), _text(agent.get("version")))))
    return Action(
        action=_text(told.get("action")) or "", software=_text(agent), source_type=_text(told.get("digitalSourceType"))
    )


def _ingredient(told: Told, manifests: Told) -> Ingredient:
    brought = manifests.get(str(told.get("active_manifest")))
    return Ingredient(
        relationship=_text(told.get("relationship")) or "",
        signer=brought and (_signer(brought) or _UNKNOWN),
        failures=_failures(told),
    )


def _failures(told: Told) -> tuple[str, ...]:
    """Without that of a signer nobody here knows: whether the signer is trusted is said elsewhere."""
    results = told.get("validation_results", {}).get("activeManifest", {}).get("failure", ())
    return tuple(failure["code"] for failure in results if failure["code"] != _UNTRUSTED)


def _signer(manifest: Told) -> str | None:
    signature = manifest.get("signature_info", {})
    names = (_text(signature.get(name)) for name in ("common_name", "issuer"))
    return ", ".join(filter(None, names)) or None


def _text(value: object) -> str | None:
    """What strangers wrote may be of any kind."""
    return value if isinstance(value, str) and value else None
