"""What calls raise. Every error has the service's stable `code`, and one sentence as `detail`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lipstage.client.answers import Job


class LipstageError(Exception):
    """Base of them all. `status` is HTTP's, and None where no answer came."""

    def __init__(self, code: str, detail: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.status = code, detail, status


class NotConfigured(LipstageError):
    """Neither an argument nor the environment says where the gateway is, or with what key."""


class Unreachable(LipstageError):
    """No answer came, or not all of it."""


class Untrusted(LipstageError):
    """The gateway's certificate is not vouched for by an authority that is trusted here; asking again cannot help."""


class InvalidRequest(LipstageError):
    """What was asked cannot be done; asking again cannot help."""


class Unauthenticated(LipstageError):
    """The key is unknown, expired or revoked."""


class Forbidden(LipstageError):
    """The key is good, but not for this; or a consent is missing, or a quota used up."""


class NotFound(LipstageError):
    pass


class Conflict(LipstageError):
    """The job is not in a state for this, or the idempotency key was used for another request."""


class TooManyRequests(LipstageError):
    """Still so after all tries."""


class ServerError(LipstageError):
    """The gateway or something behind it fails or is away; it may come back."""


class JobFailed(LipstageError):
    """A job that was waited for has failed. `job` is how it ended."""

    def __init__(self, code: str, detail: str, job: "Job") -> None:
        super().__init__(code, detail)
        self.job = job


class JobCanceled(JobFailed):
    """A job that was waited for was canceled by somebody."""


def error_from(status: int, code: str, detail: str) -> LipstageError:
    """The error that an answer of the gateway stands for."""
    return _KINDS.get(status, ServerError if status >= 500 else InvalidRequest)(code, detail, status)


_KINDS: dict[int, type[LipstageError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: TooManyRequests,
}
