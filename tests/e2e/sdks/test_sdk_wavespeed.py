"""WaveSpeed's own client against a live gateway."""

import hashlib
import hmac
import json
from pathlib import Path

import httpx2
import pytest
import wavespeed
from gateway_process import Gateway
from hosted import Stored
from told import Receiver

MODEL = "bytedance/latentsync"


@pytest.fixture
def client(hosted: Gateway) -> wavespeed.Client:
    return wavespeed.Client(api_key=hosted.key, base_url=hosted.url)


def test_uploads_and_runs_by_polling_and_tells_a_webhook(
    client: wavespeed.Client, hosted: Gateway, receiver: Receiver, head: Path, speech: Path
) -> None:
    media = {"video": client.upload(str(head)), "audio": client.upload(str(speech))}

    result = client.run(f"{MODEL}?webhook={receiver.address('wavespeed')}", media, poll_interval=0.2)

    with httpx2.Client(verify=str(hosted.authority), headers={"Authorization": f"Bearer {hosted.key}"}) as http:
        output = http.get(result["outputs"][0], headers={"Authorization": ""})
        secret = http.get(f"{hosted.url}/api/v3/webhook/secret").json()["data"]["secret"]
    assert (output.status_code, output.headers["content-type"], output.content[4:8]) == (200, "video/mp4", b"ftyp")
    told = receiver.arrived("wavespeed")
    signed = f"{told.headers['webhook-id']}.{told.headers['webhook-timestamp']}.".encode() + told.body
    digest = hmac.new(secret.removeprefix("whsec_").encode(), signed, hashlib.sha256).hexdigest()
    assert told.headers["webhook-signature"] == f"v3,{digest}"
    assert json.loads(told.body)["status"] == "completed"


def test_sync_mode_waits_for_the_outputs(client: wavespeed.Client, stored: Stored) -> None:
    media = {"video": stored.video, "audio": stored.audio}

    assert client.run_no_throw(MODEL, media, enable_sync_mode=True)["status"] == "completed"


def test_failures_are_the_clients_own_errors(client: wavespeed.Client, hosted: Gateway, stored: Stored) -> None:
    voice = stored.audio

    with pytest.raises(RuntimeError, match="The video has no pictures"):
        client.run(MODEL, {"video": voice, "audio": voice}, poll_interval=0.2)
    with pytest.raises(RuntimeError, match=r"HTTP 422: .*audio: Field required"):
        client.run(MODEL, {"video": voice})
    with pytest.raises(RuntimeError, match=r"HTTP 401: .*unknown, has expired"):
        wavespeed.Client(api_key="nobody", base_url=hosted.url).run(MODEL, {"video": voice, "audio": voice})
