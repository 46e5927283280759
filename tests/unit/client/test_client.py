"""Both clients against a real server that answers what a test wants."""

import asyncio
import io
import json as json_text
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from scripted_gateway import (
    COMPLETED,
    JOB,
    ScriptedGateway,
    breaking_off,
    endless,
    event_stream,
    events,
    json,
    problem,
    scripted_gateway,
    uploaded,
)
from starlette.responses import Response

from lipstage import client
from lipstage.client import retrying

PROGRESS = json_text.dumps({"stage": "denoise", "part": 1, "done": 0.5, "parts": 4})
WATCH = "GET /v1alpha/jobs/0192/events"
GET = "GET /v1alpha/jobs/0192"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_PAUSE_S", 0.001)


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    async with scripted_gateway() as gateway:
        yield gateway


class Blocking:
    """The waiting client, each call in a thread of its own."""

    def __init__(self, *where: str, **how: Any) -> None:
        self._client = client.Lipstage(*where, **how)

    async def do(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(getattr(self._client, method), *args, **kwargs)

    async def all(self, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        return await asyncio.to_thread(lambda: list(getattr(self._client, method)(*args, **kwargs)))


class Asynchronous:
    def __init__(self, *where: str, **how: Any) -> None:
        self._client = client.AsyncLipstage(*where, **how)

    async def do(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return await getattr(self._client, method)(*args, **kwargs)

    async def all(self, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        return [update async for update in getattr(self._client, method)(*args, **kwargs)]


@pytest.fixture(params=[Blocking, Asynchronous])
async def lipstage(request: pytest.FixtureRequest, gateway: ScriptedGateway) -> AsyncIterator[Any]:
    lipstage = request.param(gateway.url, "secret")
    yield lipstage
    await lipstage.do("close")


async def test_a_job_is_created_with_everything_where_it_belongs(gateway: ScriptedGateway, lipstage: Any) -> None:
    gateway.answers("POST /v1alpha/jobs", json(JOB, 201))

    job = await lipstage.do(
        "create",
        "https://example.com/talk.mp4",
        "upload:7",
        steps=3,
        output={"codec": "h264"},
        priority="high",
        webhook="https://example.com/done",
        webhook_events=["started", "ended"],
        cancel_after_s=90,
        consent={"attested_by": "Ada", "basis": "contract", "expires_at": datetime(2030, 1, 1, tzinfo=UTC)},
    )

    (asked,) = gateway.asked
    assert (job.id, job.state, job.ended) == ("0192", "created", False)
    assert asked.headers["authorization"] == "Bearer secret"
    assert json_text.loads(asked.body) == {
        "video": "https://example.com/talk.mp4",
        "audio": "upload:7",
        "parameters": {"steps": 3, "output": {"codec": "h264"}},
        "priority": "high",
        "webhook": {"url": "https://example.com/done", "events": ["started", "ended"]},
        "cancel_after_s": 90,
        "consent": {"attested_by": "Ada", "basis": "contract", "expires_at": "2030-01-01T00:00:00Z"},
    }


async def test_faces_are_asked_for_by_upload_or_its_source_and_chosen_as_speaker(
    gateway: ScriptedGateway, lipstage: Any, tmp_path: Path
) -> None:
    seen = {"width": 400, "height": 200, "at_s": 0.48, "faces": [{"x": 100, "y": 50, "w": 40.5, "h": 60}]}
    gateway.answers("POST /v1alpha/uploads", uploaded(1))
    gateway.answers("GET /v1alpha/faces", json(seen), json(seen))

    faces = await lipstage.do("faces", await lipstage.do("upload", b"pictures"))
    await lipstage.do("faces", "upload:7", at_s=1.5)

    assert (faces.at_s, faces.speaker(faces.faces[0])) == (0.48, "point:0.3006,0.4000")
    assert [asked.query for asked in gateway.asked[1:]] == [
        {"source": "upload:1", "at_s": "0.0"},
        {"source": "upload:7", "at_s": "1.5"},
    ]


async def test_what_is_here_is_uploaded_first(gateway: ScriptedGateway, lipstage: Any, tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_bytes(b"pictures")
    gateway.answers("POST /v1alpha/uploads", uploaded(1), uploaded(2))
    gateway.answers("POST /v1alpha/jobs", json(JOB, 201))

    await lipstage.do("create", tmp_path / "talk.mp4", b"sound")

    video, audio, job = gateway.asked
    assert b'filename="talk.mp4"' in video.body
    assert b"pictures" in video.body
    assert b"sound" in audio.body
    assert json_text.loads(job.body) == {"video": "upload:1", "audio": "upload:2", "parameters": {}}


async def test_what_may_pass_is_tried_again_with_the_same_key_and_bytes(
    gateway: ScriptedGateway, lipstage: Any
) -> None:
    file = io.BytesIO(b"sound")
    file.seek(3)
    gateway.answers("POST /v1alpha/uploads", problem(503, "unavailable"), breaking_off(201, {}), uploaded(1))
    gateway.answers("POST /v1alpha/jobs", problem(502), json(JOB, 201))

    await lipstage.do("create", file, "upload:2")

    bodies = [asked.body.split(b"\r\n\r\n")[1][:5] for asked in gateway.asked[:3]]
    keys = {asked.headers["idempotency-key"] for asked in gateway.asked[3:]}
    assert (bodies, len(keys)) == ([b"sound"] * 3, 1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, client.Unauthenticated),
        (403, client.Forbidden),
        (404, client.NotFound),
        (409, client.Conflict),
        (422, client.InvalidRequest),
        (500, client.ServerError),
    ],
)
async def test_a_refusal_is_raised_as_what_it_is(
    gateway: ScriptedGateway, lipstage: Any, status: int, kind: type[client.LipstageError]
) -> None:
    gateway.answers(GET, problem(status, "its_code"))

    with pytest.raises(kind) as caught:
        await lipstage.do("get", "0192")

    assert (caught.value.code, caught.value.detail, caught.value.status) == ("its_code", "It is its_code.", status)


async def test_an_answer_that_is_not_the_gateways_is_still_an_error(gateway: ScriptedGateway, lipstage: Any) -> None:
    gateway.answers(GET, Response("<html>", 404))

    with pytest.raises(client.NotFound, match="404, without a reason") as caught:
        await lipstage.do("get", "0192")

    assert caught.value.code == "internal"


async def test_jobs_are_listed_over_all_pages(gateway: ScriptedGateway, lipstage: Any) -> None:
    first, second = {"jobs": [JOB, JOB], "next_cursor": "c"}, {"jobs": [JOB], "next_cursor": None}
    gateway.answers("GET /v1alpha/jobs", json(first), json(second))

    jobs = await lipstage.all("list", "created")

    assert len(jobs) == 3
    assert [asked.query for asked in gateway.asked] == [{"states": "created"}, {"states": "created", "cursor": "c"}]


async def test_a_list_can_be_narrowed(gateway: ScriptedGateway, lipstage: Any) -> None:
    gateway.answers("GET /v1alpha/jobs", json({"jobs": [], "next_cursor": None}))
    since = datetime(2026, 11, 1, tzinfo=UTC)

    await lipstage.all("list", created_after=since, dialects=["fal"], metadata={"episode": "7=b"})

    assert gateway.asked[0].query == {
        "created_after": "2026-11-01T00:00:00+00:00",
        "dialects": "fal",
        "metadata": "episode=7=b",
    }


async def test_a_watch_goes_on_after_a_lost_connection(gateway: ScriptedGateway, lipstage: Any) -> None:
    begun = events(("job", json_text.dumps(JOB)), ("progress", PROGRESS), ("of_a_later_version", "{}"))
    gateway.answers(WATCH, breaking_off(200, {"Content-Type": "text/event-stream"}, begun))
    gateway.answers(WATCH, problem(503, "unavailable"), event_stream(("job", json_text.dumps(COMPLETED))))

    updates = await lipstage.all("watch", "0192")

    assert [getattr(update, "state", None) for update in updates] == ["created", None, "completed"]
    assert (updates[1].stage, updates[1].done, updates[1].parts) == ("denoise", 0.5, 4)


async def test_who_stops_watching_leaves(gateway: ScriptedGateway) -> None:
    left = asyncio.Event()
    gateway.answers(WATCH, endless(left, ("job", json_text.dumps(JOB))))

    async with client.AsyncLipstage(gateway.url, "secret") as lipstage:
        async with aclosing(lipstage.watch("0192")) as updates:
            assert (await anext(updates)).id == "0192"

        await asyncio.wait_for(left.wait(), 10)


async def test_a_blocking_watch_can_be_broken_out_of(gateway: ScriptedGateway) -> None:
    left = asyncio.Event()
    gateway.answers(WATCH, endless(left, ("job", json_text.dumps(JOB))))

    def first() -> str:
        for update in lipstage.watch("0192"):
            return update.id
        raise AssertionError("no update")

    with client.Lipstage(gateway.url, "secret") as lipstage:
        assert await asyncio.to_thread(first) == "0192"

        await asyncio.wait_for(left.wait(), 10)


async def test_a_dub_that_fails_raises_the_reason_and_has_told_its_progress(
    gateway: ScriptedGateway, lipstage: Any
) -> None:
    failed = {**JOB, "state": "failed", "error": {"code": "no_face", "message": "There is no face."}}
    gateway.answers("POST /v1alpha/jobs", json(JOB, 201))
    gateway.answers(WATCH, event_stream(("progress", PROGRESS), ("job", json_text.dumps(failed))))
    told: list[Any] = []

    with pytest.raises(client.JobFailed, match="There is no face") as caught:
        await lipstage.do("dub", "upload:1", "upload:2", progress=told.append)

    assert (caught.value.code, caught.value.job.state) == ("no_face", "failed")
    assert isinstance(told[0], client.Progress)


async def test_a_download_goes_on_where_it_was_broken_off(
    gateway: ScriptedGateway, lipstage: Any, tmp_path: Path
) -> None:
    output = {"url": f"{gateway.url}/media/out.mp4?s=1", "content_type": "video/mp4", "filename": "0192.mp4"}
    gateway.answers(GET, json({**COMPLETED, "output": {**output, "expires_at": "2026-11-23T12:00:00Z"}}))
    gateway.answers(
        "GET /media/out.mp4",
        breaking_off(200, {"Content-Length": "10"}, b"0123"),
        Response(b"456789", 206, {"Content-Range": "bytes 4-9/10"}),
    )

    path = await lipstage.do("download", "0192", tmp_path / "out.mp4")

    first, second = gateway.asked[1:]
    assert path.read_bytes() == b"0123456789"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.mp4"]
    assert ("range" in first.headers, second.headers["range"]) == (False, "bytes=4-")
    assert "authorization" not in first.headers


async def test_a_download_that_had_all_but_its_name_is_finished(
    gateway: ScriptedGateway, lipstage: Any, tmp_path: Path
) -> None:
    (tmp_path / ".report.json.0192.part").write_bytes(b"{}")
    gateway.answers(GET, json({**COMPLETED, "report_url": f"{gateway.url}/media/r"}))
    gateway.answers("GET /media/r", Response(status_code=416, headers={"Content-Range": "bytes */2"}))

    await lipstage.do("download_report", "0192", tmp_path / "report.json")

    assert (tmp_path / "report.json").read_bytes() == b"{}"


async def test_a_job_without_a_result_is_not_downloaded(
    gateway: ScriptedGateway, lipstage: Any, tmp_path: Path
) -> None:
    gateway.answers(GET, json(JOB))

    with pytest.raises(client.InvalidRequest, match="created; it has no result"):
        await lipstage.do("download", "0192", tmp_path / "out.mp4")


async def test_everything_else_is_asked_where_it_is(gateway: ScriptedGateway, lipstage: Any) -> None:
    gateway.answers("POST /v1alpha/jobs/0192/cancel", json({**JOB, "state": "canceled"}))
    gateway.answers("DELETE /v1alpha/jobs/0192", Response(status_code=204))
    gateway.answers("GET /v1alpha/jobs/0192/report", json({"frames": 16}))
    gateway.answers("GET /v1alpha/jobs/0192/record", json({"job": "0192"}))
    gateway.answers("GET /v1alpha/policy", json({"format": "lipstage.policy/1"}))
    moment = "2026-11-01T00:00:00Z"
    used = {"jobs": 1, "seconds": 5.0, "charged": 150_000, "credited": 0}
    days = [{**used, "day": "2026-11-02"}]
    gateway.answers("GET /v1alpha/usage", json({**used, "account": "a", "start": moment, "end": moment, "days": days}))

    assert (await lipstage.do("cancel", "0192")).state == "canceled"
    assert await lipstage.do("delete", "0192") is None
    assert await lipstage.do("report", "0192") == {"frames": 16}
    assert await lipstage.do("record", "0192") == {"job": "0192"}
    assert await lipstage.do("policy") == {"format": "lipstage.policy/1"}
    assert (await lipstage.do("usage", date(2026, 11, 1))).days[0].charged == 150_000
    assert gateway.asked[-1].query == {"since": "2026-11-01"}


@pytest.mark.parametrize("kind", [Blocking, Asynchronous])
async def test_a_gateway_that_is_not_there_is_unreachable(kind: Any) -> None:
    lipstage = kind("http://127.0.0.1:9", "secret", retries=1)

    with pytest.raises(client.Unreachable, match=r"127\.0\.0\.1:9 cannot be reached") as caught:
        await lipstage.do("get", "0192")

    assert (caught.value.code, caught.value.status) == ("unavailable", None)
    await lipstage.do("close")


async def test_the_environment_says_where_and_with_what_key(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIPSTAGE_URL", f"{gateway.url}/")
    monkeypatch.setenv("LIPSTAGE_API_KEY", "from there")
    gateway.answers(GET, json(JOB))

    async with client.AsyncLipstage() as lipstage:
        await lipstage.get("0192")

    assert gateway.asked[0].headers["authorization"] == "Bearer from there"


@pytest.mark.parametrize("missing", ["LIPSTAGE_URL", "LIPSTAGE_API_KEY"])
def test_without_them_it_says_what_is_missing(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIPSTAGE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LIPSTAGE_API_KEY", "secret")
    monkeypatch.delenv(missing)

    with pytest.raises(client.NotConfigured, match=missing):
        client.Lipstage()


def test_the_key_is_in_no_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    lipstage = client.Lipstage("http://127.0.0.1:9", "secret")

    assert "secret" not in repr(vars(lipstage))
