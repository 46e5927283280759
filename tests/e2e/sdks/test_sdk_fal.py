"""fal's own client against a live gateway, told by its environment and its constants where to go."""

import json
import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import ModuleType

import httpx2
import pytest
from gateway_process import Gateway
from hosted import Stored
from nacl.encoding import HexEncoder, URLSafeBase64Encoder
from nacl.signing import VerifyKey
from told import Arrived, Receiver

MODEL = "fal-ai/latentsync"


@pytest.fixture
def fal(hosted: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Freshly imported: it reads its environment then."""
    place = hosted.url.removeprefix("https://")
    for name, value in {"RUN_HOST": f"{place}/fal/run", "QUEUE_RUN_HOST": f"{place}/fal/queue"}.items():
        monkeypatch.setenv(f"FAL_{name}", value)
    monkeypatch.setenv("FAL_KEY", hosted.key)
    for name in [name for name in sys.modules if name.partition(".")[0] == "fal_client"]:
        monkeypatch.delitem(sys.modules, name)
    module = import_module("fal_client")
    monkeypatch.setattr(module.client, "REST_URL", f"{hosted.url}/fal/rest")
    monkeypatch.setattr(module.client, "CDN_URL", f"{hosted.url}/fal/cdn")
    yield module
    for name in [name for name in sys.modules if name.partition(".")[0] == "fal_client"]:
        del sys.modules[name]


@pytest.fixture
def media(stored: Stored) -> dict[str, str]:
    return {"video_url": stored.video, "audio_url": stored.audio}


def test_uploads_queues_polls_and_tells_a_webhook(
    fal: ModuleType, hosted: Gateway, receiver: Receiver, head: Path, speech: Path
) -> None:
    media = {"video_url": fal.upload_file(head), "audio_url": fal.upload_file(speech)}
    handle = fal.submit(MODEL, media, webhook_url=receiver.address("fal"), start_timeout=600, priority="low")

    states = [type(status).__name__ for status in handle.iter_events(with_logs=True, interval=0.2)]
    result = fal.result(MODEL, handle.request_id)

    assert states[-1] == "Completed"
    with httpx2.Client(verify=str(hosted.authority)) as http:
        output = http.get(result["video"]["url"])
        keys = http.get(f"{hosted.url}/fal/rest/.well-known/jwks.json").json()["keys"]
    assert (output.status_code, output.content[4:8]) == (200, b"ftyp")
    told = receiver.arrived("fal")
    check_signature(told, keys[-1]["x"])
    assert (json.loads(told.body)["status"], told.headers["x-fal-webhook-request-id"]) == ("OK", handle.request_id)


def test_streams_progress_and_last_the_output(fal: ModuleType, media: dict[str, str]) -> None:
    events = list(fal.stream(MODEL, {**media, "loop_mode": "pingpong", "seed": 0}))

    assert {"preprocess", "denoise", "composite"} <= {event.get("stage") for event in events}
    assert events[-1]["video"]["content_type"] == "video/mp4"


def test_runs_with_data_uris_and_cancels(fal: ModuleType, media: dict[str, str], head: Path, speech: Path) -> None:
    inline = {"video_url": fal.encode_file(head), "audio_url": fal.encode_file(speech)}
    assert fal.run(MODEL, inline)["video"]["file_name"].endswith(".mp4")

    handle = fal.submit(MODEL, media)
    handle.cancel()

    with pytest.raises(fal.FalClientHTTPError, match="Request was cancelled"):
        handle.get(interval=0.2)


def test_sends_a_large_file_in_parts(fal: ModuleType, head: Path) -> None:
    client = fal.SyncClient()

    address = fal.client.MultipartUpload.save_file(
        client=client._get_cdn_client(), token_manager=client._token_manager, file_path=head, chunk_size=5000
    )

    assert httpx2.get(address, verify=os.environ["SSL_CERT_FILE"]).content == head.read_bytes()


def test_failures_are_the_clients_own_errors(fal: ModuleType, media: dict[str, str]) -> None:
    with pytest.raises(fal.FalClientHTTPError) as failed:
        fal.subscribe(MODEL, {**media, "video_url": media["audio_url"]}, interval=0.2)
    with pytest.raises(fal.FalClientHTTPError) as refused:
        fal.run(MODEL, {**media, "guidance_scale": 3})
    with pytest.raises(fal.FalClientHTTPError) as unknown:
        fal.SyncClient(key="nobody:secret").submit(MODEL, media)

    assert (failed.value.status_code, failed.value.message[0]["type"]) == (422, "unsupported_video_format")
    assert (refused.value.status_code, refused.value.message[0]["type"]) == (422, "less_than_equal")
    assert (unknown.value.status_code, unknown.value.error_type) == (401, "unauthenticated")


def check_signature(told: Arrived, key: str) -> None:
    """As fal documents it; raises for a wrong one."""
    parts = [told.headers[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp")]
    message = "\n".join([*parts, sha256(told.body).hexdigest()]).encode()
    signature = HexEncoder.decode(told.headers["x-fal-webhook-signature"].encode())
    VerifyKey(URLSafeBase64Encoder.decode(key.encode())).verify(message, signature)
