"""What a file says about where it comes from."""

from fastapi import APIRouter, UploadFile

from gateway.asking import FrontOf, Reader
from gateway.body_sizes import FILE_BYTES
from gateway.ids import new_id
from gateway.incoming_file import incoming_file
from gateway.uploads import media_suffix
from services.common.provenance.verification import Verification

router = APIRouter(tags=["provenance"])
_BLOCK_BYTES = 1 << 20


@router.post("/verify", max_body_size=FILE_BYTES)
async def verify(file: UploadFile, front: FrontOf, caller: Reader) -> Verification:
    """Reads the signed content credentials and the watermark of a file sent as a form's field `file`."""
    at_most = min(caller.account.limits.max_media_bytes, front.settings.max_media_bytes)
    path = front.ports.media.scratch / f"verify-{new_id(front.clock())}{media_suffix(file.filename or '')}"
    try:
        with incoming_file(path, at_most) as arriving:
            while block := await file.read(_BLOCK_BYTES):
                arriving.write(block)
        # In its confined process, before anything is decoded in this one.
        await front.uploads.examine(path, file.filename or "")
        return await front.verifier.verify(path)
    finally:
        path.unlink(missing_ok=True)
