"""What an S3 server's refusals mean: in our own errors, and whether asking again may help."""

from xml.etree.ElementTree import ParseError

import urllib3.exceptions
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from services.common.errors import DiskFull, LipstageError, ObjectMissing, Unauthorized, Unavailable
from services.common.s3_client import S3Access

S3_TROUBLE = (MinioException, urllib3.exceptions.HTTPError, ParseError)
"""Everything that the client raises when a request fails."""

_NO_SPACE = {"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"}
_MISSING = {"NoSuchKey", "NoSuchVersion"}
_PASSING = {
    "RequestTimeout",
    "ConditionalRequestConflict",
    "OperationAborted",
    "NoSuchUpload",  # the server died in the middle of a multipart upload, or it was completed after all
}


def may_pass(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    if not isinstance(error, S3Error):
        return True
    if _no_space(error):
        return False
    return error.code in _PASSING or error.response.status == 429 or _is_servers_fault(error.response.status)


def in_our_words(error: Exception, access: S3Access, name: str) -> LipstageError:
    """`name` is the object that was asked for."""
    store = f"media store at {access.url}"
    if not isinstance(error, S3Error):
        return Unavailable(f"The {store} {_silence(error)}.", url=access.url)
    if error.code == "NoSuchBucket":
        return Unavailable(
            f"There is no bucket {access.bucket} in the {store}; run python -m services.bootstrap first.",
            bucket=access.bucket,
        )
    if error.code in _MISSING:
        return ObjectMissing(f"Nothing is stored as {name}.", name=name)
    if _no_space(error):
        return DiskFull(f"There is no space left in the {store}.", url=access.url)
    if error.response.status in (401, 403):
        return Unauthorized(f"Access to the {store} was refused ({error.code}).", url=access.url)
    if may_pass(error):
        return Unavailable(f"The {store} is in trouble ({error.code}).", url=access.url)
    return LipstageError(f"The {store} refused a request for {name}: {error.code}, {error.message}")


def _no_space(error: S3Error) -> bool:
    return (
        error.code in _NO_SPACE
        or error.response.status == 507
        or "no space left on device" in (error.message or "").lower()
    )


def _is_servers_fault(status: int) -> bool:
    return status >= 500 and status != 501


def _silence(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "does not answer"
    if isinstance(error, ServerError):
        return f"is in trouble (HTTP {error.status_code})"
    if isinstance(error, InvalidResponseError | ParseError):
        return "answered with something that is not S3"
    return "cannot be reached"
