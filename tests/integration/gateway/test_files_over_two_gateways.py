"""A file that begins to arrive at one gateway becomes an upload at another, over one S3 store."""

import asyncio
import base64
import hashlib
import io
import socket
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from port_suites.development import development

from gateway.app import make_app
from gateway.front import Front, Ports, open_front
from gateway.memory_documents import MemoryDocuments
from gateway.resumable_uploads import ResumableUploads
from services.common.http_server import http_server
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.onnx_models import OnnxModels
from services.common.s3_client import S3Access
from services.common.s3_media_store import s3_media_store
from services.common.s3_setup import prepare_bucket
from services.local.s3 import S3Server

pytest.importorskip("minio")
PIECE = {"Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0"}
UNREAD_BYTES = 1 << 19
"""What the server may have read of a cut connection without having handed it on."""
BEGIN = "/v1alpha/uploads/resumable"


class WatchedDocuments(MemoryDocuments):
    """Tells when a piece of a file has been noted."""

    def __init__(self) -> None:
        super().__init__()
        self.noted = asyncio.Event()

    async def create(self, name: str, value: bytes) -> int:
        revision = await super().create(name, value)
        if name.startswith("pieces/"):
            self.noted.set()
        return revision


@dataclass(frozen=True)
class Two:
    first: httpx2.AsyncClient
    second: httpx2.AsyncClient
    fronts: tuple[Front, Front]
    documents: WatchedDocuments
    account: str
    key: str

    async def left(self) -> list[str]:
        """What lies in the store besides whole files."""
        return [
            name
            async for account in self.fronts[0].ports.media.children("parts/")
            async for folder in self.fronts[0].ports.media.children(account)
            async for name in self.fronts[0].ports.media.children(folder)
        ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="module")
async def two(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    await prepare_bucket(server.access)
    documents = WatchedDocuments()
    async with AsyncExitStack() as running:
        fronts, clients = [], []
        for number in range(2):
            front, url = await running.enter_async_context(
                serving(documents, server.access, tmp_path_factory.mktemp(f"gateway{number}"))
            )
            fronts.append(front)
            clients.append(await running.enter_async_context(httpx2.AsyncClient(base_url=url, trust_env=False)))
        account = await fronts[0].keys.create_account("tests")
        _, key = await fronts[0].keys.create_key(account.id, "tests")
        for client in clients:
            client.headers["Authorization"] = f"Bearer {key}"
        yield Two(*clients, (fronts[0], fronts[1]), documents, account.id, key)


@asynccontextmanager
async def serving(documents: MemoryDocuments, access: S3Access, scratch: Path) -> AsyncIterator[tuple[Front, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = development(url)
        async with s3_media_store(access, scratch) as media:
            ports = Ports(documents, MemoryBus(), MemoryJobStore(), media, OnnxModels(scratch, 1))
            async with open_front(ports, settings) as front, http_server(make_app(front), listening):
                yield front, url


@pytest.fixture(scope="module")
def voice() -> bytes:
    return recording(1)


def recording(seconds: int) -> bytes:
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * 16_000 * seconds))
    return memory.getvalue()


async def begun(two: Two, length: int) -> str:
    name = base64.b64encode(b"a.wav").decode()
    headers = {"Upload-Length": str(length), "Upload-Metadata": f"filename {name}"}
    answer = await two.first.post(BEGIN, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


async def test_a_file_goes_on_at_another_gateway(two: Two, voice: bytes) -> None:
    there = await begun(two, len(voice))

    await two.first.patch(there, content=voice[:9000], headers={**PIECE, "Upload-Offset": "0"})
    looked = await two.second.head(there)
    behind = await two.second.patch(there, content=voice, headers={**PIECE, "Upload-Offset": "0"})
    last = await two.second.patch(there, content=voice[9000:], headers={**PIECE, "Upload-Offset": "9000"})
    once_more = await two.first.head(there)

    assert (looked.headers["upload-offset"], behind.status_code, last.status_code) == ("9000", 409, 204)
    source = last.headers["lipstage-source"]
    assert (once_more.headers["upload-offset"], once_more.headers["lipstage-source"]) == (str(len(voice)), source)
    kept = (await two.first.get(f"/v1alpha/uploads/{source.removeprefix('upload:')}")).json()
    assert (kept["sha256"], kept["filename"]) == (hashlib.sha256(voice).hexdigest(), "a.wav")
    assert await two.left() == []


async def test_a_connection_that_is_cut_takes_nothing_along(two: Two) -> None:
    voice = recording(200)
    there, most = await begun(two, len(voice)), voice[:6_000_000]
    two.documents.noted.clear()

    address = urlsplit(str(two.first.base_url))
    _, out = await asyncio.open_connection(address.hostname, address.port)
    head = [f"PATCH {there} HTTP/1.1", f"Host: {address.netloc}", f"Authorization: Bearer {two.key}"]
    head += [*(f"{name}: {value}" for name, value in PIECE.items()), f"Content-Length: {len(voice)}"]
    out.write("\r\n".join([*head, "Upload-Offset: 0", "", ""]).encode() + most)
    await out.drain()
    out.close()  # before the announced end
    await asyncio.wait_for(two.documents.noted.wait(), 10)

    arrived = int((await two.second.head(there)).headers["upload-offset"])
    last = await two.second.patch(there, content=voice[arrived:], headers={**PIECE, "Upload-Offset": str(arrived)})

    assert len(most) - UNREAD_BYTES <= arrived <= len(most)
    assert last.status_code == 204, last.text
    assert "lipstage-source" in last.headers


async def test_a_file_whose_last_answer_was_lost_is_made_when_it_is_looked_for(two: Two, voice: bytes) -> None:
    there = await begun(two, len(voice))
    begun_upload = await resumable_of(two).get(two.account, there.rpartition("/")[2])

    async def all_of_it() -> AsyncIterator[bytes]:
        yield voice

    await resumable_of(two).append(begun_upload, 0, all_of_it())  # and the gateway died
    looked = await two.second.head(there)

    assert looked.headers["lipstage-source"] == f"upload:{begun_upload.id}"
    assert await two.left() == []


async def test_what_is_no_media_is_said_and_does_not_stay(two: Two) -> None:
    there = await begun(two, 100)

    answer = await two.first.patch(there, content=bytes(100), headers={**PIECE, "Upload-Offset": "0"})

    assert (answer.status_code, answer.json()["code"]) == (422, "media_unreadable")
    assert (await two.second.head(there)).status_code == 404
    assert await two.left() == []


async def test_an_upload_can_be_given_up_at_any_gateway(two: Two) -> None:
    there = await begun(two, 100)
    await two.first.patch(there, content=bytes(50), headers={**PIECE, "Upload-Offset": "0"})

    gone = await two.second.delete(there)

    assert gone.status_code == 204
    assert (await two.first.head(there)).status_code == 404
    assert await two.left() == []


async def test_fals_parts_may_go_to_any_gateway(two: Two, voice: bytes) -> None:
    opened = await two.first.post("/fal/rest/storage/upload/initiate-multipart", json={"file_name": "a.wav"})
    target = urlsplit(opened.json()["upload_url"]).path

    tags = [
        (await gateway.put(f"{target}/{number}", content=piece)).headers["etag"]
        for gateway, number, piece in ((two.second, 2, voice[9000:]), (two.first, 1, voice[:9000]))
    ]
    parts = [{"partNumber": number, "etag": tag} for number, tag in zip((2, 1), tags, strict=True)]
    mistaken = [{"partNumber": 1, "etag": tags[0]}, {"partNumber": 2, "etag": "../x"}]
    refused = [(await two.first.post(f"{target}/complete", json={"parts": [part]})).status_code for part in mistaken]
    done = await two.second.post(f"{target}/complete", json={"parts": parts})

    read = await two.first.get(urlsplit(opened.json()["file_url"]).path)
    assert (refused, done.status_code, read.content) == ([422, 422], 200, voice)
    assert await two.left() == []


async def test_a_file_deleted_at_one_gateway_is_served_by_no_other(two: Two, voice: bytes) -> None:
    name = "media/" + "a" * 64 + ".wav"
    deleting, serving = (front.ports.media for front in two.fronts)
    await serving.put(name, voice)
    link = two.fronts[1].own_links.link(name, 60)
    before = await two.second.get(link)
    await deleting.delete(name)

    after = await two.second.get(link)

    assert (before.status_code, before.content) == (200, voice)
    assert after.status_code == 404


def resumable_of(two: Two) -> ResumableUploads:
    front = two.fronts[0]
    return ResumableUploads(front.ports.documents, front.ports.media, front.clock)
