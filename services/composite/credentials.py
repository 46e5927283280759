"""Signed content credentials (C2PA) in a finished file: where it comes from and what was done to it."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, Final

import c2pa

from services.common.errors import OUT_OF_SPACE, DiskFull, SigningFailed
from services.common.media.opening import open_media
from services.common.media.writing import new_file
from services.common.messages import JobRecord, Provenance
from services.common.provenance.content_credentials import ACTIONS, CONSENT, DUBBED, OFFLINE, signed_media_type
from services.common.provenance.signing_files import own_root
from services.common.settings import Settings
from services.composite.signing_identity import SigningIdentity, signer, signing_identity
from services.composite.trial_signature import check_usable

_SOFTWARE: Final = {"1": ("Lipstage demo network", "1"), "15": ("LatentSync", "1.5"), "16": ("LatentSync", "1.6")}
_PARENT: Final = "source"
_WITHOUT_MANIFEST: Final = "application/octet-stream"
_FLAT_MEMORY: Final = {"core": {"backing_store_memory_threshold_in_mb": 1, "merkle_tree_chunk_size_in_kb": 1024}}
"""Else the library holds the whole file in memory twice. The hash becomes a tree over megabytes of it."""
_SPILLED: Final = 3
"""How many times the library writes the whole file to the temporary folder instead."""
_ROOM: Final = 16 << 20
"""What credentials need beside the file itself; those that its source brought along are among them."""


def signing(settings: Settings) -> Callable[[Path, Path, JobRecord], bool]:
    """`sign` with the identity of the settings.

    A key that they name is tried at once, so that a wrong one stops the start (SigningFailed); one of our own is made
    only when something is signed.
    """
    identity = cache(lambda: signing_identity(settings))
    if settings.signing_key or settings.signing_chain:
        check_usable(identity(), own_root(settings))
    return lambda file, source, record: sign(file, source, record, identity())


def sign(file: Path, source: Path, record: JobRecord, identity: SigningIdentity) -> bool:
    """Signs `file` in place as the dub of `source`, and keeps the source's own credentials in it as an ingredient.

    Any change to the file afterwards shows. Returns False, and leaves the file as it is, if its container carries no
    credentials. Raises SigningFailed, DiskFull.
    """
    media_type = signed_media_type(file)
    if media_type is None or record.provenance is None:
        return False
    _check_room(file)
    try:
        with new_file(file) as signed, signer(identity) as signing_with:
            builder = _with_source(_manifest(record, record.provenance), source)
            with file.open("rb") as unsigned, signed.open("w+b") as target:
                builder.sign(signing_with, media_type, unsigned, target)
    except c2pa.C2paError as error:
        raise _failure(file, error) from error
    return True


def _check_room(file: Path) -> None:
    """Of a target that could not be written the library does not say why."""
    needed = file.stat().st_size + _ROOM
    spilled = Path(tempfile.gettempdir())
    together = spilled.stat().st_dev == file.parent.stat().st_dev
    if (
        shutil.disk_usage(file.parent).free < needed * (1 + _SPILLED if together else 1)
        or shutil.disk_usage(spilled).free < needed * _SPILLED
    ):
        raise _no_room(file)


def _failure(file: Path, error: c2pa.C2paError) -> DiskFull | SigningFailed:
    number = re.search(r"os error (\d+)", str(error))
    if number and int(number[1]) in OUT_OF_SPACE:
        return _no_room(file)
    return SigningFailed(f"The output cannot be signed: {error}.")


def _no_room(file: Path) -> DiskFull:
    return DiskFull(f"There is no space left to sign “{file.name}”.", path=str(file))


def _with_source(manifest: dict[str, Any], source: Path) -> c2pa.Builder:
    context = c2pa.Context.from_dict(OFFLINE | _FLAT_MEMORY)
    ingredient = {"title": "source", "relationship": "parentOf", "label": _PARENT}
    for media_type in (_media_type(source), _WITHOUT_MANIFEST):
        builder = c2pa.Builder(json.dumps(manifest), context=context)
        try:
            with source.open("rb") as stream:
                builder.add_ingredient(json.dumps(ingredient), media_type, stream)
        except c2pa.C2paError:
            continue  # what it says about its own origin cannot be read; it remains the source all the same
        return builder
    raise SigningFailed("The source cannot be named as an ingredient of the output.")


def _media_type(source: Path) -> str:
    """By its content: the name of a file may lie."""
    with open_media(source) as container:
        names = container.format.name.split(",")
    return "video/mp4" if "mp4" in names else "video/avi" if "avi" in names else _WITHOUT_MANIFEST


def _manifest(record: JobRecord, provenance: Provenance) -> dict[str, Any]:
    name, number = _SOFTWARE[record.parameters.variant]
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": [_PARENT]}}
    edited = {
        "action": "c2pa.edited",
        "softwareAgent": {"name": name, "version": number},
        "digitalSourceType": DUBBED,
        "description": "The mouth was drawn anew to speak another voice, and the sound replaced by that voice.",
    }
    consent = {
        "job_id": provenance.job_id,
        "consent_id": provenance.consent_id,
        "video_sha256": PurePosixPath(record.video).stem,
        "audio_sha256": PurePosixPath(record.audio).stem,
    }
    return {
        "title": f"{provenance.job_id}{record.parameters.output.suffix}",
        "claim_generator_info": [{"name": "Lipstage", "version": version("lipstage")}],
        "assertions": [
            {"label": ACTIONS, "data": {"actions": [opened, edited]}},
            {"label": CONSENT, "data": consent},
        ],
    }
