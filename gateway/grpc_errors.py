"""Errors as gRPC tells them: a status, and in its details the stable code of the one error tree.

The details are google.rpc.Status's: an `ErrorInfo` whose `reason` is the code, and a `RetryInfo` where waiting helps.
"""

import logging
from typing import Any, Final, Never

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from services.common import errors
from services.common.errors import LipstageError

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
DOMAIN: Final = "lipstage"

_STATUS: Final[tuple[tuple[type[LipstageError], grpc.StatusCode], ...]] = (
    (errors.Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (errors.Forbidden, grpc.StatusCode.PERMISSION_DENIED),
    (errors.LinkInvalid, grpc.StatusCode.PERMISSION_DENIED),
    (errors.ConsentRequired, grpc.StatusCode.PERMISSION_DENIED),
    (errors.QuotaExceeded, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.JobNotFound, grpc.StatusCode.NOT_FOUND),
    (errors.UploadNotFound, grpc.StatusCode.NOT_FOUND),
    (errors.ObjectMissing, grpc.StatusCode.NOT_FOUND),
    (errors.JobNotEnded, grpc.StatusCode.FAILED_PRECONDITION),
    (errors.IdempotencyConflict, grpc.StatusCode.ALREADY_EXISTS),
    (errors.DocumentExists, grpc.StatusCode.ALREADY_EXISTS),
    (errors.TooManyRequests, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.InputError, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.Unavailable, grpc.StatusCode.UNAVAILABLE),
    (errors.DiskFull, grpc.StatusCode.RESOURCE_EXHAUSTED),
)
"""The first that fits counts, as in problem.py."""


async def abort(context: Context, error: Exception) -> Never:
    """Ends the call. What is wrong here and not at the caller is noted, and not told in detail."""
    told = error if isinstance(error, LipstageError) else LipstageError("An error without a code.")
    code = code_of(told)
    if code == grpc.StatusCode.INTERNAL:
        log.error("a call over gRPC failed: %s", error, exc_info=error)
    status = rpc_status.to_status(_status(told, code))
    await context.abort(status.code, status.details, status.trailing_metadata)


def code_of(error: LipstageError) -> grpc.StatusCode:
    return next((code for kind, code in _STATUS if isinstance(error, kind)), grpc.StatusCode.INTERNAL)


def _status(error: LipstageError, code: grpc.StatusCode) -> Status:
    hidden = code == grpc.StatusCode.INTERNAL
    number: int = code.value[0]
    status = Status(code=number, message="Something went wrong here; it was noted." if hidden else str(error))
    status.details.add().Pack(ErrorInfo(reason=error.code, domain=DOMAIN))
    if isinstance(error, errors.TooManyRequests):
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=int(str(error.fields["retry_after_s"])))))
    return status
