"""sync.so's other way to ask for a generation: a form that holds the files."""

from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.datastructures import UploadFile

from gateway.accounts import Caller
from gateway.dialects.sync_words import Asked
from gateway.front import Front
from gateway.ids import new_id
from gateway.repetitions import Repetitions
from gateway.rest.uploads import received
from gateway.uploads import Upload
from services.common.errors import DocumentExists, IdempotencyConflict, InvalidParameter

_IN_JSON: Final = ("input", "options", "segments")


async def asked_in_form(request: Request, front: Front, caller: Caller, idempotency_key: str | None) -> Asked:
    """The files become assets, the same ones when the request is repeated with its key.

    Raises InvalidParameter, RequestValidationError, IdempotencyConflict, and what is wrong with the media.
    """
    form = await request.form()
    told: dict[str, Any] = {name: form[name] for name in ("model", "webhookUrl") if isinstance(form.get(name), str)}
    told |= {name: _parsed(name, form[name]) for name in _IN_JSON if isinstance(form.get(name), str)}
    given = told.get("input", [])
    if not isinstance(given, list):
        raise InvalidParameter("The form's field input is not a list.")
    inputs = list(given)
    for kind in ("video", "audio"):
        file = form.get(kind)
        if isinstance(file, UploadFile):
            upload = await _asset(front, caller, kind, file, idempotency_key)
            inputs.append({"type": kind, "assetId": upload.id})
    try:
        return Asked.model_validate({**told, "input": inputs})
    except ValidationError as error:
        raise in_body(error) from error


def in_body(error: ValidationError) -> RequestValidationError:
    """What is wrong with a body that was read by hand, as for one that was not."""
    return RequestValidationError([{**part, "loc": ("body", *part["loc"])} for part in error.errors()])


async def _asset(front: Front, caller: Caller, kind: str, file: UploadFile, idempotency_key: str | None) -> Upload:
    if idempotency_key is None:
        return await received(front, caller, file)
    # A key has no space in it: this is not the key of the job.
    key, named = f"{idempotency_key} {kind}", f"upload {file.filename}".encode()
    upload_id = await Repetitions(front.ports.documents).first(caller.account.id, key, named, new_id(front.clock()))
    try:
        return await received(front, caller, file, upload_id)
    except DocumentExists as error:
        raise IdempotencyConflict("This idempotency key was used for another file.", made=upload_id) from error


def _parsed(name: str, text: Any) -> Any:
    try:
        return from_json(text)
    except ValueError:
        raise InvalidParameter(f"The form's field {name} is not JSON.") from None
