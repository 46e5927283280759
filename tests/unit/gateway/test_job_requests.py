"""What a request for jobs may hold over HTTP: numbers, lengths, lines."""

import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from port_suites.development import development
from pydantic import ValidationError

from gateway.app import make_app
from gateway.front import Ports, open_front
from gateway.memory_documents import MemoryDocuments
from gateway.rest.jobs import MAX_BATCH
from gateway.submissions import MAX_ADDRESS, JobRequest
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.onnx_models import OnnxModels

BASE = "http://127.0.0.1:1"
MIB = 1 << 20


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    settings = development(BASE)
    ports = Ports(MemoryDocuments(), MemoryBus(), MemoryJobStore(), FolderMediaStore(tmp_path), OnnxModels(tmp_path, 1))
    async with open_front(ports, settings) as front:
        account = await front.keys.create_account("tests")
        _, key = await front.keys.create_key(account.id, "tests")
        headers = {"Authorization": f"Bearer {key}"}
        transport = httpx2.ASGITransport(app=make_app(front))
        async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers) as http:
            yield http


@pytest.mark.parametrize("end_s", ["1e999", "NaN"])
async def test_a_number_that_no_answer_could_hold_is_refused(http: httpx2.AsyncClient, end_s: str) -> None:
    body = '{"video": "upload:one", "audio": "upload:two", "parameters": {"segments": [{"start_s": 0, "end_s": %s}]}}'

    answer = await http.post("/v1alpha/jobs", content=body % end_s, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")


def test_only_a_data_uri_may_be_long() -> None:
    for source in (f"https://example.com/{'a' * (MAX_ADDRESS - 20)}", f"data:,{'a' * MAX_ADDRESS}"):
        assert JobRequest(video=source, audio="upload:two").video == source
    with pytest.raises(ValidationError, match=f"at most {MAX_ADDRESS} characters"):
        JobRequest(video=f"https://example.com/{'a' * MAX_ADDRESS}", audio="upload:two")


async def test_a_batch_of_too_many_lines_is_refused_before_they_are_taken_apart(http: httpx2.AsyncClient) -> None:
    body = b"\n" * (16 * MIB)
    tracemalloc.start()
    answer = await http.post("/v1alpha/batches", content=body)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    assert peak_bytes < 5 * len(body)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"\n" * MAX_BATCH, 200),
        (b"\n" * MAX_BATCH + b"{}", 422),
        (b"\r\n" * MAX_BATCH, 200),
        (b"\n" * (MAX_BATCH + 1), 422),
    ],
    ids=["none", "all", "one more", "all in Windows' way", "one more that ends"],
)
async def test_a_batch_has_from_one_line_to_five_hundred(http: httpx2.AsyncClient, body: bytes, status: int) -> None:
    assert (await http.post("/v1alpha/batches", content=body)).status_code == status


async def test_made_up_signatures_are_no_trouble_of_ours(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/media/media/ab.mp4", params={"expires": "9999999999", "signature": "\u00e9"})

    assert (answer.status_code, answer.json()["code"]) == (403, "link_invalid")
