"""Who a token speaks for, and for how long."""

import asyncio
import base64
import re
from datetime import timedelta

import pytest
from port_suites.hand_clock import HandClock

from gateway.accounts import Account, ApiKey, Limits
from gateway.documents import Collection
from gateway.keys import REMEMBERED, Keys
from gateway.memory_documents import MemoryDocuments
from services.common.errors import InvalidParameter, Unauthenticated

HOUR = timedelta(hours=1)


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def keys(documents: MemoryDocuments, clock: HandClock) -> Keys:
    return Keys(documents, clock)


@pytest.fixture
async def account(keys: Keys) -> Account:
    return await keys.create_account("Acme")


async def test_a_token_speaks_for_its_key_and_account(keys: Keys, account: Account) -> None:
    key, token = await keys.create_key(account.id, "laptop")

    caller = await keys.authenticate(token)

    assert (caller.account, caller.key) == (account, key)


async def test_a_token_in_two_parts_is_the_same(keys: Keys, account: Account) -> None:
    key, token = await keys.create_key(account.id, "laptop")
    _, key_id, secret = token.split("_")

    assert (await keys.authenticate(f"{key_id}:{secret}")).key == key


async def test_secrets_are_long_url_safe_and_never_stored(
    keys: Keys, account: Account, documents: MemoryDocuments
) -> None:
    tokens = [(await keys.create_key(account.id, "laptop"))[1] for _ in range(50)]

    secrets = {token.split("_")[2] for token in tokens}
    assert len(secrets) == 50
    assert all(re.fullmatch("[a-z2-7]{40}", secret) for secret in secrets)  # 5 bits each
    stored = b"".join([(await documents.get(name))[0] for name in await documents.names("keys/")]).decode()
    assert not any(secret in stored for secret in secrets)


async def test_an_unknown_key_and_a_wrong_secret_get_the_same_answer(keys: Keys, account: Account) -> None:
    key, token = await keys.create_key(account.id, "laptop")
    other = "0" * 32
    secret = token.split("_")[2]
    wrong = "a" * 40
    refused = [f"ls_{key.id}_{wrong}", f"ls_{other}_{secret}", f"{other}:{secret}", f"{key.id}:{wrong}"]
    malformed = ["", "ls_", token + "x", token.upper(), f"{key.id}_{secret}", f"ls_{key.id}:{secret}", "ls_*_*", "\0"]

    answers = set()
    for attempt in [*refused, *malformed]:
        with pytest.raises(Unauthenticated) as error:
            await keys.authenticate(attempt)
        answers.add((str(error.value), str(error.value.fields)))

    assert len(answers) == 1


async def test_a_key_ends_when_it_expires(keys: Keys, account: Account, clock: HandClock) -> None:
    _, token = await keys.create_key(account.id, "trial", expires_at=clock() + HOUR)
    clock.advance(3599)
    await keys.authenticate(token)
    clock.advance(1)

    with pytest.raises(Unauthenticated):
        await keys.authenticate(token)


async def test_a_revoked_key_ends_at_once(keys: Keys, account: Account, clock: HandClock) -> None:
    key, token = await keys.create_key(account.id, "laptop")
    _, other = await keys.create_key(account.id, "server")
    await keys.authenticate(token)
    revoked = await keys.revoke(key.id)
    clock.advance(3600)

    with pytest.raises(Unauthenticated):
        await keys.authenticate(token)
    await keys.authenticate(other)
    assert await keys.revoke(key.id) == revoked


async def test_a_key_revoked_while_it_is_looked_up_is_not_remembered(
    keys: Keys, account: Account, documents: MemoryDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, token = await keys.create_key(account.id, "laptop")
    looked_up, go_on = asyncio.Event(), asyncio.Event()
    get = documents.get

    async def slow_get(name: str) -> tuple[bytes, int]:
        found = await get(name)
        looked_up.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(documents, "get", slow_get)
    asking = asyncio.ensure_future(keys.authenticate(token))
    await looked_up.wait()
    monkeypatch.setattr(documents, "get", get)
    await keys.revoke(key.id)
    go_on.set()
    await asking

    with pytest.raises(Unauthenticated):
        await keys.authenticate(token)


async def test_what_another_process_revokes_ends_soon(
    keys: Keys, account: Account, documents: MemoryDocuments, clock: HandClock
) -> None:
    key, token = await keys.create_key(account.id, "laptop")
    await keys.authenticate(token)
    await Keys(documents, clock).revoke(key.id)
    clock.advance(REMEMBERED.total_seconds() + 0.001)

    with pytest.raises(Unauthenticated):
        await keys.authenticate(token)


async def test_a_known_token_is_not_looked_up_each_time(
    keys: Keys, account: Account, documents: MemoryDocuments
) -> None:
    key, token = await keys.create_key(account.id, "laptop")
    await keys.authenticate(token)
    await documents.delete(f"keys/{key.id}")

    assert (await keys.authenticate(token)).key == key


async def test_after_rotation_both_secrets_are_good_for_the_grace_period(
    keys: Keys, account: Account, clock: HandClock
) -> None:
    key, old = await keys.create_key(account.id, "laptop")
    rotated, new = await keys.rotate(key.id, grace=HOUR)
    clock.advance(3599)
    assert [(await keys.authenticate(token)).key for token in (old, new)] == [rotated, rotated]
    clock.advance(1)

    with pytest.raises(Unauthenticated):
        await keys.authenticate(old)
    assert (await keys.authenticate(new)).key.id == key.id


async def test_rotation_without_grace_ends_the_old_secret_at_once(keys: Keys, account: Account) -> None:
    key, old = await keys.create_key(account.id, "laptop")
    await keys.authenticate(old)
    await keys.rotate(key.id, grace=timedelta(0))

    with pytest.raises(Unauthenticated):
        await keys.authenticate(old)


async def test_a_second_rotation_ends_the_oldest_secret(keys: Keys, account: Account) -> None:
    key, oldest = await keys.create_key(account.id, "laptop")
    _, old = await keys.rotate(key.id, grace=HOUR)
    _, new = await keys.rotate(key.id, grace=HOUR)

    with pytest.raises(Unauthenticated):
        await keys.authenticate(oldest)
    assert {(await keys.authenticate(token)).key.id for token in (old, new)} == {key.id}


async def test_revocation_ends_the_old_secret_too(keys: Keys, account: Account) -> None:
    key, old = await keys.create_key(account.id, "laptop")
    await keys.rotate(key.id, grace=HOUR)
    await keys.revoke(key.id)

    with pytest.raises(Unauthenticated):
        await keys.authenticate(old)


async def test_an_ended_key_is_not_rotated(keys: Keys, account: Account) -> None:
    key, _ = await keys.create_key(account.id, "laptop")
    await keys.revoke(key.id)

    with pytest.raises(InvalidParameter, match="revoked"):
        await keys.rotate(key.id, grace=HOUR)


@pytest.mark.parametrize("unknown", ["0" * 32, "*", ""])
async def test_what_does_not_exist_is_named(keys: Keys, unknown: str) -> None:
    for attempt in (
        keys.create_key(unknown, "laptop"),
        keys.change_account(unknown, lambda account: account),
        keys.rotate(unknown, grace=HOUR),
        keys.revoke(unknown),
    ):
        with pytest.raises(InvalidParameter, match="There is no"):
            await attempt


async def test_keys_are_listed_by_account(keys: Keys, account: Account, clock: HandClock) -> None:
    clock.advance(3600)
    other = await keys.create_account("Other")
    mine, _ = await keys.create_key(account.id, "mine")
    clock.advance(3600)
    theirs, _ = await keys.create_key(other.id, "theirs")

    assert [key async for key in keys.list(account.id)] == [mine]
    assert [key async for key in keys.list()] == [mine, theirs]
    assert [listed async for listed in keys.accounts()] == [account, other]


async def test_a_change_of_the_account_is_seen_at_once(keys: Keys, account: Account) -> None:
    _, token = await keys.create_key(account.id, "laptop")
    await keys.authenticate(token)

    changed = await keys.change_account(account.id, lambda a: a.model_copy(update={"limits": Limits(running_jobs=9)}))

    assert (await keys.authenticate(token)).account == changed
    assert changed.limits.running_jobs == 9


async def test_every_account_has_a_webhook_secret_of_its_own(keys: Keys, account: Account) -> None:
    other = await keys.create_account("Other")

    assert len(base64.b64decode(account.webhook_secret, validate=True)) == 32
    assert account.webhook_secret != other.webhook_secret


async def test_hashes_and_secrets_are_not_shown(keys: Keys, account: Account, documents: MemoryDocuments) -> None:
    key, _ = await keys.create_key(account.id, "laptop")
    key, _ = await keys.rotate(key.id, grace=HOUR)

    assert key.secret_sha256 not in repr(key)
    assert str(key.old_secret_sha256) not in repr(key)
    assert account.webhook_secret not in repr(account)
    assert await Collection(documents, "keys", ApiKey).get(key.id) == key
