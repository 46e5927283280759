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
from gateway.rest.uploads import received
from services.common.errors import InvalidParameter

_IN_JSON: Final = ("input", "options", "segments")


async def asked_in_form(request: Request, front: Front, caller: Caller) -> Asked:
    """The files become assets. Raises InvalidParameter, RequestValidationError, and what is wrong with the media."""
    form = await request.form()
    told: dict[str, Any] = {name: form[name] for name in ("model", "webhookUrl") if isinstance(form.get(name), str)}
    told |= {name: _parsed(name, form[name]) for name in _IN_JSON if isinstance(form.get(name), str)}
    inputs = list(told.get("input", []))
    for kind in ("video", "audio"):
        file = form.get(kind)
        if isinstance(file, UploadFile):
            upload = await received(front, caller, file)
            inputs.append({"type": kind, "assetId": upload.id})
    try:
        return Asked.model_validate({**told, "input": inputs})
    except ValidationError as error:
        raise in_body(error) from error


def in_body(error: ValidationError) -> RequestValidationError:
    """What is wrong with a body that was read by hand, as for one that was not."""
    return RequestValidationError([{**part, "loc": ("body", *part["loc"])} for part in error.errors()])


def _parsed(name: str, text: Any) -> Any:
    try:
        return from_json(text)
    except ValueError:
        raise InvalidParameter(f"The form's field {name} is not JSON.") from None
