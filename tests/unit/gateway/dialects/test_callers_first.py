"""Who asks, and what the caller may send, is known before a body is read."""

from collections.abc import AsyncIterator

import pytest
from conftest import Gateway

from gateway.accounts import Account, Limits
from gateway.body_sizes import FORM_BYTES

FORMS = [
    "/v1alpha/uploads",
    "/v1alpha/verify",
    "/api/v3/media/upload/binary",
    "/v1/files",
    "/v2/assets",
    "/v2/generate",
]
BODIES = ["/v1alpha/jobs", "/fal/queue/fal-ai/latentsync", "/v1/predictions", "/api/v3/predictions/delete"]
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
BLOCK = bytes(1 << 16)


class Sent:
    """A form with a file that goes on for long; it counts what was taken of it."""

    def __init__(self, field: str = "file", blocks: int = 64) -> None:
        self._field, self._blocks, self.taken = field, blocks, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield f'--x\r\nContent-Disposition: form-data; name="{self._field}"; filename="a.mp4"\r\n\r\n'.encode()
        for _ in range(self._blocks):
            self.taken += 1
            yield BLOCK


@pytest.mark.parametrize("path", FORMS + BODIES)
async def test_nothing_is_read_of_what_nobody_with_a_key_sends(gateway: Gateway, path: str) -> None:
    sent = Sent()

    async with gateway.anybody() as anybody:
        answer = await anybody.post(path, content=sent, headers=FORM)

    assert (answer.status_code, sent.taken) == (401, 0)


@pytest.mark.parametrize("path", FORMS + BODIES)
async def test_nothing_is_read_of_what_a_key_may_not_send(gateway: Gateway, path: str) -> None:
    _, token = await gateway.front.keys.create_key(gateway.account, "books", scopes=frozenset({"usage:read"}))
    sent = Sent()

    answer = await gateway.http.post(path, content=sent, headers={**FORM, "Authorization": f"Bearer {token}"})

    assert (answer.status_code, sent.taken) == (403, 0)


@pytest.mark.parametrize(("path", "files"), [("/v1alpha/uploads", 1), ("/v1/files", 1), ("/v2/generate", 2)])
async def test_a_form_is_read_as_far_as_the_account_may_send(gateway: Gateway, path: str, files: int) -> None:
    limits = Limits(max_media_bytes=len(BLOCK))

    def small(account: Account) -> Account:
        return account.model_copy(update={"limits": limits})

    account = await gateway.front.keys.create_account("small", small)
    _, token = await gateway.front.keys.create_key(account.id, "small")
    sent = Sent("content" if path == "/v1/files" else "file")

    answer = await gateway.http.post(path, content=sent, headers={**FORM, "Authorization": f"Bearer {token}"})

    assert (answer.status_code, sent.taken) == (413, FORM_BYTES // len(BLOCK) + files)
    assert "MiB" in answer.text


async def test_a_request_counts_once(gateway: Gateway) -> None:
    limits = Limits(requests_per_minute=2)
    account = await gateway.front.keys.create_account(
        "slow", lambda account: account.model_copy(update={"limits": limits})
    )
    _, token = await gateway.front.keys.create_key(account.id, "slow")
    headers = {"x-api-key": token}

    async with gateway.anybody() as slow:
        answers = [await slow.get("/v1alpha/me", headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
