"""sync.so's own client against a live gateway."""

import hashlib
import hmac
import json
import time
from pathlib import Path

import httpx2
import pytest
from gateway_process import Gateway
from sync import Audio, GenerationOptions, Sync, Video
from sync.common.errors import BadRequestError, NotFoundError, UnauthorizedError
from sync.common.types.generation import Generation
from sync.core.unchecked_base_model import construct_type
from sync.webhooks.types import GenerationNotification
from told import Receiver

WAIT_S = 90.0


@pytest.fixture
def client(hosted: Gateway) -> Sync:
    return Sync(base_url=hosted.url, api_key=hosted.key)


def ended(client: Sync, generation: Generation) -> Generation:
    until_s = time.monotonic() + WAIT_S
    while generation.status in ("PENDING", "PROCESSING"):
        assert time.monotonic() < until_s, generation
        time.sleep(0.2)
        generation = client.generations.get(generation.id)
    return generation


def test_local_files_become_a_generation_and_a_webhook(
    client: Sync, hosted: Gateway, receiver: Receiver, head: Path, speech: Path
) -> None:
    begun = client.generations.create_with_files(
        model="lipsync-2",
        video=(head.name, head.read_bytes()),
        audio=(speech.name, speech.read_bytes()),
        webhook_url=receiver.address("sync"),
    )

    done = ended(client, begun)

    assert (done.status, done.error) == ("COMPLETED", None)
    with httpx2.Client(verify=str(hosted.authority)) as http:
        assert http.get(str(done.output_url)).content[4:8] == b"ftyp"
        headers = {"Authorization": f"Bearer {hosted.key}"}
        secret = http.get(f"{hosted.url}/v1/webhooks/default/secret", headers=headers).json()["key"]
    told = receiver.arrived("sync")
    moment, _, signature = told.headers["sync-signature"].partition(",v1=")
    signed = f"{moment.removeprefix('t=')}.".encode() + told.body
    assert signature == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    notification = construct_type(type_=GenerationNotification, object_=json.loads(told.body))
    assert (notification.status, notification.id) == ("COMPLETED", begun.id)


def test_assets_are_listed_priced_and_named(client: Sync, hosted: Gateway, head: Path, speech: Path) -> None:
    with httpx2.Client(verify=str(hosted.authority), headers={"x-api-key": hosted.key}) as http:
        for path in (head, speech):
            http.post(f"{hosted.url}/v2/assets", files={"file": (path.name, path.read_bytes())}).raise_for_status()
    voice, video = client.assets.list(limit=2).items

    asked = [Video(assetId=video.id), Audio(assetId=voice.id)]
    cost = client.generations.estimate_cost(model="lipsync-2", input=asked)
    failing = client.generations.create(
        model="lipsync-2",
        input=[Video(assetId=voice.id), Audio(assetId=voice.id)],
        options=GenerationOptions(sync_mode="loop", temperature=0.3),
    )

    assert (video.type, voice.type) == ("VIDEO", "AUDIO")
    assert (cost[0].estimated_frame_count, cost[0].estimated_generation_cost) == (16, 0.15)
    assert ended(client, failing).error_code == "no_video_stream"
    assert [found.id for found in client.generations.list(status=["FAILED"])] == [failing.id]
    assert {model.type for model in client.models.list()} == {"lipsync"}


def test_failures_are_the_clients_own_errors(client: Sync, hosted: Gateway) -> None:
    asked = [Video(url="https://example.com/a.mp4"), Audio(url="https://example.com/a.wav")]

    with pytest.raises(BadRequestError):
        client.generations.create(model="react-1", input=asked)
    with pytest.raises(NotFoundError):
        client.generations.get("0" * 32)
    with pytest.raises(BadRequestError, match="/v1alpha/batches"):
        client.batch.create(input=("batch.jsonl", b"{}"))
    with pytest.raises(UnauthorizedError):
        Sync(base_url=hosted.url, api_key="nobody").generations.create(model="lipsync-2", input=asked)
