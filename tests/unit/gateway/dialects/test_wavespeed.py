"""WaveSpeed's words: paths, envelopes, statuses and errors."""

import pytest
from conftest import BASE, Gateway

from services.common.messages import JobError

SUBMIT = "/api/v3/bytedance/latentsync"
MEDIA = {"video": "https://example.com/a.mp4", "audio": "https://example.com/a.wav"}


async def test_trap_7_every_success_is_a_200_in_an_envelope(gateway: Gateway) -> None:
    submitted = await gateway.http.post(SUBMIT, json=MEDIA)
    job = submitted.json()["data"]["id"]

    answers = [
        submitted,
        await gateway.http.get(f"/api/v3/predictions/{job}/result"),
        await gateway.http.get(f"/api/v3/predictions/{job}"),
        await gateway.http.post("/api/v3/media/uploads", json={"filename": "a.mp4", "size": 7}),
        await gateway.http.post("/api/v3/predictions/delete", json={"ids": [job, "0"]}),
        await gateway.http.get("/api/v3/account/balance"),
        await gateway.http.get("/api/v3/webhook/secret"),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(200, 200)] * 7
    assert answers[4].json()["data"] == {"deleted_count": 0}
    assert answers[5].json()["data"] == {"balance": 0.0, "currency": "USD"}


@pytest.mark.parametrize(
    ("state", "status"),
    [("created", "created"), ("processing", "processing"), ("completed", "completed"), ("canceled", "cancelled")],
)
async def test_states_have_its_names(gateway: Gateway, state: str, status: str) -> None:
    job = (await gateway.http.post(SUBMIT, json=MEDIA)).json()["data"]["id"]
    gateway.jobs.move(job, state)  # type: ignore[arg-type]

    task = (await gateway.http.get(f"/api/v3/predictions/{job}/result")).json()["data"]

    assert (task["status"], len(task["outputs"])) == (status, int(state == "completed"))
    assert task["urls"]["get"] == f"{BASE}/api/v3/predictions/{job}/result"


async def test_a_failure_is_told_in_the_task(gateway: Gateway) -> None:
    job = (await gateway.http.post(SUBMIT, json=MEDIA)).json()["data"]["id"]
    gateway.jobs.move(job, "failed", JobError(code="no_face", message="There is no face in the video."))

    task = (await gateway.http.get(f"/api/v3/predictions/{job}/result")).json()["data"]

    assert (task["status"], task["error"], task["timings"]) == (
        "failed",
        "There is no face in the video.",
        {"inference": 5000},
    )


async def test_sync_mode_says_when_its_time_is_over(gateway: Gateway) -> None:
    task = (await gateway.http.post(SUBMIT, json={**MEDIA, "enable_sync_mode": True})).json()["data"]

    assert (task["status"], task["code"]) == ("processing", 5004)
    assert task["error"].startswith("Sync mode timed out")


async def test_a_webhook_and_a_consent_belong_to_the_job(gateway: Gateway) -> None:
    await gateway.http.post(
        SUBMIT, params={"webhook": "https://example.com/told"}, json=MEDIA, headers={"X-Consent-Id": "yes"}
    )

    assert str(gateway.jobs.asked.webhook.url) == "https://example.com/told"  # type: ignore[union-attr]
    assert gateway.jobs.asked.consent_id == "yes"


async def test_errors_are_a_code_and_a_message(gateway: Gateway) -> None:
    wrong = await gateway.http.post(SUBMIT, json={"video": "a"})
    missing = await gateway.http.get("/api/v3/predictions/0/result")
    other = await gateway.http.post("/api/v3/somebody/else", json=MEDIA)
    async with gateway.anybody() as anybody:
        unknown = await anybody.post(SUBMIT, json=MEDIA)

    assert (wrong.status_code, wrong.json()) == (422, {"code": 422, "message": "body.audio: Field required"})
    assert (missing.status_code, missing.json()["code"], other.status_code, unknown.status_code) == (404, 404, 404, 401)
    assert set(unknown.json()) == {"code", "message"}
