"""Lists of jobs over HTTP: narrowed by time, dialect and notes."""

from collections.abc import AsyncIterator
from contextvars import ContextVar
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from port_suites.development import development
from port_suites.submissions import NOON, submission

from gateway.app import make_app
from gateway.documents import Collection, Documents
from gateway.front import Ports, open_front
from gateway.ids import new_id
from gateway.memory_documents import MemoryDocuments
from gateway.submissions import JobRequest, Submission
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.messages import JobError
from services.common.onnx_models import OnnxModels

BASE, HOURS = "http://127.0.0.1:1", 24
FAILED = JobError(code="no_face", message="No face.")


READ: ContextVar[list[str]] = ContextVar("read")
"""Submissions that were read for whoever sets it; the gateway's own sweeps read them too."""


class WatchedDocuments(MemoryDocuments):
    async def get(self, name: str) -> tuple[bytes, int]:
        if name.startswith("submissions/"):
            READ.get([]).append(name)
        return await super().get(name)


class Listing:
    """An account with one job an hour: every other over fal, every third of episode 7."""

    def __init__(self, http: httpx2.AsyncClient, ids: list[str], documents: Documents, account: str) -> None:
        self.http, self.ids, self.documents, self.account = http, ids, documents, account

    async def asked(self, **query: Any) -> dict[str, Any]:
        answer = await self.http.get("/v1alpha/jobs", params=query)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    async def hours(self, **query: Any) -> list[int]:
        """Which jobs, by the hour of their creation."""
        return [self.ids.index(job["id"]) for job in (await self.asked(**query))["jobs"]]


@pytest.fixture(scope="module")
async def listing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Listing]:
    folder = tmp_path_factory.mktemp("gateway")
    documents, media, models = WatchedDocuments(), FolderMediaStore(folder), OnnxModels(Path(folder), 1)
    settings = development(BASE)
    async with open_front(Ports(documents, MemoryBus(), MemoryJobStore(), media, models), settings) as front:
        account = await front.keys.create_account("tests")
        _, key = await front.keys.create_key(account.id, "tests")
        submissions, ids = Collection(documents, "submissions", Submission), []
        for hour in range(HOURS):
            notes = {"episode": "7" if hour % 3 == 0 else "8", "take": str(hour)}
            request = JobRequest(video="upload:one", audio="upload:two", metadata=notes)
            made, dialect = at(hour), "native" if hour % 2 else "fal"
            job = submission(
                new_id(made), account=account.id, created_at=made, request=request, dialect=dialect, error=FAILED
            )
            await submissions.create(f"{account.id}/{job.id}", job)
            ids.append(job.id)
        headers = {"Authorization": f"Bearer {key}"}
        transport = httpx2.ASGITransport(app=make_app(front))
        async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers) as http:
            yield Listing(http, ids, documents, account.id)


def at(hour: float) -> datetime:
    return NOON + timedelta(hours=hour)


async def test_only_jobs_of_the_time_are_listed_and_read(listing: Listing) -> None:
    read: list[str] = []
    READ.set(read)

    found = await listing.hours(created_after=at(3).isoformat(), created_before=at(6).isoformat())

    assert found == [5, 4, 3]
    assert len(read) == 3


async def test_dialects_notes_and_states_narrow_a_list(listing: Listing) -> None:
    morning = {"created_before": at(12).isoformat()}

    assert await listing.hours(dialects="fal", **morning) == [10, 8, 6, 4, 2, 0]
    assert await listing.hours(metadata="episode=7", **morning) == [9, 6, 3, 0]
    assert await listing.hours(metadata=["episode=7", "take=6"], **morning) == [6]
    assert await listing.hours(metadata="episode=7", dialects="fal", states="failed", **morning) == [6, 0]
    assert await listing.hours(states="completed") == []


async def test_a_narrowed_list_has_pages_too(listing: Listing) -> None:
    narrow = {"metadata": "episode=7", "created_after": at(1).isoformat(), "limit": 4}

    first = await listing.asked(**narrow)
    second = await listing.asked(**narrow, cursor=first["next_cursor"])

    assert [listing.ids.index(job["id"]) for page in (first, second) for job in page["jobs"]] == [
        21,
        18,
        15,
        12,
        9,
        6,
        3,
    ]
    assert second["next_cursor"] is None


async def test_what_cannot_be_read_keeps_no_other_job_from_being_listed(listing: Listing) -> None:
    damaged = f"submissions/{listing.account}/{new_id(at(2.5))}"
    await listing.documents.create(damaged, b"{}")

    found = await listing.hours(created_after=at(2).isoformat(), created_before=at(4).isoformat())

    await listing.documents.delete(damaged)
    assert found == [3, 2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"created_after": "2026-11-01T00:00:00"},
        {"created_before": "0.5"},
        {"metadata": "episode"},
        {"dialects": "other"},
    ],
)
async def test_what_no_list_can_be_narrowed_by_is_refused(listing: Listing, wrong: dict[str, str]) -> None:
    answer = await listing.http.get("/v1alpha/jobs", params=wrong)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
