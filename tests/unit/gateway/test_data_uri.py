"""Media inside a request."""

import base64
import hashlib
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from gateway.data_uri import save_data_uri
from gateway.incoming_file import Fetched
from services.common.errors import InvalidParameter, MediaTooLarge

BODY = os.urandom(1_000_001)
BASE64 = base64.b64encode(BODY).decode()
LIMIT = 2 << 20


@pytest.mark.parametrize(
    "uri",
    [
        f"data:video/mp4;base64,{BASE64}",
        f"DATA:Video/MP4;BASE64,{BASE64}",
        f"data:video/mp4;name=a.mp4;base64,{BASE64}",
        f"data:video/mp4;base64,{BASE64.rstrip('=')}",
        f"data:video/mp4;base64,{base64.urlsafe_b64encode(BODY).decode()}",
        f"data:video/mp4;base64,{quote(BASE64, safe='')}",
        "data:video/mp4;base64," + "\r\n".join(BASE64[at : at + 76] for at in range(0, len(BASE64), 76)),
        f"data:video/mp4,{quote(BODY)}",
    ],
)
def test_every_way_to_write_it_gives_the_same_file(tmp_path: Path, uri: str) -> None:
    got = save_data_uri(uri, tmp_path / "got", LIMIT)

    assert got == Fetched(hashlib.sha256(BODY).hexdigest(), len(BODY), "video/mp4", "data:", None)
    assert (tmp_path / "got").read_bytes() == BODY


@pytest.mark.parametrize(("uri", "body"), [("data:,", b""), ("data:;base64,", b""), ("data:,a%20b%", b"a b%")])
def test_a_type_is_not_needed(tmp_path: Path, uri: str, body: bytes) -> None:
    assert save_data_uri(uri, tmp_path / "got", LIMIT).content_type is None
    assert (tmp_path / "got").read_bytes() == body


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "data:",
        "data:video/mp4;base64",
        "http://example.com/,",
        "data:video;base64,AAAA",
        "data:video/mp4;base64,A",
        "data:video/mp4;base64,AA=A",
        "data:video/mp4;base64,AA==AA==",
        "data:video/mp4;base64,AA==AAAAAAAAAAAA",
        "data:video/mp4;base64,AA*=",
        "data:video/mp4;base64,ÄÄÄÄ",
        f"data:video/mp4{';a=b' * 1000};base64,AAAA",
    ],
)
def test_what_is_malformed_is_said_to_be_and_leaves_nothing(tmp_path: Path, uri: str) -> None:
    with pytest.raises(InvalidParameter, match="data URI"):
        save_data_uri(uri, tmp_path / "got", LIMIT)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", [f"data:video/mp4;base64,{BASE64}", f"data:video/mp4,{quote(BODY)}"])
def test_too_much_is_refused_and_leaves_nothing(tmp_path: Path, uri: str) -> None:
    with pytest.raises(MediaTooLarge):
        save_data_uri(uri, tmp_path / "got", len(BODY) - 1)

    assert list(tmp_path.iterdir()) == []
