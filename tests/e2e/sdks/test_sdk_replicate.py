"""Replicate's own client against a live gateway."""

import json
from pathlib import Path

import pytest
import replicate
from gateway_process import Gateway
from hosted import Stored
from replicate.exceptions import ModelError, ReplicateError
from replicate.helpers import FileOutput
from replicate.webhook import Webhooks
from told import Receiver

MODEL = "bytedance/latentsync"
VERSION = f"{MODEL}:637ce1919f807ca20da3a448ddc2743535d2853649574cd52a933120e9b9e293"


@pytest.fixture
def client(hosted: Gateway) -> replicate.Client:
    client = replicate.Client(api_token=hosted.key, base_url=hosted.url)
    client.poll_interval = 0.2
    return client


def test_runs_local_files_and_waits_in_one_request(client: replicate.Client, head: Path, speech: Path) -> None:
    output = client.run(MODEL, input={"video": head, "audio": speech, "guidance_scale": 1})

    assert isinstance(output, FileOutput)
    assert output.read()[4:8] == b"ftyp"


def test_streams_logs_and_the_output_and_tells_a_webhook(
    client: replicate.Client, receiver: Receiver, stored: Stored
) -> None:
    given = {"video": stored.video, "audio": stored.audio, "guidance_scale": 1}
    prediction = client.models.predictions.create(
        MODEL, given, webhook=receiver.address("replicate"), webhook_events_filter=["start", "completed"]
    )

    events = [(event.event.value, event.data) for event in prediction.stream()]

    assert {name for name, _ in events[:-2]} == {"logs"}
    assert [name for name, _ in events[-2:]] == ["output", "done"]
    prediction.reload()
    assert (prediction.status, prediction.output) == ("succeeded", str(events[-2][1]))
    assert prediction.progress is not None
    assert prediction.progress.percentage == 1
    told = [receiver.arrived("replicate") for _ in range(2)]
    for arrived in told:
        Webhooks.validate(headers=arrived.headers, body=arrived.body.decode(), secret=client.webhooks.default.secret())
    bodies = [json.loads(arrived.body) for arrived in told]
    assert [(body["id"], body["status"]) for body in bodies] == [
        (prediction.id, "processing"),
        (prediction.id, "succeeded"),
    ]


def test_files_keep_what_is_said_of_them(client: replicate.Client, speech: Path) -> None:
    file = client.files.create(speech, metadata={"take": 7})

    assert client.files.get(file.id).metadata == {"take": 7}
    assert client.files.delete(file.id)


def test_cancels_and_lists(client: replicate.Client, stored: Stored) -> None:
    prediction = client.models.predictions.create(MODEL, {"video": stored.video, "audio": stored.audio})

    prediction.cancel()

    assert prediction.status == "canceled"
    assert client.predictions.list().results[0].id == prediction.id
    assert client.predictions.get(prediction.id).input["seed"] == 0


def test_failures_are_the_clients_own_errors(client: replicate.Client, hosted: Gateway, stored: Stored) -> None:
    speech = stored.audio
    with pytest.raises(ModelError, match="The video has no pictures"):
        client.run(VERSION, input={"video": speech, "audio": speech})
    with pytest.raises(ReplicateError) as refused:
        client.run(MODEL, input={"video": speech, "audio": speech, "guidance_scale": 11})
    assert refused.value.status == 422
    with pytest.raises(ReplicateError) as unknown:
        replicate.Client(api_token="nobody", base_url=hosted.url).predictions.list()
    assert unknown.value.status == 401
