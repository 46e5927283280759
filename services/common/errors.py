"""The one error tree. Every error has a stable `code`; `str(error)` is one clear sentence.

The codes are the same in Python, on the command line, over HTTP and gRPC, in webhooks and in the docs.
"""

import errno
from typing import ClassVar, Final

OUT_OF_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the operating system says, by `errno`, when DiskFull is meant."""

EXIT_ERROR: Final = 2
"""Exit status of a command that ends with one of these."""


class LipstageError(Exception):
    """Base of everything Lipstage raises on purpose. `code` is stable; fields differ per error."""

    code: ClassVar[str] = "internal"

    def __init__(self, sentence: str, **fields: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fields = fields

    def __str__(self) -> str:
        return self.sentence


class InputError(LipstageError):
    """The caller gave something that cannot be dubbed; asking again with the same input cannot help."""

    code = "invalid_input"


class InvalidParameter(InputError):
    code = "invalid_parameter"


class MediaNotFound(InputError):
    code = "media_not_found"


class MediaEmpty(InputError):
    code = "media_empty"


class MediaTruncated(InputError):
    code = "media_truncated"


class MediaUnreadable(InputError):
    """Not a media file, or one whose codec this build cannot decode."""

    code = "media_unreadable"


class NoVideoStream(InputError):
    code = "no_video_stream"


class NoAudioStream(InputError):
    code = "no_audio_stream"


class AudioEmpty(InputError):
    code = "audio_empty"


class AudioTooLong(InputError):
    code = "audio_too_long"


class VideoTooShort(InputError):
    code = "video_too_short"


class FrameTooLarge(InputError):
    code = "frame_too_large"


class VideoTooLong(InputError):
    code = "video_too_long"


class MediaTooLarge(InputError):
    """More bytes than this installation takes."""

    code = "media_too_large"


class MediaTooComplex(InputError):
    """Finding out what the file holds would cost more than this installation gives."""

    code = "media_too_complex"


class UrlForbidden(InputError):
    """The gateway does not connect there: not http, or a port or an address that the operator does not allow."""

    code = "url_forbidden"


class UrlUnreachable(InputError):
    code = "url_unreachable"


class UrlTimeout(InputError):
    code = "url_timeout"


class NoFace(InputError):
    code = "no_face"


class SpeakerNotFound(InputError):
    code = "speaker_not_found"


class OutputUnwritable(InputError):
    code = "output_unwritable"


class Unauthenticated(InputError):
    """No key, or one that is unknown, expired or revoked."""

    code = "unauthenticated"


class Forbidden(InputError):
    """The key is good, but not for this."""

    code = "forbidden"


class JobNotFound(InputError):
    """There is no such job, or it is somebody else's."""

    code = "job_not_found"


class JobNotEnded(InputError):
    code = "job_not_ended"


class LinkInvalid(InputError):
    """A signed link was changed or has expired."""

    code = "link_invalid"


class NotOffered(InputError):
    """A hosted service has this; here there is another way, or none."""

    code = "not_offered"


class UploadNotFound(InputError):
    code = "upload_not_found"


class IdempotencyConflict(InputError):
    """The same idempotency key was used for another request."""

    code = "idempotency_conflict"


class TooManyRequests(InputError):
    code = "too_many_requests"


class QuotaExceeded(InputError):
    code = "quota_exceeded"


class ConsentRequired(InputError):
    code = "consent_required"


class ConsentInvalid(InputError):
    """There is no such consent, it has expired or was revoked, or it does not cover this."""

    code = "consent_invalid"


class JobRunning(InputError):
    """The very same job is being worked on by another process."""

    code = "job_running"


class StartTimeout(LipstageError):
    """The job had not begun when the time was over that its caller gave it for that."""

    code = "start_timeout"


class DiskFull(LipstageError):
    code = "disk_full"


class SigningFailed(LipstageError):
    """An output cannot be given content credentials: the key, its chain or the file is at fault."""

    code = "signing_failed"


class ModelError(LipstageError):
    """The networks on this machine cannot serve the request."""

    code = "model_error"


class ModelMissing(ModelError):
    code = "model_missing"


class WrongVariant(ModelError):
    """A model or checkpoint was recorded as another variant than the one asked for."""

    code = "wrong_variant"


class CheckpointMismatch(ModelError):
    """A checkpoint's tensors are not exactly the network's."""

    code = "checkpoint_mismatch"


class CheckpointUnreadable(ModelError):
    """Not a checkpoint: damaged, of another format, or a pickle that would run code."""

    code = "checkpoint_unreadable"


class FetchFailed(LipstageError):
    """A file fetched at set-up did not arrive or is not the one that was pinned."""

    code = "fetch_failed"


class StaleRecord(LipstageError):
    """A compare-and-set found another revision than expected; the writer lost the race."""

    code = "stale_record"


class DocumentExists(LipstageError):
    """A document that is only ever created was there already."""

    code = "document_exists"


class ObjectMissing(LipstageError):
    """The media store holds nothing under this name."""

    code = "object_missing"


class ObjectDamaged(LipstageError):
    """What the media store holds is not what was put there."""

    code = "object_damaged"


class Unavailable(LipstageError):
    """A server that jobs depend on cannot be reached or takes no more; it may come back."""

    code = "unavailable"


class Unauthorized(LipstageError):
    """A server refuses the credentials it was given."""

    code = "unauthorized"


class VersionSkew(LipstageError):
    """The job was created for other stages or other networks than this worker has."""

    code = "version_skew"


class Superseded(LipstageError):
    """Another worker has claimed the job since; what this one still does must not be recorded."""

    code = "superseded"


class MessageUnreadable(LipstageError):
    """Bytes from the bus or the job store are damaged, foreign, or of a kind this version does not know."""

    code = "message_unreadable"


class Canceled(LipstageError):
    code = "canceled"


def error_from(code: str, sentence: str) -> LipstageError:
    """The error that a record's or a message's code stands for."""
    pending = [LipstageError]
    while pending:
        kind = pending.pop()
        if kind.code == code:
            return kind(sentence)
        pending += kind.__subclasses__()
    return LipstageError(sentence)
