"""`POST /verify`: what a caller learns of a file, and what is left of it."""

import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from port_suites.job_records import job_record
from pydantic import AnyHttpUrl, SecretStr

from gateway.app import make_app
from gateway.front import Front, Ports, open_front
from gateway.memory_documents import MemoryDocuments
from gateway.settings import GatewaySettings
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.messages import Provenance
from services.common.onnx_models import OnnxModels
from services.common.provenance.signing_files import own_root
from services.common.settings import Settings
from services.composite.credentials import signing

VOICE = Path(__file__).resolve().parents[3] / "samples" / "voice_b.m4a"
AT_MOST_BYTES = 1 << 20


@pytest.fixture
def signed_here(tmp_path: Path) -> Settings:
    return Settings(signing_dir=tmp_path / "signing")


@pytest.fixture
async def front(tmp_path: Path, signed_here: Settings) -> AsyncIterator[Front]:
    settings = GatewaySettings(
        environment="development",
        public_url=AnyHttpUrl("http://127.0.0.1:1"),
        link_secret=SecretStr("of the test"),
        route_owner="the test",
        support="nobody",
        max_media_bytes=AT_MOST_BYTES,
    )
    media, models = FolderMediaStore(tmp_path / "media"), OnnxModels(tmp_path, 1)
    ports = Ports(
        MemoryDocuments(), MemoryBus(), MemoryJobStore(), media, models, own_root=partial(own_root, signed_here)
    )
    async with open_front(ports, settings) as front:
        yield front


@pytest.fixture
async def api(front: Front) -> AsyncIterator[httpx2.AsyncClient]:
    account = await front.keys.create_account("Acme")
    _, token = await front.keys.create_key(account.id, "test")
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=make_app(front)),
        base_url="http://lipstage.test/v1alpha",
        headers={"x-api-key": token},
    ) as api:
        yield api


def sound_signed_by(settings: Settings, folder: Path) -> bytes:
    """Sound alone, in which nobody looks for a watermark."""
    file = Path(shutil.copy(VOICE, folder / "voice.mp4"))
    record = job_record("job").model_copy(update={"provenance": Provenance(watermark=7, job_id="job-7", consent_id="")})
    assert signing(settings)(file, VOICE, record)
    return file.read_bytes()


async def asked(api: httpx2.AsyncClient, content: bytes, name: str = "voice.mp4") -> dict[str, Any]:
    answer: dict[str, Any] = (await api.post("/verify", files={"file": (name, content)})).json()
    return answer


async def test_what_this_installation_signed_is_trusted_and_a_strangers_is_not(
    api: httpx2.AsyncClient, signed_here: Settings, tmp_path: Path
) -> None:
    strangers = sound_signed_by(Settings(signing_dir=tmp_path / "elsewhere"), tmp_path)
    before_anything_was_signed_here = await asked(api, strangers)
    ours = sound_signed_by(signed_here, tmp_path)

    told, told_of_strangers = await asked(api, ours, "any name"), await asked(api, strangers)

    assert (told["credentials"]["state"], told["credentials"]["trusted"]) == ("valid", True)
    assert (told["credentials"]["job_id"], told["watermark"]) == ("job-7", None)
    assert told_of_strangers == before_anything_was_signed_here
    assert (told_of_strangers["credentials"]["state"], told_of_strangers["credentials"]["trusted"]) == ("valid", False)


async def test_a_changed_bit_shows(api: httpx2.AsyncClient, signed_here: Settings, tmp_path: Path) -> None:
    content = bytearray(sound_signed_by(signed_here, tmp_path))
    content[content.rindex(b"mdat") + 1000] ^= 1

    told = (await asked(api, bytes(content)))["credentials"]

    assert (told["state"], told["trusted"], told["failures"]) == ("invalid", False, ["assertion.bmffHash.mismatch"])


async def test_a_plain_file_has_neither(api: httpx2.AsyncClient) -> None:
    told = await asked(api, VOICE.read_bytes())

    assert (told["credentials"]["state"], told["watermark"]) == ("absent", None)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"this is no film" * 9, "media_unreadable"),
        (b"", "media_empty"),
        (VOICE.read_bytes()[:2000], "media_truncated"),
        (bytes(AT_MOST_BYTES + 1), "media_too_large"),
    ],
    ids=["text", "nothing", "cut short", "too large"],
)
async def test_what_cannot_be_read_has_its_code_and_is_not_kept(
    content: bytes, code: str, api: httpx2.AsyncClient, front: Front
) -> None:
    told = await asked(api, content)

    assert told["code"] == code
    assert list(front.ports.media.scratch.iterdir()) == []


async def test_it_needs_a_key(api: httpx2.AsyncClient) -> None:
    answer = await api.post("/verify", files={"file": ("voice.mp4", b"")}, headers={"x-api-key": ""})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
