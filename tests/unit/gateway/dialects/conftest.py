"""The gateway's application in this process, with jobs that end when a test says so."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import httpx2
import pytest
from fake_jobs import FakeJobs
from fastapi import FastAPI
from port_suites.hand_clock import HandClock

from gateway.app import make_app
from gateway.billing.plans import load_plans
from gateway.consents import Consents
from gateway.front import Front, Ports
from gateway.jobs import Jobs
from gateway.keys import Keys
from gateway.limits import Rates
from gateway.links import OwnLinks
from gateway.memory_documents import MemoryDocuments
from gateway.probe_limits import ProbeLimits
from gateway.probing import Prober
from gateway.results import Results
from gateway.settings import GatewaySettings
from gateway.sources import Sources
from gateway.upload_links import UploadLinks
from gateway.uploads import Uploads
from gateway.verifier import Verifier
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore

BASE = "https://lipstage.test"
SECRET = b"a secret of tests"


@dataclass(frozen=True)
class Gateway:
    app: FastAPI
    http: httpx2.AsyncClient
    """With a key."""
    jobs: FakeJobs
    front: Front
    account: str
    token: str

    def anybody(self) -> httpx2.AsyncClient:
        """With no key."""
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url=BASE)


@pytest.fixture
def gateway(module_gateway: Gateway) -> Gateway:
    module_gateway.jobs.begin_anew()
    return module_gateway


@pytest.fixture(scope="module")
async def module_gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    settings = GatewaySettings(
        environment="development",
        public_url=cast(Any, BASE),
        link_secret=cast(Any, SECRET.decode()),
        route_owner="tests",
        support="tests",
        variants=("1", "16"),
        dialect_hosts={"queue.fal.example": "/fal/queue"},
    )
    documents, media, clock = MemoryDocuments(), FolderMediaStore(tmp_path_factory.mktemp("media")), HandClock()
    own_links, upload_links, keys = OwnLinks(BASE, SECRET), UploadLinks(BASE, SECRET), Keys(documents, clock)
    uploads = Uploads(documents, media, Prober(ProbeLimits()), clock)
    jobs, results = FakeJobs(own_links), Results(documents, MemoryJobStore(), own_links)
    front = Front(
        settings,
        Ports(documents, MemoryBus(), MemoryJobStore(), media, cast(Any, None)),
        clock,
        keys,
        Rates(),
        Consents(documents, clock),
        uploads,
        Sources(uploads, results, media, own_links, upload_links, settings.url_policy, clock),
        cast(Jobs, jobs),
        own_links,
        upload_links,
        load_plans(),
        Verifier(lambda: None),
    )
    account = await keys.create_account("tests")
    _, token = await keys.create_key(account.id, "tests")
    app = make_app(front)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE, headers=headers) as http:
        yield Gateway(app, http, jobs, front, account.id, token)
