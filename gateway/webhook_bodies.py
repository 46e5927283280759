"""What a job's start and end are told with, in each dialect's own words."""

from gateway.dialects import fal_words, replicate_words, sync_words, wavespeed_words
from gateway.job_views import JobView
from gateway.submissions import Submission
from gateway.webhooks.json_text import Json


def webhook_body(view: JobView, submission: Submission, base_url: str) -> Json:
    match submission.dialect:
        case "wavespeed":
            return wavespeed_words.task(view, base_url)
        case "fal":
            return fal_words.notification(view)
        case "replicate":
            return replicate_words.prediction(view, submission, base_url)
        case "sync":
            return sync_words.generation(view, submission)
        case "native":
            return _native(view)


def _native(view: JobView) -> Json:
    """As Standard Webhooks proposes: a type, a time, and the job as the API shows it."""
    return {
        "type": "job.started" if view.state == "processing" else f"job.{view.state}",
        "timestamp": (view.ended_at or view.started_at or view.created_at).isoformat(),
        "data": view.model_dump(mode="json"),
    }
