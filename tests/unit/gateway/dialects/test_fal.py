"""fal's words: queue, run, statuses, files and errors."""

import json

import pytest
from conftest import BASE, Gateway
from fal_client.client import Completed, InProgress, Queued, SyncRequestHandle

from services.common.messages import JobError

QUEUE, RUN = "/fal/queue/fal-ai/latentsync", "/fal/run/fal-ai/latentsync"
MEDIA = {"video_url": "https://example.com/a.mp4", "audio_url": "https://example.com/a.wav"}
NO_FACE = JobError(code="no_face", message="There is no face in the video.")


async def test_submitting_tells_all_addresses(gateway: Gateway) -> None:
    told = (await gateway.http.post(QUEUE, json=MEDIA)).json()

    address = f"{BASE}{QUEUE}/requests/{told['request_id']}"
    assert (told["response_url"], told["status_url"], told["cancel_url"]) == (
        address,
        f"{address}/status",
        f"{address}/cancel",
    )


async def test_trap_5_the_clients_parser_takes_every_status(gateway: Gateway) -> None:
    job = (await gateway.http.post(QUEUE, json=MEDIA)).json()["request_id"]
    parsed = SyncRequestHandle(job, "", "", "", client=None)._parse_status  # type: ignore[arg-type]
    states = ["created", "processing", "completed", "failed", "canceled"]
    answers = []
    for state in states:
        gateway.jobs.move(job, state, NO_FACE if state == "failed" else None)  # type: ignore[arg-type]
        answers.append(await gateway.http.get(f"{QUEUE}/requests/{job}/status"))

    statuses = [parsed(answer.json()) for answer in answers]

    assert [answer.status_code for answer in answers] == [202, 202, 200, 200, 200]
    assert statuses[:2] == [Queued(position=0), InProgress(logs=None)]
    assert statuses[2] == Completed(logs=None, metrics={"inference_time": 5.0})
    assert [status.error_type for status in statuses[3:]] == ["face_detection_error", "client_cancelled"]


async def test_trap_6_nothing_that_is_over_makes_the_client_try_again(gateway: Gateway) -> None:
    keyed = {"Idempotency-Key": "once"}
    job = (await gateway.http.post(QUEUE, json=MEDIA, headers=keyed)).json()["request_id"]
    conflict = await gateway.http.post(QUEUE, json={**MEDIA, "loop_mode": "loop"}, headers=keyed)
    results = []
    for error in (NO_FACE, JobError(code="internal", message="Something went wrong."), None):
        gateway.jobs.move(job, "failed" if error else "canceled", error)
        results.append(await gateway.http.get(f"{QUEUE}/requests/{job}"))

    assert (conflict.status_code, conflict.json()["detail"][0]["type"]) == (422, "idempotency_conflict")
    assert [result.status_code for result in results] == [422, 500, 499]
    assert [result.headers["x-fal-retryable"] for result in results] == ["false", "true", "false"]


async def test_a_repeated_submit_is_the_same_request_whatever_its_seed(gateway: Gateway) -> None:
    answers = [await gateway.http.post(QUEUE, json=MEDIA, headers={"Idempotency-Key": "once"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_request_that_did_not_start_in_time_is_no_failure_of_the_model(gateway: Gateway) -> None:
    asked = {"X-Fal-Request-Timeout": "2.5"}
    job = (await gateway.http.post(QUEUE, json=MEDIA, headers=asked)).json()["request_id"]
    gateway.jobs.move(job, "failed", JobError(code="start_timeout", message="The job had not begun."))

    status = (await gateway.http.get(f"{QUEUE}/requests/{job}/status")).json()
    result = await gateway.http.get(f"{QUEUE}/requests/{job}")

    assert gateway.jobs.asked.start_within_s == 2.5
    assert (status["status"], status["error_type"]) == ("COMPLETED", "request_timeout")
    assert (result.status_code, result.json()) == (
        504,
        {"detail": "The job had not begun.", "error_type": "request_timeout"},
    )
    assert (result.headers["x-fal-request-timeout-type"], result.headers["x-fal-error-type"]) == (
        "user",
        "request_timeout",
    )


@pytest.mark.parametrize("path", [QUEUE, RUN, f"{RUN}/stream"])
async def test_headers_count_however_the_model_is_run(gateway: Gateway, path: str) -> None:
    kept = '{"expiration_duration_seconds": 3600, "initial_acl": {"default": "allow"}}'
    headers = {"X-Fal-Object-Lifecycle-Preference": kept, "X-Fal-Queue-Priority": "low", "X-Fal-Runner-Hint": "warm"}
    gateway.jobs.moves_to = "completed"

    await gateway.http.post(path, json=MEDIA, headers=headers)

    assert (gateway.jobs.asked.retention_s, gateway.jobs.asked.priority) == (3600, "low")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Fal-Request-Timeout", "soon"),
        ("X-Fal-Request-Timeout", "0.1"),
        ("X-Fal-Request-Timeout", "inf"),
        ("X-Fal-Queue-Priority", "high"),
        ("X-Fal-Object-Lifecycle-Preference", "an hour"),
        ("X-Fal-Object-Lifecycle-Preference", '{"expiration_duration_seconds": -1}'),
    ],
)
async def test_a_header_that_makes_no_sense_is_a_bad_request(gateway: Gateway, header: str, value: str) -> None:
    answer = await gateway.http.post(QUEUE, json=MEDIA, headers={header: value})

    assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_request")
    assert answer.headers["x-fal-error-type"] == "bad_request"


async def test_a_run_that_takes_too_long_says_so_as_the_model_does(gateway: Gateway) -> None:
    answer = await gateway.http.post(RUN, json=MEDIA)

    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (504, "generation_timeout")


async def test_trap_10_the_same_path_queues_or_runs_by_its_folder(gateway: Gateway) -> None:
    queued = (await gateway.http.post(QUEUE, json=MEDIA)).json()
    gateway.jobs.moves_to = "completed"

    ran = await gateway.http.post(RUN, json=MEDIA)

    assert queued["status"] == "IN_QUEUE"
    assert set(ran.json()["video"]) == {"url", "content_type", "file_name", "file_size"}
    assert ran.headers["x-fal-request-id"]


async def test_trap_4_media_may_be_in_the_request_itself(gateway: Gateway) -> None:
    await gateway.http.post(QUEUE, json={**MEDIA, "audio_url": "data:audio/wav;base64,AAAA"})

    assert gateway.jobs.asked.audio == "data:audio/wav;base64,AAAA"


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"seed": 0}, "seed", 0),
        ({"loop_mode": "pingpong"}, "length", "bounce"),
        ({"loop_mode": "loop"}, "length", "loop"),
        ({"loop_mode": None}, "length", "cut"),
        ({"guidance_scale": 2}, "guidance_scale", 2.0),
        ({}, "guidance_scale", 1.0),
    ],
)
async def test_fields_reach_the_engine(gateway: Gateway, given: dict[str, object], field: str, value: object) -> None:
    await gateway.http.post(QUEUE, json={**MEDIA, **given})

    assert getattr(gateway.jobs.asked.parameters, field) == value


async def test_no_seed_is_chance(gateway: Gateway) -> None:
    seeds = set()
    for seed in (None, None):
        await gateway.http.post(QUEUE, json={**MEDIA, "seed": seed})
        seeds.add(gateway.jobs.asked.parameters.seed)

    assert len(seeds) == 2


async def test_what_is_wrong_is_a_list_of_details(gateway: Gateway) -> None:
    answer = await gateway.http.post(QUEUE, json={"video_url": "a", "guidance_scale": 0.5, "loop_mode": "twice"})

    one_of, missing, small = sorted(answer.json()["detail"], key=lambda part: str(part["type"]), reverse=True)
    assert (one_of["type"], one_of["ctx"]) == ("one_of", {"expected": ["pingpong", "loop"]})
    assert (answer.status_code, answer.headers["x-fal-retryable"]) == (422, "false")
    assert (missing["type"], missing["loc"]) == ("missing", ["body", "audio_url"])
    assert (small["type"], small["ctx"], small["input"]) == ("greater_than_equal", {"ge": 1.0}, 0.5)


async def test_unfinished_and_unknown_requests_have_no_result(gateway: Gateway) -> None:
    job = (await gateway.http.post(QUEUE, json=MEDIA)).json()["request_id"]

    running = await gateway.http.get(f"{QUEUE}/requests/{job}")
    unknown = await gateway.http.get(f"{QUEUE}/requests/0")

    assert (running.status_code, running.json()) == (400, {"detail": "Request is still in progress"})
    assert (unknown.status_code, unknown.headers["x-fal-error-type"]) == (404, "job_not_found")


async def test_what_has_ended_cannot_be_canceled(gateway: Gateway) -> None:
    job = (await gateway.http.post(QUEUE, json=MEDIA)).json()["request_id"]

    first = await gateway.http.put(f"{QUEUE}/requests/{job}/cancel")
    second = await gateway.http.put(f"{QUEUE}/requests/{job}/cancel")
    unknown = await gateway.http.put(f"{QUEUE}/requests/0/cancel")

    assert (first.status_code, first.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    assert (second.status_code, second.json()) == (400, {"status": "ALREADY_COMPLETED"})
    assert (unknown.status_code, unknown.json()) == (404, {"status": "NOT_FOUND"})


async def test_statuses_are_streamed_to_the_end(gateway: Gateway) -> None:
    job = (await gateway.http.post(QUEUE, json=MEDIA)).json()["request_id"]

    stream = await gateway.http.get(f"{QUEUE}/requests/{job}/status/stream", params={"logs": "1"})

    told = [json.loads(line.removeprefix("data: ")) for line in stream.text.splitlines() if line.startswith("data: ")]
    assert [status["status"] for status in told] == ["IN_QUEUE", "IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]
    assert [line["message"] for status in told for line in status.get("logs", [])] == ["denoise: 50%", "denoise: 100%"]


async def test_both_forms_of_a_key_are_taken(gateway: Gateway) -> None:
    _, name, secret = gateway.token.split("_")
    async with gateway.anybody() as http:
        answers = [
            await http.post(QUEUE, json=MEDIA, headers={"Authorization": f"Key {key}"})
            for key in (gateway.token, f"{name}:{secret}", f"{name}:wrong")
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 401]


async def test_a_host_that_leads_here_needs_no_folder(gateway: Gateway) -> None:
    answer = await gateway.http.post("/fal-ai/latentsync", json=MEDIA, headers={"Host": "queue.fal.example"})

    assert answer.json()["status"] == "IN_QUEUE"


async def test_the_proxy_goes_to_fals_own_hosts_only(gateway: Gateway) -> None:
    def aimed(target: str) -> dict[str, str]:
        return {"x-fal-target-url": target}

    queued = await gateway.http.post("/fal/proxy", json=MEDIA, headers=aimed("https://queue.fal.run/fal-ai/latentsync"))
    status = f"https://queue.fal.run/fal-ai/latentsync/requests/{queued.json()['request_id']}/status?logs=1"
    looked = await gateway.http.get("/fal/proxy", headers=aimed(status))
    refused = await gateway.http.get("/fal/proxy", headers=aimed("https://169.254.169.254/latest"))

    broken = await gateway.http.get("/fal/proxy", headers=aimed("https://["))

    assert (looked.json()["status"], refused.status_code, broken.status_code) == ("IN_QUEUE", 412, 412)
