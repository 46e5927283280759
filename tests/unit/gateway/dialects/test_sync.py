"""sync.so's words: generations, options and errors."""

import json
from typing import Any

import pytest
from conftest import Gateway
from sync.common.types.generation import Generation
from sync.core.unchecked_base_model import construct_type

from gateway.accounts import Account as Owner
from services.common.messages import JobError, Span

VIDEO = {"type": "video", "url": "https://example.com/a.mp4"}
AUDIO = {"type": "audio", "url": "https://example.com/a.wav"}
ASKED: dict[str, Any] = {"model": "lipsync-2", "input": [VIDEO, AUDIO]}


async def test_a_generation_gives_the_callers_words_back(gateway: Gateway) -> None:
    asked = {**ASKED, "options": {"sync_mode": "loop"}, "webhookUrl": "https://example.com/told"}

    told = (await gateway.http.post("/v2/generate", json=asked)).json()

    assert (told["status"], told["model"], told["input"], told["options"]) == (
        "PENDING",
        "lipsync-2",
        [VIDEO | {"segments_secs": [], "segments_frames": []}, AUDIO],
        {"sync_mode": "loop"},
    )
    assert str(gateway.jobs.asked.webhook.url) == "https://example.com/told"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("state", "status"),
    [("processing", "PROCESSING"), ("completed", "COMPLETED"), ("failed", "FAILED"), ("canceled", "REJECTED")],
)
async def test_the_clients_own_class_takes_every_state(gateway: Gateway, state: str, status: str) -> None:
    job = (await gateway.http.post("/v2/generate", json=ASKED)).json()["id"]
    error = JobError(code="no_face", message="There is no face.") if state == "failed" else None
    gateway.jobs.move(job, state, error)  # type: ignore[arg-type]

    told = (await gateway.http.get(f"/v2/generate/{job}")).json()
    generation = construct_type(type_=Generation, object_=told)

    assert (generation.status, generation.error_code) == (status, "no_face" if error else None)  # type: ignore[attr-defined]
    assert (generation.output_url is not None) == (state == "completed")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("mode", "length"),
    [("cut_off", "cut"), ("loop", "loop"), ("bounce", "bounce"), ("silence", "silence"), ("remap", "stretch")],
)
async def test_sync_modes_are_length_policies(gateway: Gateway, mode: str, length: str) -> None:
    await gateway.http.post("/v2/generate", json={**ASKED, "options": {"sync_mode": mode}})

    assert gateway.jobs.asked.parameters.length == length


@pytest.mark.parametrize(("temperature", "guidance"), [(0, 1.0), (0.5, 1.5), (1, 2.0)])
async def test_temperature_is_guidance(gateway: Gateway, temperature: float, guidance: float) -> None:
    await gateway.http.post("/v2/generate", json={**ASKED, "options": {"temperature": temperature}})

    assert gateway.jobs.asked.parameters.guidance_scale == guidance


async def test_assets_segments_and_variants_reach_the_engine(gateway: Gateway) -> None:
    video = {"type": "video", "assetId": "0a", "segments_secs": [[1, 2.5]]}

    await gateway.http.post("/v2/generate", json={"model": "latentsync-1", "input": [video, AUDIO]})

    asked = gateway.jobs.asked
    assert (asked.video, asked.parameters.variant) == ("upload:0a", "1")
    assert asked.parameters.segments == (Span(start_s=1, end_s=2.5),)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"model": "react-1"}, "There is no model"),
        ({"model": "latentsync-15"}, "There is no model"),
        ({"input": [VIDEO]}, "one video and one audio"),
        ({"input": [VIDEO, {"type": "text", "provider": {}}]}, "text to speech"),
        ({"input": [{"type": "video"}, AUDIO]}, "needs a url or an assetId"),
        ({"input": [{**VIDEO, "segments_secs": [[2, 1]]}, AUDIO]}, "end after it begins"),
        ({"input": [{**VIDEO, "segments_secs": [[0, "inf"]]}, AUDIO]}, "end after it begins"),
        ({"input": [{**VIDEO, "segments_secs": [[0, 1]] * 1001}, AUDIO]}, "segments_secs"),
        ({"options": {"temperature": 2}}, "temperature"),
        ({"options": {"active_speaker_detection": {"coordinates": [3, 4], "frame_number": 0}}}, "pixels"),
        ({"segments": [{"startTime": 0}]}, "Segments"),
        ({"input": [{**VIDEO, "segments_frames": [[0, 9]]}, AUDIO]}, "in frames"),
    ],
)
async def test_what_is_not_offered_is_said(gateway: Gateway, change: dict[str, Any], word: str) -> None:
    answer = await gateway.http.post("/v2/generate", json={**ASKED, **change})

    assert (answer.status_code, answer.json()["statusCode"]) == (400, 400)
    assert word in answer.json()["message"]


@pytest.mark.parametrize(("method", "path"), [("POST", "batch"), ("GET", "batch"), ("GET", "batch/batch_1")])
async def test_batches_are_elsewhere(gateway: Gateway, method: str, path: str) -> None:
    answer = await gateway.http.request(method, f"/v2/{path}", data={"dry_run": "true"})

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "not_offered")
    assert "/v1alpha/batches" in answer.json()["message"]


async def test_what_a_form_asks_for_in_vain_is_said_as_well(gateway: Gateway) -> None:
    told = {name: (None, json.dumps(value)) for name, value in {"input": ASKED["input"], "segments": [{}]}.items()}

    answer = await gateway.http.post("/v2/generate", files={"model": (None, "lipsync-2"), **told})

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "not_offered")


@pytest.mark.parametrize("value", ["null", "5", '"video"', "{}"])
async def test_a_forms_input_is_a_list(gateway: Gateway, value: str) -> None:
    answer = await gateway.http.post("/v2/generate", files={"model": (None, "lipsync-2"), "input": (None, value)})

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "invalid_parameter")


async def test_too_many_requests_have_its_own_code(gateway: Gateway) -> None:
    def slow(account: Owner) -> Owner:
        return account.model_copy(update={"limits": account.limits.model_copy(update={"creates_per_minute": 1})})

    account = await gateway.front.keys.create_account("slow to sync", slow)
    _, token = await gateway.front.keys.create_key(account.id, "slow")
    asked: dict[str, Any] = {"json": ASKED, "headers": {"x-api-key": token, "Authorization": ""}}
    await gateway.http.post("/v2/generate", **asked)

    throttled = await gateway.http.post("/v2/generate", **asked)

    assert (throttled.status_code, throttled.json()["errorCode"]) == (429, "rate_limit_exceeded")


async def test_generations_are_listed_by_status_and_by_id(gateway: Gateway) -> None:
    jobs = [(await gateway.http.post("/v2/generate", json=ASKED)).json()["id"] for _ in range(3)]
    gateway.jobs.move(jobs[1], "completed")

    async def listed(**query: str) -> list[str]:
        return [found["id"] for found in (await gateway.http.get("/v2/generations", params=query)).json()]

    assert await listed(status="PENDING,PROCESSING") == [jobs[2], jobs[0]]
    assert await listed(ids=f"{jobs[1]},{jobs[0]}") == [jobs[1], jobs[0]]
    assert (await gateway.http.get("/v2/generations", params={"status": "DONE"})).status_code == 400


async def test_errors_have_a_message_and_a_status_code(gateway: Gateway) -> None:
    missing = await gateway.http.get("/v2/generate/0")
    keyed = await gateway.http.post("/v2/generate", json=ASKED, headers={"Idempotency-Key": "two words"})
    async with gateway.anybody() as http:
        unknown = await http.get("/v2/models", headers={"x-api-key": "nobody"})
        known = await http.get("/v2/models", headers={"x-api-key": gateway.token})

    assert (missing.status_code, missing.json()["statusCode"]) == (404, 404)
    assert (keyed.status_code, keyed.json()["errorCode"]) == (400, "INVALID_IDEMPOTENCY_KEY")
    assert (unknown.status_code, known.status_code) == (401, 200)
