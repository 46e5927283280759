"""Files at addresses of their own, in every dialect's way."""

import io
import json
import wave
from hashlib import md5, sha256

import pytest
from conftest import BASE, SECRET, Gateway
from httpx2 import Response

from gateway.ids import new_id
from gateway.upload_links import UploadLinks, UploadPass
from services.common.errors import LinkInvalid


@pytest.fixture(scope="module")
def voice() -> bytes:
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(16_000))
    return memory.getvalue()


def test_a_pass_is_good_for_its_purpose_its_time_and_as_it_was_given() -> None:
    now_s = 1000.0
    links = UploadLinks(BASE, SECRET, lambda: now_s)
    granted = UploadPass("account", "upload", 7)
    word = links.word("read", granted, 60)

    assert links.check("read", word) == granted
    for purpose in ("write", "send any"):
        with pytest.raises(LinkInvalid):
            links.check(purpose, word)  # type: ignore[arg-type]
    for changed in (word.replace(".7.", ".8."), word[:-1], "", "ä.b.c.d.e", word.rpartition(".")[0]):
        with pytest.raises(LinkInvalid):
            links.check("read", changed)
    now_s = 1061.0
    with pytest.raises(LinkInvalid, match="expired"):
        links.check("read", word)


async def test_a_ticket_is_kept_and_its_address_read_without_a_key(gateway: Gateway, voice: bytes) -> None:
    ticket = (
        await gateway.http.post("/api/v3/media/uploads", json={"filename": "../a b.wav", "size": len(voice)})
    ).json()["data"]
    async with gateway.anybody() as http:
        sent = await http.put(ticket["upload"]["url"], content=voice)
        again = await http.put(ticket["upload"]["url"], content=voice)
        read = await http.get(ticket["download_url"], headers={"Range": "bytes=0-3"})
        whole = await http.get(ticket["download_url"])

    assert (sent.status_code, again.status_code) == (200, 200)
    assert (read.status_code, read.content, read.headers["content-type"]) == (206, b"RIFF", "audio/x-wav")
    assert (whole.status_code, whole.content) == (200, voice)  # trap 3: no redirect


async def test_an_address_to_read_cannot_be_written_to(gateway: Gateway, voice: bytes) -> None:
    ticket = (await gateway.http.post("/api/v3/media/uploads", json={"filename": "a.wav", "size": len(voice)})).json()[
        "data"
    ]
    word = ticket["download_url"].split("/")[-2]
    async with gateway.anybody() as http:
        written = await http.put(f"/incoming/{word}/a.wav", content=voice)
        before = await http.get(ticket["download_url"])
        too_long = await http.put(ticket["upload"]["url"], content=voice + b"x")

    assert (written.status_code, written.json()["code"]) == (403, "link_invalid")
    assert (before.status_code, too_long.status_code) == (404, 413)


async def test_fals_token_uploads_and_does_nothing_else(gateway: Gateway, voice: bytes) -> None:
    token = (await gateway.http.post("/fal/rest/storage/auth/token?storage_type=fal-cdn-v3", json={})).json()
    bearer = {"Authorization": f"{token['token_type']} {token['token']}"}
    async with gateway.anybody() as http:
        sent = await http.post("/fal/cdn/files/upload", content=voice, headers={**bearer, "X-Fal-File-Name": "a.wav"})
        read = await http.get(sent.json()["access_url"])
        asked = await http.get("/v1alpha/jobs", headers=bearer)
        refused = await http.post("/fal/cdn/files/upload", content=voice)

    assert read.content == voice
    assert (asked.status_code, refused.status_code) == (401, 403)


async def test_parts_become_one_file(gateway: Gateway, voice: bytes) -> None:
    begun = await gateway.http.post("/fal/rest/storage/upload/initiate-multipart", json={"file_name": "a.wav"})
    target = begun.json()["upload_url"]
    async with gateway.anybody() as http:
        parts = [
            (await http.put(f"{target}/{number}", content=piece)).json()
            for number, piece in ((2, voice[9000:]), (1, voice[:9000]))
        ]
        lacking = await http.post(f"{target}/complete", json={"parts": [{"partNumber": 3, "etag": "x"}]})
        done = await http.post(f"{target}/complete", json={"parts": parts})
        read = await http.get(begun.json()["file_url"])

    assert (lacking.status_code, done.status_code, read.content) == (422, 200, voice)


async def test_replicates_files_are_named_by_their_descriptions(gateway: Gateway, voice: bytes) -> None:
    metadata = {"take": 7}
    sent = {"content": ("a.wav", voice, "audio/wav")}
    created = await gateway.http.post("/v1/files", files=sent, data={"metadata": json.dumps(metadata)})
    in_a_file = await gateway.http.post(
        "/v1/files", files={**sent, "metadata": ("blob", json.dumps(metadata), "application/json")}
    )
    wrong = await gateway.http.post("/v1/files", files=sent, data={"metadata": "[7]"})
    file = created.json()

    named = gateway.front.upload_links.named_in(gateway.account, file["urls"]["get"])
    looked = (await gateway.http.get(file["urls"]["get"])).json()
    listed = (await gateway.http.get("/v1/files")).json()["results"]
    removed = await gateway.http.delete(f"/v1/files/{file['id']}")

    assert [told["metadata"] for told in (looked, in_a_file.json())] == [metadata, metadata]
    assert looked["checksums"] == {"sha256": sha256(voice).hexdigest(), "md5": md5(voice).hexdigest()}
    assert (wrong.status_code, wrong.json()["detail"]) == (422, "metadata is not a JSON object.")
    assert (created.status_code, file["size"], file["content_type"]) == (201, len(voice), "audio/wav")
    assert named == UploadPass(gateway.account, file["id"])
    assert file["id"] in [found["id"] for found in listed]
    assert removed.status_code == 204


async def test_a_form_that_is_repeated_with_its_key_keeps_its_files_once(gateway: Gateway, voice: bytes) -> None:
    before = len(await gateway.front.uploads.all(gateway.account))

    async def sent(content: bytes) -> Response:
        files = {"model": (None, "lipsync-2"), "video": ("a.wav", content), "audio": ("b.wav", voice)}
        return await gateway.http.post("/v2/generate", files=files, headers={"Idempotency-Key": "take-2"})

    first, again, other = await sent(voice), await sent(voice), await sent(voice[:-2000] + bytes(2000) + b"x")

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert again.json()["input"] == first.json()["input"]
    assert len(await gateway.front.uploads.all(gateway.account)) == before + 2


async def test_all_parts_together_are_as_large_as_the_pass_allows(gateway: Gateway) -> None:
    granted = UploadPass(gateway.account, new_id(gateway.front.clock()), 100)
    target = gateway.front.upload_links.write(granted, "a.wav")
    async with gateway.anybody() as http:
        sent = [
            (await http.put(f"{target}/{number}", content=bytes([first]) * 60)).status_code
            for number, first in ((1, 0), (1, 0), (1, 1), (2, 0))
        ]
        rest = await http.put(f"{target}/2", content=bytes(40))

    assert (sent, rest.status_code) == ([200, 200, 413, 413], 200)
