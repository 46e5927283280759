"""Fetching a result: whole or not at all, and from where it was broken off."""

import os
from pathlib import Path

from lipstage.client.errors import LipstageError
from lipstage.client.retrying import Patience, wish_s
from lipstage.client.steps import Flow, Next, Open, Reply, Request


def downloaded(url: str, job: str, path: Path, retries: int) -> Flow[Path]:
    """`path`, which appears only when it is complete. Until then `.<name>.<job>.part` beside it holds what has come."""
    part = path.with_name(f".{path.name}.{job}.part")
    patience = Patience(retries)
    while True:
        there = part.stat().st_size if part.exists() else 0
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={there}-"} if there else {})}
        wish = 0.0
        try:
            reply: Reply = yield Open(Request("GET", url, headers=headers), "bytes")
            if reply.status == 416 and reply.headers.get("content-range") == f"bytes */{there}":
                break
            if refused := reply.error():
                wish = wish_s(reply)
                raise refused
            with part.open("ab" if reply.status == 206 else "wb") as file:
                while (piece := (yield Next())) is not None:
                    patience.renew()
                    file.write(piece)
            break
        except LipstageError as error:
            pause = patience.pause_after(error, wish)
        yield pause
    os.replace(part, path)
    return path
