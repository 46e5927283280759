"""What a job's end is told with, in each dialect's own words."""

from gateway.job_views import JobView
from gateway.submissions import Submission
from gateway.webhooks.json_text import Json


def webhook_body(view: JobView, submission: Submission) -> Json:
    return _native(view)


def _native(view: JobView) -> Json:
    """As Standard Webhooks proposes: a type, a time, and the job as the API shows it."""
    return {
        "type": f"job.{view.state}",
        "timestamp": (view.ended_at or view.created_at).isoformat(),
        "data": view.model_dump(mode="json"),
    }
