"""Accounts and their API keys: made, checked, replaced and taken back."""

import base64
import hmac
import re
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from gateway.accounts import ALL_SCOPES, Account, ApiKey, Caller, Scope
from gateway.clock import Clock
from gateway.documents import Collection, Documents, Model
from gateway.ids import new_id
from gateway.tokens import Presented, new_secret, presented, sha256, token
from services.common.errors import InvalidParameter, ObjectMissing, Unauthenticated

REMEMBERED = timedelta(seconds=10)
"""How long a good token is not looked up again; another process's change is seen after this at the latest."""
_WEBHOOK_SECRET_BYTES = 32
_ID = re.compile("[0-9a-f]{32}")
_NOBODYS = ApiKey(
    id="", account="", name="", secret_sha256=sha256(new_secret()), created_at=datetime.min
).model_dump_json()
"""What a token is held against whose key is unknown, so that this takes as long as with a wrong secret."""


class Keys:
    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._accounts = Collection(documents, "accounts", Account)
        self._keys = Collection(documents, "keys", ApiKey)
        self._clock = clock
        self._remembered: dict[Presented, tuple[Caller, datetime]] = {}

    async def authenticate(self, token: str) -> Caller:
        """Raises Unauthenticated, in the same words and time for an unknown key as for a wrong secret."""
        remembered, now = self._remembered, self._clock()
        claim = presented(token)
        if claim is None:
            raise _refusal()
        caller, since = remembered.get(claim, (None, now))
        if caller is None or not timedelta(0) <= now - since <= REMEMBERED:
            caller = await self._looked_up(claim, now)
            remembered[claim] = caller, now
        if not _opens(caller.key, claim, now):
            raise _refusal()
        return caller

    async def holder(self, key: str) -> Caller:
        """Whose key it is, without its secret. Raises Unauthenticated once it has ended."""
        found = await self._keys.find(key)
        if found is None or _has_ended(found, self._clock()):
            raise _refusal()
        return Caller(await self._accounts.get(found.account), found)

    async def create_account(self, name: str, edit: Callable[[Account], Account] = lambda account: account) -> Account:
        """`edit` is given the account with the usual settings."""
        now = self._clock()
        webhook_secret = base64.b64encode(secrets.token_bytes(_WEBHOOK_SECRET_BYTES)).decode()
        account = edit(Account(id=new_id(now), name=name, created_at=now, webhook_secret=webhook_secret))
        await self._accounts.create(account.id, account)
        return account

    async def account(self, account: str) -> Account:
        """Raises InvalidParameter when there is none with this id."""
        found = await self._accounts.find(account)
        if found is None:
            raise _no_such("account", account)
        return found

    async def change_account(self, account: str, edit: Callable[[Account], Account]) -> Account:
        """Raises InvalidParameter when there is no such account."""
        return await self._changed(self._accounts, account, edit)

    def accounts(self) -> AsyncIterator[Account]:
        """In the order in which they were created."""
        return self._accounts.all()

    async def create_key(
        self, account: str, name: str, scopes: frozenset[Scope] = ALL_SCOPES, expires_at: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """The key and its token, which is not kept. Raises InvalidParameter when there is no such account."""
        await self.account(account)
        secret, now = new_secret(), self._clock()
        key = ApiKey(
            id=new_id(now),
            account=account,
            name=name,
            secret_sha256=sha256(secret),
            scopes=scopes,
            created_at=now,
            expires_at=expires_at,
        )
        await self._keys.create(key.id, key)
        return key, token(key.id, secret)

    async def rotate(self, key: str, grace: timedelta) -> tuple[ApiKey, str]:
        """The key with a new secret; the one before stays good for `grace`, any older one ends now.

        `key` is its id or its token. Raises InvalidParameter when there is no such key, or it has ended.
        """
        key, secret, now = await self._id_of(key), new_secret(), self._clock()

        def rotated(before: ApiKey) -> ApiKey:
            if _has_ended(before, now):
                raise InvalidParameter(f"Key {key} has expired or was revoked; create another one.", key=key)
            return before.model_copy(
                update={
                    "secret_sha256": sha256(secret),
                    "old_secret_sha256": before.secret_sha256,
                    "old_secret_until": now + grace,
                }
            )

        return await self._changed(self._keys, key, rotated), token(key, secret)

    async def revoke(self, key: str) -> ApiKey:
        """At once in this process. `key` is its id or its token. Raises InvalidParameter when there is no such key."""
        key, now = await self._id_of(key), self._clock()
        return await self._changed(
            self._keys, key, lambda before: before.model_copy(update={"revoked_at": before.revoked_at or now})
        )

    async def list(self, account: str | None = None) -> AsyncIterator[ApiKey]:
        """Keys of one account, or of all, in the order in which they were created."""
        async for key in self._keys.all():
            if account in (None, key.account):
                yield key

    async def _looked_up(self, claim: Presented, now: datetime) -> Caller:
        key = await self._keys.find(claim.key)
        opens = _opens(key or ApiKey.model_validate_json(_NOBODYS), claim, now)
        if key is None or not opens:
            raise _refusal()
        return Caller(await self._accounts.get(key.account), key)

    async def _id_of(self, key: str) -> str:
        claim = presented(key)
        if claim is None:
            return key
        found = await self._keys.find(claim.key)
        if found is None or claim.secret_sha256 not in (found.secret_sha256, found.old_secret_sha256):
            raise InvalidParameter("No key has this token; an earlier token's key is named by its id.")
        return found.id

    async def _changed(self, collection: Collection[Model], name: str, edit: Callable[[Model], Model]) -> Model:
        try:
            changed = await collection.change(name, edit)
        except ObjectMissing:
            raise _no_such("account" if collection is self._accounts else "key", name) from None
        # A new dictionary: who is looking a token up meanwhile remembers what may be outdated in the old one.
        self._remembered = {}
        return changed


def _opens(key: ApiKey, claim: Presented, now: datetime) -> bool:
    newest = hmac.compare_digest(key.secret_sha256, claim.secret_sha256)
    old = hmac.compare_digest(key.old_secret_sha256 or "", claim.secret_sha256)
    in_grace = key.old_secret_until is not None and now < key.old_secret_until
    return (newest or (old and in_grace)) and not _has_ended(key, now)


def _has_ended(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now)


def _refusal() -> Unauthenticated:
    return Unauthenticated("The API key is unknown, has expired or was revoked.")


def _no_such(what: str, name: str) -> InvalidParameter:
    if not _ID.fullmatch(name):  # it may be a token, or a part of one, which no error repeats
        return InvalidParameter(f"There is no such {what}; an id is 32 hexadecimal digits.")
    return InvalidParameter(f"There is no {what} {name}.", **{what: name})
