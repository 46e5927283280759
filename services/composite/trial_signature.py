"""Finding out, before a job depends on it, whether a signing identity is any good."""

import io
import json
from dataclasses import replace
from typing import Final

import c2pa

from services.common.errors import SigningFailed
from services.common.provenance.content_credentials import ACTIONS, DUBBED, OFFLINE
from services.composite.signing_identity import SigningIdentity, signer

_SMALLEST: Final = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08mdat"
_CREATED: Final = {
    "assertions": [{"label": ACTIONS, "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": DUBBED}]}}]
}


def check_usable(identity: SigningIdentity, root: str | None) -> None:
    """Raises SigningFailed unless a file signed with it is trusted where `root`, PEM, is. No authority is asked."""
    signed = io.BytesIO()
    trust = {"trust": {"trust_anchors": root}} if root else {}
    try:
        with signer(replace(identity, tsa_url=None)) as signing_with:
            c2pa.Builder(json.dumps(_CREATED)).sign(signing_with, "video/mp4", io.BytesIO(_SMALLEST), signed)
        with (
            c2pa.Context.from_dict({**OFFLINE, **trust}) as context,
            c2pa.Reader("video/mp4", signed, context=context) as reader,
        ):
            trusted = reader.get_validation_state() == "Trusted"
    except c2pa.C2paError as error:
        raise SigningFailed(f"The signing key and its certificates cannot be used: {error}.") from error
    if not trusted:
        raise SigningFailed(
            "The signing certificates do not lead up to the last of them: the key's own comes first, then the one that "
            "issued it, and so on."
        )
