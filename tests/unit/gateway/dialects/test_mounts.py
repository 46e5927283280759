"""All dialects on one port: none stands in another's way, and each refuses in its own words."""

import json

import pytest
from conftest import Gateway

from gateway.body_sizes import REQUEST_BYTES

SUBMITS = [
    ("/api/v3/bytedance/latentsync", "video"),
    ("/fal/queue/fal-ai/latentsync", "video_url"),
    ("/v1/models/bytedance/latentsync/predictions", "input"),
    ("/v2/generate", "model"),
]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/api/v3/nowhere", {"code", "message"}),
        ("/fal/run/nowhere", {"detail", "error_type"}),
        ("/fal/cdn/nowhere", {"detail", "error_type"}),
        ("/v1/nowhere", {"title", "detail", "status"}),
        ("/v1/v1/nowhere", {"title", "detail", "status"}),
        ("/v2/nowhere", {"message", "statusCode", "errorCode"}),
        ("/v1alpha/nowhere", {"type", "title", "status", "detail", "code"}),
    ],
)
async def test_what_is_not_there_is_told_in_the_words_of_its_place(
    gateway: Gateway, path: str, fields: set[str]
) -> None:
    answer = await gateway.http.get(path)

    assert (answer.status_code, set(answer.json())) == (404, fields)


@pytest.mark.parametrize(("path", "field"), SUBMITS)
@pytest.mark.parametrize(
    "body", ['{"%s": "\\ud800"}', '{"%s": NaN}', '{"%s": ', "[]", "7", "", '{"%s": {"seed": NaN}}']
)
async def test_no_body_is_too_strange(gateway: Gateway, path: str, field: str, body: str) -> None:
    content = body % field if "%s" in body else body

    answer = await gateway.http.post(path, content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code in (400, 422)
    assert json.loads(answer.content)


async def test_the_api_describes_only_itself(gateway: Gateway) -> None:
    paths = (await gateway.http.get("/openapi.json")).json()["paths"]

    assert all(path.startswith("/v1alpha/") for path in paths)


@pytest.mark.parametrize(("path", "field"), SUBMITS)
async def test_what_is_held_in_memory_has_a_limit(gateway: Gateway, path: str, field: str) -> None:
    too_much = json.dumps({field: "x" * REQUEST_BYTES})

    answer = await gateway.http.post(path, content=too_much, headers={"Content-Type": "application/json"})

    assert answer.status_code == 413


async def test_files_may_be_larger(gateway: Gateway) -> None:
    answer = await gateway.http.post("/v1/files", files={"content": ("a.mp4", bytes(REQUEST_BYTES + 1))})

    assert answer.json()["title"] == "media_unreadable"


async def test_a_list_has_its_own_however_many_newer_ones_there_are_of_others(gateway: Gateway) -> None:
    asked = {"version": "latest", "input": {"video": "https://example.com/a.mp4", "audio": "https://example.com/a.wav"}}
    inputs = [{"type": kind, "url": asked["input"][kind]} for kind in ("video", "audio")]  # type: ignore[index]
    ours = (await gateway.http.post("/v2/generate", json={"model": "lipsync-2", "input": inputs})).json()["id"]
    theirs = (await gateway.http.post(SUBMITS[2][0], json=asked)).json()["id"]
    for _ in range(100):
        await gateway.http.post("/v1alpha/jobs", json=asked["input"])

    listed = (await gateway.http.get("/v2/generations")).json(), (await gateway.http.get("/v1/predictions")).json()

    assert ([job["id"] for job in listed[0]], [job["id"] for job in listed[1]["results"]]) == ([ours], [theirs])


@pytest.mark.parametrize("path", ["/v1alpha/webhooks/secret", "/api/v3/webhook/secret", "/v1/webhooks/default/secret"])
async def test_who_may_only_see_the_bills_is_not_told_what_signs_webhooks(gateway: Gateway, path: str) -> None:
    _, token = await gateway.front.keys.create_key(gateway.account, "books", scopes=frozenset({"usage:read"}))

    answer = await gateway.http.get(path, headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 403


@pytest.mark.parametrize("days", [{"until": "9999-12-31"}, {"until": "0001-01-05"}])
async def test_days_at_the_ends_of_time_are_refused(gateway: Gateway, days: dict[str, str]) -> None:
    answer = await gateway.http.get("/v1alpha/usage", params=days)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
