"""Replicate's words: predictions, versions, waiting, streams and errors."""

import pytest
from conftest import Gateway
from replicate.account import Account
from replicate.model import Model
from replicate.prediction import Prediction
from replicate.version import Version

from gateway.accounts import Account as Owner
from services.common.messages import JobError

CREATE = "/v1/models/bytedance/latentsync/predictions"
VERSION = "637ce1919f807ca20da3a448ddc2743535d2853649574cd52a933120e9b9e293"
MEDIA = {"video": "https://example.com/a.mp4", "audio": "https://example.com/a.wav"}


async def test_trap_1_a_wait_that_runs_out_says_starting(gateway: Gateway) -> None:
    waiting = {"Prefer": "wait=7"}
    gateway.jobs.moves_to = "processing"

    prediction = (await gateway.http.post(CREATE, json={"input": MEDIA}, headers=waiting)).json()
    looked = (await gateway.http.get(f"/v1/predictions/{prediction['id']}")).json()

    assert (prediction["status"], prediction["output"]) == ("starting", None)
    assert looked["status"] == "processing"


async def test_an_answer_comes_before_the_client_gives_up(gateway: Gateway) -> None:
    for prefer in ("wait=5", "wait", "wait=600"):
        await gateway.http.post(CREATE, json={"input": MEDIA}, headers={"Prefer": prefer})

    assert [5 - gateway.jobs.waited_s[0] >= 0.5, *(60 - asked_s >= 0.5 for asked_s in gateway.jobs.waited_s[1:])] == [
        True,
        True,
        True,
    ]


async def test_trap_2_the_output_is_an_https_address(gateway: Gateway) -> None:
    job = (await gateway.http.post(CREATE, json={"input": MEDIA})).json()["id"]
    gateway.jobs.move(job, "completed")

    assert (
        (await gateway.http.get(f"/v1/predictions/{job}")).json()["output"].startswith("https://lipstage.test/media/")
    )


@pytest.mark.parametrize("state", ["created", "processing", "completed", "failed", "canceled"])
async def test_trap_8_the_clients_own_class_takes_every_state(gateway: Gateway, state: str) -> None:
    job = (await gateway.http.post(CREATE, json={"input": MEDIA})).json()["id"]
    error = JobError(code="no_face", message="There is no face.") if state == "failed" else None
    gateway.jobs.move(job, state, error, denoised=0.5)  # type: ignore[arg-type]

    told = (await gateway.http.get(f"/v1/predictions/{job}")).json()
    prediction = Prediction(**told)

    assert (prediction.input, prediction.error) == (
        {**MEDIA, "guidance_scale": 1.0, "seed": 0},
        "There is no face." if state == "failed" else None,
    )
    assert prediction.progress.percentage == 0.5  # type: ignore[union-attr]
    assert all(isinstance(address, str) for address in told["urls"].values())


async def test_trap_9_the_version_may_be_in_the_address_twice(gateway: Gateway) -> None:
    job = (await gateway.http.post("/v1/v1/predictions", json={"version": VERSION, "input": MEDIA})).json()["id"]

    assert (await gateway.http.get(f"/v1/v1/predictions/{job}")).status_code == 200


@pytest.mark.parametrize("version", [VERSION, "bytedance/latentsync", f"bytedance/latentsync:{VERSION}"])
async def test_versions_have_three_forms(gateway: Gateway, version: str) -> None:
    answer = await gateway.http.post("/v1/predictions", json={"version": version, "input": MEDIA})

    assert answer.status_code == 201
    assert len(answer.json()["version"]) == 64


@pytest.mark.parametrize("version", ["", "latest", "somebody/else", f"somebody/else:{VERSION}"])
async def test_other_versions_are_refused(gateway: Gateway, version: str) -> None:
    answer = await gateway.http.post("/v1/predictions", json={"version": version, "input": MEDIA})

    assert (answer.status_code, answer.json()["invalid_fields"][0]["field"]) == (422, "version")


async def test_seed_0_is_chance_and_the_range_is_its_own(gateway: Gateway) -> None:
    seeds = []
    for _ in range(2):
        await gateway.http.post(CREATE, json={"input": {**MEDIA, "seed": 0, "guidance_scale": 10}})
        seeds.append(gateway.jobs.asked.parameters.seed)
    await gateway.http.post(CREATE, json={"input": {**MEDIA, "seed": 5}})
    too_much = await gateway.http.post(CREATE, json={"input": {**MEDIA, "guidance_scale": 10.1}})

    assert seeds[0] != seeds[1]
    assert gateway.jobs.asked.parameters.seed == 5
    assert too_much.json()["invalid_fields"][0]["field"] == "input.guidance_scale"


async def test_a_repeated_request_draws_the_same_seed(gateway: Gateway) -> None:
    keyed = {"Idempotency-Key": "once"}

    answers = [await gateway.http.post(CREATE, json={"input": MEDIA}, headers=keyed) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]


async def test_a_data_uri_is_not_given_back(gateway: Gateway) -> None:
    given = {**MEDIA, "audio": "data:audio/wav;base64,AAAA"}

    prediction = (await gateway.http.post(CREATE, json={"input": given})).json()

    assert prediction["input"]["audio"] == "data:audio/wav;base64,"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (None, ("ended",)),
        ([], ("ended",)),
        (["completed"], ("ended",)),
        (["output", "logs"], ("ended",)),
        (["start"], ("started",)),
        (["completed", "start"], ("started", "ended")),
        (["logs"], None),
    ],
)
async def test_the_events_filter_decides_on_the_webhook(
    gateway: Gateway, wanted: list[str] | None, told: tuple[str, ...] | None
) -> None:
    asked = {"input": MEDIA, "webhook": "https://example.com/told", "webhook_events_filter": wanted}

    await gateway.http.post(CREATE, json=asked)

    webhook = gateway.jobs.asked.webhook
    assert (webhook.events if webhook else None) == told


@pytest.mark.parametrize(
    ("header", "seconds"), [("90s", 90), ("5m", 300), ("1h30m45s", 5445), ("45", 45), ("5s", 5), ("720h", 2592000)]
)
async def test_a_prediction_may_have_a_deadline(gateway: Gateway, header: str, seconds: int) -> None:
    for path, asked in ((CREATE, {"input": MEDIA}), ("/v1/predictions", {"version": VERSION, "input": MEDIA})):
        answer = await gateway.http.post(path, json=asked, headers={"Cancel-After": header})

        assert (answer.status_code, gateway.jobs.asked.cancel_after_s) == (201, seconds)


@pytest.mark.parametrize("header", ["", "4s", "soon", "5m1h", "-5", "1d", "721h", "٩s", "9" * 5000])
async def test_a_deadline_that_makes_no_sense_is_refused(gateway: Gateway, header: str) -> None:
    answer = await gateway.http.post(CREATE, json={"input": MEDIA}, headers={"Cancel-After": header.encode()})

    assert (answer.status_code, answer.json()["invalid_fields"][0]["field"]) == (422, "cancel-after")


async def test_the_address_of_a_stream_needs_no_token(gateway: Gateway) -> None:
    key, token = await gateway.front.keys.create_key(gateway.account, "of a page")
    asked = {"json": {"input": MEDIA}, "headers": {"Authorization": f"Bearer {token}"}}
    prediction, other = [(await gateway.http.post(CREATE, **asked)).json() for _ in range(2)]
    address, elsewhere = prediction["urls"]["stream"], other["urls"]["stream"]
    async with gateway.anybody() as anybody:
        stream = await anybody.get(address)
        forged = await anybody.get(address.replace(prediction["id"], other["id"]))
        plain = await anybody.get(f"/v1/predictions/{prediction['id']}/stream")
        await gateway.front.keys.revoke(key.id)
        revoked = await anybody.get(elsewhere)

    assert stream.text.endswith("data: {}\r\n\r\n")
    assert [answer.status_code for answer in (stream, forged, plain, revoked)] == [200, 403, 401, 401]


async def test_every_event_of_a_stream_has_an_id(gateway: Gateway) -> None:
    job = (await gateway.http.post(CREATE, json={"input": MEDIA})).json()["id"]

    stream = await gateway.http.get(f"/v1/predictions/{job}/stream")

    events = [
        dict(line.split(": ", 1) for line in event.splitlines()) for event in stream.text.split("\r\n\r\n") if event
    ]
    assert stream.headers["content-type"].partition(";")[0] == "text/event-stream"
    assert [event["event"] for event in events] == ["logs", "logs", "output", "done"]
    assert len({event["id"] for event in events}) == 4


async def test_the_clients_own_classes_take_models_versions_and_accounts(gateway: Gateway) -> None:
    model = (await gateway.http.get("/v1/models/bytedance/latentsync")).json()
    version = (await gateway.http.get(f"/v1/models/bytedance/latentsync/versions/{VERSION}")).json()

    assert Model(**model).id == "bytedance/latentsync"
    assert Version(**version).id == VERSION
    assert version["openapi_schema"]["components"]["schemas"]["Output"]["type"] == "string"
    assert Account(**(await gateway.http.get("/v1/account")).json()).name == "tests"


async def test_errors_are_problem_details(gateway: Gateway) -> None:
    missing = await gateway.http.get("/v1/predictions/0")
    async with gateway.anybody() as anybody:
        unknown = await anybody.get("/v1/predictions", headers={"Authorization": "Token nobody"})

    assert (missing.status_code, missing.json()["detail"], missing.json()["status"]) == (404, "There is no job 0.", 404)
    assert (unknown.status_code, unknown.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_throttled_request_is_told_when_to_come_back(gateway: Gateway) -> None:
    def slow(account: Owner) -> Owner:
        return account.model_copy(update={"limits": account.limits.model_copy(update={"creates_per_minute": 1})})

    account = await gateway.front.keys.create_account("slow", slow)
    _, token = await gateway.front.keys.create_key(account.id, "slow")
    asked = {"json": {"input": MEDIA}, "headers": {"Authorization": f"Bearer {token}"}}
    await gateway.http.post(CREATE, **asked)

    throttled = await gateway.http.post(CREATE, **asked)

    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "60")
    assert throttled.json()["detail"] == "Request was throttled. Your rate limit resets in ~60s."
