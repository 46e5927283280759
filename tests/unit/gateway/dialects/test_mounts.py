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
