"""Submissions as tests need them."""

from datetime import UTC, datetime

from gateway.billing.plans import load_plans
from gateway.submissions import JobRequest, StoredMedia, Submission
from services.common.messages import DubParameters

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def stored_media(duration_s: float, **fields: object) -> StoredMedia:
    media = {"sha256": "ab" * 32, "suffix": ".mp4", "bytes": 1000, "duration_s": duration_s, "source": "upload:one"}
    return StoredMedia.model_validate(media | fields)


def submission(job_id: str = "job", video_s: float = 10.0, voice_s: float = 10.0, **fields: object) -> Submission:
    """A job whose inputs are stored, but for `fields`."""
    stored = {
        "id": job_id,
        "account": "studio",
        "key": "key",
        "created_at": NOON,
        "request": JobRequest(video="upload:one", audio="upload:two", parameters=DubParameters()),
        "price_plan": load_plans()["per-5-seconds"],
        "retention_s": 3600,
        "video": stored_media(video_s),
        "audio": stored_media(voice_s, suffix=".wav", sha256="cd" * 32, source="upload:two"),
    }
    return Submission.model_validate(stored | fields)
