"""What a gateway for one person's own machine keeps in its folder, so that its page's address stays the same."""

import secrets
from pathlib import Path

from gateway.clock import utc_now
from gateway.documents import Documents
from gateway.keys import Keys

_LINK_SECRET_BYTES = 32


def local_link_secret(folder: Path) -> str:
    """Signs its links."""
    path = folder / "link.secret"
    return _kept(path) or _written(path, secrets.token_urlsafe(_LINK_SECRET_BYTES))


async def local_key(documents: Documents, folder: Path, name: str) -> str:
    """The token of whoever runs it; a new account and a key called `name` the first time."""
    path = folder / "key"
    if (token := _kept(path)) is not None:
        return token
    keys = Keys(documents, utc_now)
    account = await keys.create_account("local")
    _, token = await keys.create_key(account.id, name)
    return _written(path, token)


def _kept(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _written(path: Path, text: str) -> str:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return text
