"""Signs a message in its dialect, with the secret of the account that it is for."""

from datetime import datetime
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.accounts import Account
from gateway.documents import Collection
from gateway.webhooks.messages import Message
from gateway.webhooks.signatures import Headers, fal_headers, standard_headers, sync_headers, wavespeed_headers


class Signer(Protocol):
    async def headers(self, message: Message, now: datetime) -> Headers:
        """Raises ObjectMissing when the account is gone, Unavailable."""
        ...


class AccountSigner:
    """Signer. Secrets are read for each message, so one that was changed counts at once."""

    def __init__(self, accounts: Collection[Account], fal_key: Ed25519PrivateKey) -> None:
        self._accounts, self._fal_key = accounts, fal_key

    async def headers(self, message: Message, now: datetime) -> Headers:
        account = await self._accounts.get(message.account)
        secret, timestamp, body = account.webhook_secret, int(now.timestamp()), message.body.encode()
        match message.dialect:
            case "wavespeed":
                return wavespeed_headers(secret, message.job, timestamp, body)
            case "fal":
                return fal_headers(self._fal_key, message.job, account.id, timestamp, body)
            case "sync":
                return sync_headers(secret, timestamp, body)
            case "replicate" | "native":
                return standard_headers(secret, message.id, timestamp, body)
