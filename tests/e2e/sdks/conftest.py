"""One live gateway over TLS for the hosted routes' own clients, unmodified, and a clip that is dubbed in no time."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from gateway_process import Gateway, serving
from hosted import Stored
from made_clips import rgb_frames, voice_samples, write_clip, write_voice
from told import Receiver, receiving

FRAMES = 16


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture(scope="session")
def hosted(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    environment = {
        "LIPSTAGE_DEFAULT_STEPS": "1",
        "LIPSTAGE_FETCH_NETWORKS": '["127.0.0.0/8"]',
        "LIPSTAGE_FETCH_PORTS": f"[{receiver.port}]",
    }
    with serving(tmp_path_factory.mktemp("hosted"), "--tls", environment=environment) as running:
        yield running


@pytest.fixture(autouse=True)
def _trusted(hosted: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(hosted.authority))


@pytest.fixture(scope="session")
def head(sample_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("head") / "head.mp4", rgb_frames(sample_video, FRAMES, 320, 240))


@pytest.fixture(scope="session")
def speech(sample_voice: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voice(tmp_path_factory.mktemp("speech") / "speech.wav", voice_samples(sample_voice), FRAMES / 25)


@pytest.fixture(scope="session")
def stored(hosted: Gateway, head: Path, speech: Path) -> Stored:
    with httpx2.Client(verify=str(hosted.authority), headers={"Authorization": f"Bearer {hosted.key}"}) as http:

        def address(path: Path) -> str:
            sent = http.post(f"{hosted.url}/api/v3/upload", files={"file": (path.name, path.read_bytes())})
            return str(sent.json()["data"]["url"])

        return Stored(address(head), address(speech))
