"""Accounts and callers as tests need them."""

from datetime import UTC, datetime

from gateway.accounts import Account, ApiKey, Caller

_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def account(account_id: str = "acme", **fields: object) -> Account:
    """With the usual settings, but for `fields`."""
    usual = {"id": account_id, "name": account_id, "created_at": _LONG_AGO, "webhook_secret": "c2VjcmV0"}
    return Account.model_validate(usual | fields)


def caller(of: Account | None = None, **fields: object) -> Caller:
    """With a key that may do what keys usually may, but for `fields`."""
    of = of or account()
    usual = {"id": "key", "account": of.id, "name": "key", "secret_sha256": "", "created_at": _LONG_AGO}
    return Caller(of, ApiKey.model_validate(usual | fields))
