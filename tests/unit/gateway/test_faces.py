"""Who can be seen in an upload, over HTTP, with somebody on the bus who answers what a test says."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from port_suites.development import development

from gateway.accounts import Limits
from gateway.app import make_app
from gateway.documents import Collection
from gateway.front import Front, Ports, open_front
from gateway.memory_documents import MemoryDocuments
from gateway.probing import AudioFacts, VideoFacts
from gateway.uploads import Upload
from services.common.errors import MediaUnreadable
from services.common.folder_media_store import FolderMediaStore
from services.common.memory_bus import MemoryBus
from services.common.memory_job_store import MemoryJobStore
from services.common.messages import FaceBox, FacesAnswer, FacesQuestion
from services.common.onnx_models import OnnxModels

BASE = "http://127.0.0.1:1"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
VIDEO = VideoFacts(
    kind="video",
    container="mp4",
    codec="h264",
    duration_s=4,
    width=1920,
    height=1080,
    fps=25,
    frames=100,
    has_audio=False,
)
SOUND = AudioFacts(kind="audio", container="wav", codec="pcm", duration_s=4, sample_rate=16_000, channels=1)
ANSWER = FacesAnswer(width=1920, height=1080, at_s=0.48, faces=(FaceBox(x=1 / 3, y=2.0, w=300.0, h=400.125),))
TOLD = {"width": 1920, "height": 1080, "at_s": 0.48, "faces": [{"x": 0.33, "y": 2.0, "w": 300.0, "h": 400.12}]}


@dataclass
class Answerer:
    outcome: FacesAnswer | Exception = ANSWER
    asked: list[FacesQuestion] = field(default_factory=list)

    async def __call__(self, question: FacesQuestion) -> FacesAnswer:
        self.asked.append(question)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@dataclass
class Caller:
    front: Front
    account: str
    token: str

    async def upload(self, facts: VideoFacts | AudioFacts = VIDEO) -> Upload:
        kept = Upload(
            id=f"{self.account}upload",
            sha256="ab" * 32,
            suffix=".mp4",
            bytes=7,
            content_type="video/mp4",
            filename="talk.mp4",
            created_at=NOON,
            expires_at=NOON + timedelta(days=7),
            facts=facts,
        )
        return await Collection(self.front.ports.documents, "uploads", Upload).create_once(
            f"{self.account}/{kept.id}", kept
        )

    async def faces(self, source: str, **query: object) -> httpx2.Response:
        async with self.http() as http:
            return await http.get("/v1alpha/faces", params={"source": source, **query})

    def http(self) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        transport = httpx2.ASGITransport(app=make_app(self.front))
        return httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers)


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
async def front(tmp_path: Path, bus: MemoryBus) -> AsyncIterator[Front]:
    settings = development(BASE)
    media, models = FolderMediaStore(tmp_path), OnnxModels(tmp_path, 1)
    ports = Ports(MemoryDocuments(), bus, MemoryJobStore(), media, models)
    async with open_front(ports, settings, lambda: NOON) as front:
        yield front


@pytest.fixture
async def answerer(bus: MemoryBus) -> AsyncIterator[Answerer]:
    answerer = Answerer()
    async with bus.answering(answerer):
        yield answerer


async def caller_of(front: Front, name: str, **limits: int) -> Caller:
    account = await front.keys.create_account(
        name, lambda account: account.model_copy(update={"limits": Limits(**limits)})
    )
    return Caller(front, account.id, (await front.keys.create_key(account.id, name))[1])


@pytest.fixture
async def caller(front: Front) -> Caller:
    return await caller_of(front, "Acme")


async def test_the_faces_of_an_upload_are_told_in_pixels(caller: Caller, answerer: Answerer) -> None:
    upload = await caller.upload()

    answer = await caller.faces(upload.source, at_s=0.4)

    assert (answer.status_code, answer.json()) == (200, TOLD)
    assert answerer.asked == [FacesQuestion(video=upload.content.object_name, at_s=0.4)]


async def test_an_upload_is_known_by_every_address_it_has_here(caller: Caller, answerer: Answerer) -> None:
    upload, front = await caller.upload(), caller.front
    addresses = [
        front.own_links.link(upload.content.object_name, 60),
        front.upload_links.read(caller.account, upload.id, "talk.mp4"),
        f"{BASE}/v1/files/{upload.id}",
    ]

    assert [(await caller.faces(address)).json() for address in addresses] == [TOLD] * 3
    assert {question.video for question in answerer.asked} == {upload.content.object_name}


async def test_nobody_is_told_of_somebody_elses_upload(caller: Caller, answerer: Answerer) -> None:
    theirs = await (await caller_of(caller.front, "Somebody else")).upload()
    sources = [theirs.source, "upload:nothing", "upload:", f"{BASE}/v1/files/{theirs.id}"]
    sources.append(caller.front.own_links.link(theirs.content.object_name, 60))

    answers = [await caller.faces(source) for source in sources]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "upload_not_found")] * 5
    assert answerer.asked == []


@pytest.mark.parametrize(
    ("source", "refusal"),
    [
        ("https://example.com/talk.mp4", (422, "invalid_parameter")),
        ("data:video/mp4;base64,AAAA", (422, "invalid_parameter")),
        ("media/abab.mp4", (422, "invalid_parameter")),
        ("", (422, "invalid_parameter")),
        (f"{BASE}/files/changed/talk.mp4", (403, "link_invalid")),
        (f"{BASE}/media/media/abab.mp4?expires=9999999999&signature=00", (403, "link_invalid")),
    ],
)
async def test_nothing_but_uploads_is_looked_at(
    caller: Caller, answerer: Answerer, source: str, refusal: tuple[int, str]
) -> None:
    answer = await caller.faces(source)

    assert (answer.status_code, answer.json()["code"]) == refusal
    assert answerer.asked == []


async def test_a_sound_has_no_faces(caller: Caller, answerer: Answerer) -> None:
    answer = await caller.faces((await caller.upload(SOUND)).source)

    assert (answer.status_code, answer.json()["code"]) == (422, "no_video_stream")
    assert answerer.asked == []


async def test_what_the_answerer_met_is_told(caller: Caller, answerer: Answerer) -> None:
    answerer.outcome = MediaUnreadable("No picture can be decoded.")

    answer = await caller.faces((await caller.upload()).source)

    assert (answer.status_code, answer.json()["code"]) == (422, "media_unreadable")
    assert answer.json()["detail"] == "No picture can be decoded."


async def test_where_nobody_looks_the_service_is_unavailable(caller: Caller) -> None:
    answer = await caller.faces((await caller.upload()).source)

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize("at_s", ["-0.1", "nan", "inf", "1e9", "soon"])
async def test_a_time_that_is_none_is_refused(caller: Caller, answerer: Answerer, at_s: str) -> None:
    answer = await caller.faces((await caller.upload()).source, at_s=at_s)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    assert answerer.asked == []


async def test_a_key_is_needed_with_the_scope_to_read(caller: Caller, answerer: Answerer) -> None:
    upload = await caller.upload()
    _, sender = await caller.front.keys.create_key(caller.account, "sender", scopes=frozenset({"jobs:write"}))

    answers = [await Caller(caller.front, caller.account, token).faces(upload.source) for token in ("", "no", sender)]

    assert [answer.status_code for answer in answers] == [401, 401, 403]
    assert answerer.asked == []


async def test_looking_counts_as_a_request(front: Front, answerer: Answerer) -> None:
    caller = await caller_of(front, "Hasty", requests_per_minute=1)
    source = (await caller.upload()).source

    answers = [await caller.faces(source) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert int(answers[1].headers["retry-after"]) > 0
    assert len(answerer.asked) == 1


async def test_the_description_shows_how_to_ask_and_what_is_told(caller: Caller) -> None:
    async with caller.http() as http:
        described = (await http.get("/openapi.json")).json()

    operation = described["paths"]["/v1alpha/faces"]["get"]
    (source,) = [parameter for parameter in operation["parameters"] if parameter["name"] == "source"]
    schema = described["components"]["schemas"]["FacesView"]
    assert source["examples"]["upload"]["value"].startswith("upload:")
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/FacesView")
    assert set(schema["examples"][0]) == set(schema["properties"])
