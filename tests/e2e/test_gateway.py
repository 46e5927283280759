"""The native API over a live gateway with all stages: a whole job, and what may happen to one."""

import base64
import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from gateway_process import Gateway, serving
from made_clips import rgb_frames, voice_samples, write_clip, write_voice

from services.common.media.probe import probe_video

FRAMES = 16
QUICK = {"steps": 1, "guidance_scale": 1, "output": {"preset": "ultrafast"}}
LONG = {"steps": 1000, "guidance_scale": 1}
WAIT_S = 90.0


@pytest.fixture(scope="module")
def tiny(sample_video: Path, sample_voice: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tiny")
    video = write_clip(folder / "head.mp4", rgb_frames(sample_video, FRAMES, 320, 240))
    return video, write_voice(folder / "voice.wav", voice_samples(sample_voice), FRAMES / 25)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with serving(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def api(gateway: Gateway) -> Iterator[httpx2.Client]:
    with client(gateway) as api:
        yield api


def client(gateway: Gateway) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {gateway.key}"}
    return httpx2.Client(base_url=f"{gateway.url}/v1alpha", headers=headers, timeout=60, trust_env=False)


def uploaded(api: httpx2.Client, path: Path) -> str:
    answer = api.post("/uploads", files={"file": (path.name, path.read_bytes())})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["source"])


def begun(api: httpx2.Client, tiny: tuple[Path, Path], parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    video, voice = (uploaded(api, path) for path in tiny)
    answer = api.post("/jobs", json={"video": video, "audio": voice, "parameters": parameters, **more})
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    return job


def ended(api: httpx2.Client, job: str) -> dict[str, Any]:
    """The job as its last event tells it."""
    with api.stream("GET", f"/jobs/{job}/events", timeout=WAIT_S) as events:
        lines = list(events.iter_lines())
    told = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    last: dict[str, Any] = json.loads(told[-1])
    return last


def settled(api: httpx2.Client, job: str) -> dict[str, Any]:
    deadline_s = time.monotonic() + WAIT_S
    while not (view := api.get(f"/jobs/{job}").json())["ended_at"]:
        assert time.monotonic() < deadline_s, view
        time.sleep(0.1)
    found: dict[str, Any] = view
    return found


def test_a_whole_job(api: httpx2.Client, tiny: tuple[Path, Path], gateway: Gateway, tmp_path: Path) -> None:
    job = begun(api, tiny, QUICK, metadata={"episode": "7"})
    assert job["state"] == "created"

    done = ended(api, job["id"])

    assert (done["state"], done["metadata"], done["outcomes"]["dubbed"]) == ("completed", {"episode": "7"}, FRAMES)
    output = httpx2.get(done["output"]["url"], trust_env=False)  # with no key
    assert (output.status_code, output.headers["content-type"]) == (200, "video/mp4")
    (tmp_path / "out.mp4").write_bytes(output.content)
    assert probe_video(tmp_path / "out.mp4").frame_count == FRAMES
    found = api.post("/verify", files={"file": ("out.mp4", output.content)}).json()
    said = found["credentials"]
    changed = bytearray(output.content)
    changed[len(changed) * 3 // 4] ^= 1
    now_said = api.post("/verify", files={"file": ("out.mp4", bytes(changed))}).json()["credentials"]
    assert (said["state"], said["trusted"], now_said["state"]) == ("valid", True, "invalid")
    assert (said["job_id"], found["watermark"]["payload"]) == (job["id"], job["id"][:16])
    part = httpx2.get(done["output"]["url"], headers={"Range": "bytes=4-7"}, trust_env=False)
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert httpx2.get(f"{done['output']['url']}0", trust_env=False).json()["code"] == "link_invalid"
    assert api.get(f"/jobs/{job['id']}/report").json()["frames_dubbed"] == FRAMES
    assert settled(api, job["id"])["charge"] == {"amount_usd": "0.15", "seconds": 0.64, "plan": "per-5-seconds"}
    record = api.get(f"/jobs/{job['id']}/record").json()
    assert (record["state"], record["billing"]["state"]) == ("completed", "charged")
    assert record["video"]["sha256"] in str(list((gateway.data / "media" / "media").iterdir()))


def test_the_same_idempotency_key_is_the_same_job(api: httpx2.Client, tiny: tuple[Path, Path]) -> None:
    asked = {"video": uploaded(api, tiny[0]), "audio": uploaded(api, tiny[1]), "parameters": QUICK}
    keyed = {"Idempotency-Key": "once"}

    first, second = (api.post("/jobs", json=asked, headers=keyed).json() for _ in range(2))
    other = api.post("/jobs", json={**asked, "label": True}, headers=keyed)

    assert first["id"] == second["id"]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    last = ended(api, first["id"])
    assert (last["state"], last["charge"]["plan"]) == ("completed", "per-5-seconds")
    assert api.delete(f"/jobs/{first['id']}").status_code == 204
    report = api.get(f"/jobs/{first['id']}/report")
    assert (report.status_code, report.json()["code"]) == (404, "object_missing")


def test_an_upload_that_is_sent_again_under_its_key_is_the_same_upload(
    api: httpx2.Client, tiny: tuple[Path, Path]
) -> None:
    video, audio = (path.read_bytes() for path in tiny)
    keyed = {"Idempotency-Key": "file"}

    first, again = (api.post("/uploads", files={"file": ("a.mp4", video)}, headers=keyed) for _ in range(2))
    others = [api.post("/uploads", files={"file": ("b.mp4", video)}, headers=keyed)]
    others.append(api.post("/uploads", files={"file": ("a.mp4", audio)}, headers=keyed))

    assert first.json() == again.json()
    assert {(other.status_code, other.json()["code"]) for other in others} == {(409, "idempotency_conflict")}


def test_a_canceled_job_is_free_and_can_be_removed(
    api: httpx2.Client, tiny: tuple[Path, Path], gateway: Gateway
) -> None:
    job = begun(api, tiny, LONG)["id"]
    assert api.delete(f"/jobs/{job}").json()["code"] == "job_not_ended"

    canceled = api.post(f"/jobs/{job}/cancel").json()

    assert canceled["state"] == "canceled"
    assert settled(api, job)["charge"] is None
    assert api.delete(f"/jobs/{job}").status_code == 204
    assert api.get(f"/jobs/{job}").json()["deleted_at"]
    assert not list((gateway.data / "media" / "out").glob(f"{job}/*"))


def test_what_cannot_be_dubbed_fails_with_its_code(api: httpx2.Client, tiny: tuple[Path, Path]) -> None:
    voice = uploaded(api, tiny[1])

    silent_video = api.post("/jobs", json={"video": voice, "audio": voice}).json()
    private = api.post("/jobs", json={"video": "http://169.254.169.254/latest/meta-data", "audio": voice}).json()
    nobodys = api.post("/jobs", json={"video": "upload:0", "audio": voice}).json()

    assert ended(api, silent_video["id"])["error"]["code"] == "no_video_stream"
    assert ended(api, private["id"])["error"]["code"] == "url_forbidden"
    assert ended(api, nobodys["id"])["error"]["code"] == "upload_not_found"
    broken = api.post("/uploads", files={"file": ("a.mp4", b"\0" * 1000)})
    assert (broken.status_code, broken.json()["code"]) == (422, "media_unreadable")


def test_an_upload_goes_on_where_it_broke_off(api: httpx2.Client, tiny: tuple[Path, Path]) -> None:
    content = tiny[0].read_bytes()
    half = len(content) // 2
    name = base64.b64encode(b"head.mp4").decode()
    begun = api.post(
        "/uploads/resumable", headers={"Upload-Length": str(len(content)), "Upload-Metadata": f"filename {name}"}
    )
    there = begun.headers["location"].removeprefix("/v1alpha")
    piece = {"Content-Type": "application/offset+octet-stream"}

    first = api.patch(there, content=content[:half], headers={**piece, "Upload-Offset": "0"})
    again = api.patch(there, content=content[:half], headers={**piece, "Upload-Offset": "0"})
    offset = api.head(there).headers["upload-offset"]
    last = api.patch(there, content=content[half:], headers={**piece, "Upload-Offset": offset})

    assert (first.status_code, again.status_code, offset) == (204, 409, str(half))
    upload = api.get(f"/uploads/{last.headers['lipstage-source'].removeprefix('upload:')}").json()
    assert (upload["sha256"], upload["filename"]) == (hashlib.sha256(content).hexdigest(), "head.mp4")


def test_a_dub_is_dubbed_again(api: httpx2.Client, tiny: tuple[Path, Path], gateway: Gateway) -> None:
    first = ended(api, begun(api, tiny, QUICK)["id"])
    asked = {"video": first["output"]["url"], "audio": f"job:{first['id']}", "parameters": QUICK}

    second = ended(api, api.post("/jobs", json=asked).json()["id"])

    record = api.get(f"/jobs/{second['id']}/record").json()
    assert second["state"] == "completed", second
    assert (record["video"]["sha256"], record["audio"]["source"]) == (record["audio"]["sha256"], f"job:{first['id']}")
    settled(api, first["id"])
    assert api.delete(f"/jobs/{first['id']}").status_code == 204
    assert (gateway.data / "media" / record["video"]["stored_as"]).exists()


def test_a_batch_tells_what_became_of_each_line(api: httpx2.Client, tiny: tuple[Path, Path]) -> None:
    asked = {"video": uploaded(api, tiny[0]), "audio": uploaded(api, tiny[1]), "parameters": QUICK}
    lines = [json.dumps(asked), '{"video": 7}', "", json.dumps(asked)]

    answers = api.post("/batches", content="\n".join(lines)).json()

    assert [(answer["line"], answer["error"] and answer["error"]["code"]) for answer in answers] == [
        (1, None),
        (2, "invalid_parameter"),
        (4, None),
    ]
    for answer in (answers[0], answers[2]):
        assert ended(api, answer["job"]["id"])["state"] == "completed"
    (unknown,) = api.post("/batches", content=lines[0], headers={"X-Consent-Id": "nobodys"}).json()
    assert unknown["error"]["code"] == "consent_invalid"


def test_the_list_has_pages_the_newest_first(api: httpx2.Client, tiny: tuple[Path, Path]) -> None:
    jobs = [begun(api, tiny, QUICK)["id"] for _ in range(3)]

    first = api.get("/jobs", params={"limit": 2}).json()
    second = api.get("/jobs", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [job["id"] for job in first["jobs"]] == jobs[:0:-1]
    assert second["jobs"][0]["id"] == jobs[0]
    for job in jobs:
        ended(api, job)


def test_a_gateway_that_dies_goes_on_where_it_was(tiny: tuple[Path, Path], tmp_path: Path) -> None:
    with serving(tmp_path / "data") as first, client(first) as api:
        job = begun(api, tiny, {**QUICK, "steps": 8})["id"]
        os.kill(first.pid, signal.SIGKILL)

    with serving(tmp_path / "data") as second, client(second) as api:
        assert settled(api, job)["state"] == "completed"
        assert api.get("/usage").json()["jobs"] == 1
