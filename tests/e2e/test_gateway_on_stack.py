"""The front door of the distributed body: the same results as from one process, also when it dies."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import httpx2
import pytest
from made_clips import frame_times_s, rgb_frames, voice_samples, write_clip, write_voice
from test_gateway import FRAMES, begun, ended, settled, uploaded

from services.local.stack import WORKERS, LocalStack

ASKED = {"steps": 2, "guidance_scale": 1, "output": {"preset": "ultrafast"}}
WEBHOOK_S = 30.0


@pytest.fixture
def tiny(sample_video: Path, sample_voice: Path, tmp_path: Path) -> tuple[Path, Path]:
    video = write_clip(tmp_path / "head.mp4", rgb_frames(sample_video, FRAMES, 320, 240))
    return video, write_voice(tmp_path / "voice.wav", voice_samples(sample_voice), FRAMES / 25)


def test_a_job_outlives_its_gateway_and_is_charged_and_told_once(tiny: tuple[Path, Path], tmp_path: Path) -> None:
    with _receiver() as (hook, received):
        loopback = {"LIPSTAGE_FETCH_NETWORKS": '["127.0.0.0/8"]', "LIPSTAGE_FETCH_PORTS": f"[{httpx2.URL(hook).port}]"}
        workers = {**WORKERS, "gateway": 1}
        with LocalStack(tmp_path / "stack", workers, extra=loopback) as stack, _client(stack) as api:
            seen = api.get("/faces", params={"source": uploaded(api, tiny[0])}).json()
            job = begun(api, tiny, ASKED, webhook={"url": hook})["id"]
            _wait_for_progress(api, job)
            stack.gateway.kill()
            stack.gateway.start()
            stack.gateway.wait_until_ready()

            done = ended(api, job)
            output = httpx2.get(done["output"]["url"], trust_env=False)  # with no key, from the object store itself
            told = received.get(timeout=WEBHOOK_S)
            charge, usage = settled(api, job)["charge"], api.get("/usage").json()
            assert done["output"]["url"].startswith(stack.s3.access.url)
    (tmp_path / "out.mp4").write_bytes(output.content)
    assert (seen["width"], seen["at_s"], len(seen["faces"])) == (320, 0, 1)
    assert (done["state"], done["outcomes"]["dubbed"]) == ("completed", FRAMES)  # as from one process: test_gateway.py
    assert frame_times_s(tmp_path / "out.mp4") == frame_times_s(tiny[0])
    assert (charge["amount_usd"], usage["jobs"]) == ("0.15", 1)
    assert (told["data"]["id"], received.empty()) == (job, True)


def _client(stack: LocalStack) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {stack.key()}"}
    return httpx2.Client(base_url=f"{stack.gateway.url}/v1alpha", headers=headers, timeout=60, trust_env=False)


def _wait_for_progress(api: httpx2.Client, job: str) -> None:
    with api.stream("GET", f"/jobs/{job}/events") as events:
        assert any(line == "event: progress" for line in events.iter_lines()), "the job ended too soon"


@contextmanager
def _receiver() -> Iterator[tuple[str, "Queue[Any]"]]:
    """A webhook's address, and what is posted there."""
    received: Queue[Any] = Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", received
        finally:
            server.shutdown()
            thread.join()
