"""What a job's end is told with, in each dialect's words."""

from datetime import timedelta

import pytest
from port_suites.job_records import job_record
from port_suites.submissions import NOON, submission

from gateway.dialects import fal_words
from gateway.job_views import JobView, job_view
from gateway.links import OwnLinks
from gateway.submissions import Dialect, Submission
from gateway.webhook_bodies import webhook_body
from gateway.webhooks.json_text import json_text
from services.common.messages import JobError

BASE = "https://lipstage.test"


def failed(dialect: Dialect) -> tuple[JobView, Submission]:
    error = JobError(code="no_face", message="There is no face.")
    ended = submission("0a", dialect=dialect, error=error, ended_at=NOON + timedelta(seconds=3))
    return job_view(ended, None, None, OwnLinks(BASE, b"secret"), NOON), ended


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("wavespeed", {"id": "0a", "status": "failed", "error": "There is no face.", "outputs": []}),
        ("fal", {"request_id": "0a", "status": "ERROR", "error": "Invalid status code: 422"}),
        ("replicate", {"id": "0a", "status": "failed", "error": "There is no face.", "output": None}),
        ("sync", {"id": "0a", "status": "FAILED", "error": "There is no face.", "error_code": "no_face"}),
        ("native", {"type": "job.failed"}),
    ],
)
def test_each_dialect_tells_a_failure_in_its_words(dialect: Dialect, expected: dict[str, object]) -> None:
    body = webhook_body(*failed(dialect), BASE)

    assert {name: body[name] for name in expected} == expected  # type: ignore[call-overload, index]
    assert json_text(body)


def test_fal_tells_the_status_that_the_result_has() -> None:
    view, _ = failed("fal")
    internal = view.model_copy(update={"error": JobError(code="internal", message="Something went wrong.")})
    canceled = view.model_copy(update={"state": "canceled", "error": None})

    assert fal_words.notification(internal)["error"] == "Invalid status code: 500"
    assert fal_words.notification(canceled)["error"] == "Invalid status code: 499"
    assert fal_words.notification(canceled)["payload"]["error_type"] == "client_cancelled"


@pytest.mark.parametrize(("dialect", "told"), [("replicate", "processing"), ("native", None)])
def test_a_start_is_told_as_the_job_is_then(dialect: Dialect, told: str | None) -> None:
    begun = submission("0a", dialect=dialect, queued_at=NOON)
    view = job_view(begun, job_record("0a", state="processing", output=None), None, OwnLinks(BASE, b"secret"), NOON)

    body = webhook_body(view, begun, BASE)

    assert body.get("status") == told  # type: ignore[union-attr]
    assert body.get("type") == (None if told else "job.started")  # type: ignore[union-attr]


def test_fal_tells_the_details_as_payload() -> None:
    body = webhook_body(*failed("fal"), BASE)

    assert body["payload"]["detail"][0]["type"] == "face_detection_error"  # type: ignore[call-overload, index]
