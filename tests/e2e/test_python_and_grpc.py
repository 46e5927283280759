"""A live gateway spoken to as the docs say: with the Python client, over gRPC, and by the commands."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from command import COMMAND
from gateway_process import Gateway, serving
from made_clips import rgb_frames, voice_samples, write_clip, write_voice
from typer.testing import CliRunner

from cli.main import app
from lipstage.client import Lipstage, Untrusted
from services.common.errors import LipstageError
from services.common.media.probe import probe_video

DOCS = Path(__file__).resolve().parents[2] / "docs" / "api"
FRAMES = 16
QUICK = ("--steps", "1", "--guidance", "1", "--preset", "ultrafast")
LIMIT_S = 120


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with serving(tmp_path_factory.mktemp("gateway"), "--tls", "--grpc-port", "0") as running:
        yield running


@pytest.fixture(scope="module")
def media(sample_video: Path, sample_voice: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds talk.mp4 and voice.wav."""
    folder = tmp_path_factory.mktemp("media")
    write_clip(folder / "talk.mp4", rgb_frames(sample_video, FRAMES, 320, 240))
    write_voice(folder / "voice.wav", voice_samples(sample_voice), FRAMES / 25)
    return folder


@pytest.fixture(autouse=True)
def _as_a_user_would(gateway: Gateway, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder of the media, with the gateway in the environment."""
    monkeypatch.chdir(media)
    monkeypatch.setenv("LIPSTAGE_URL", gateway.url)
    monkeypatch.setenv("LIPSTAGE_API_KEY", gateway.key)
    monkeypatch.setenv("LIPSTAGE_GRPC", gateway.grpc)
    monkeypatch.setenv("SSL_CERT_FILE", str(gateway.authority))


def examples(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def lipstage(gateway: Gateway, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--via", gateway.url])


def test_the_blocking_example_dubs_and_downloads(media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocking, _ = examples("python.md")

    exec(blocking, {})

    assert capsys.readouterr().out.endswith(f" {FRAMES}\n")
    assert probe_video(media / "dubbed.mp4").frame_count == FRAMES


def test_the_asynchronous_example_runs_two_jobs(capsys: pytest.CaptureFixture[str]) -> None:
    _, asynchronous = examples("python.md")

    exec(asynchronous, {})

    said = capsys.readouterr().out
    assert said.count(" completed\n") == 2
    assert said.endswith("['2', '1']\n")


def test_the_grpc_example_watches_a_job_to_its_end(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = examples("grpc.md")
    channel = 'grpc.insecure_channel(os.environ["LIPSTAGE_GRPC"])'
    assert channel in example
    secure = channel.replace("insecure", "secure").replace(")", ", grpc.ssl_channel_credentials(authority))")

    exec(example.replace(channel, secure), {"authority": gateway.authority.read_bytes()})

    assert f"JOB_STATE_COMPLETED {gateway.url}/media/" in capsys.readouterr().out.splitlines()[-1]


def test_the_command_dubs_through_a_gateway(gateway: Gateway, tmp_path: Path) -> None:
    output = str(tmp_path / "out.mp4")

    done = subprocess.run(
        [*COMMAND, "dub", "talk.mp4", "voice.wav", "-o", output, *QUICK, "--via", gateway.url],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )

    assert done.returncode == 0, done.stderr
    assert f"{FRAMES} frames dubbed, 0 passed through" in done.stdout
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out.mp4", "out.report.json"]


def test_the_commands_follow_and_cancel_jobs_of_a_gateway(gateway: Gateway) -> None:
    job = lipstage(gateway, "submit", "talk.mp4", "voice.wav", "--steps", "1000").stdout.strip()

    under_way = lipstage(gateway, "status", job)
    canceled = lipstage(gateway, "cancel", job)
    watched = lipstage(gateway, "watch", job)

    assert under_way.stdout.startswith(("created", "processing: ")), under_way.exception
    assert (canceled.stdout, watched.stdout) == ("canceled\n", "canceled\n")


def test_a_refusal_reaches_the_command_line_with_its_code(gateway: Gateway) -> None:
    missing = lipstage(gateway, "status", "0" * 32)

    assert isinstance(missing.exception, LipstageError)
    assert missing.exception.code == "job_not_found"


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    with Lipstage(verify=gateway.authority) as trusting:
        assert trusting.policy()["route_owner"] == "this machine"
    with Lipstage() as doubting, pytest.raises(Untrusted, match=gateway.url):
        doubting.policy()
