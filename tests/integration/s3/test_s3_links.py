import hashlib
import time

import pytest
import urllib3

from services.common.errors import ObjectDamaged
from services.common.object_names import media
from services.common.s3_client import S3Access
from services.common.s3_links import S3Links
from services.common.s3_media_store import S3MediaStore

OUTPUT = "out/job/0123abcd.mp4"


async def test_a_link_gives_the_object_under_a_name_without_credentials(
    access: S3Access, media_store: S3MediaStore
) -> None:
    await media_store.put(OUTPUT, b"a film")

    answer = urllib3.request("GET", S3Links(access).link(OUTPUT, 60, "Grüße aus Köln.mp4"))

    assert answer.data == b"a film"
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20aus%20K%C3%B6ln.mp4"


async def test_a_link_opens_one_object_for_one_purpose(access: S3Access, media_store: S3MediaStore) -> None:
    await media_store.put(OUTPUT, b"a film")
    await media_store.put("out/job/another.mp4", b"another film")
    link = S3Links(access).link(OUTPUT, 60)

    assert urllib3.request("GET", link.replace("0123abcd", "another")).status == 403
    assert urllib3.request("PUT", link, body=b"not a film").status == 403
    assert urllib3.request("GET", link.split("?")[0]).status == 403


def test_a_link_tells_its_object(access: S3Access) -> None:
    links = S3Links(access)

    assert links.name_in(links.link("out/job/a b.mp4", 60, "film.mp4")) == "out/job/a b.mp4"
    assert links.name_in("https://example.com/out/job/a.mp4") is None


async def test_a_link_expires(access: S3Access, media_store: S3MediaStore) -> None:
    await media_store.put(OUTPUT, b"a film")
    link = S3Links(access).link(OUTPUT, 1)
    ends = time.monotonic() + 10

    while urllib3.request("GET", link).status == 200:
        assert time.monotonic() < ends
        time.sleep(0.1)

    assert urllib3.request("GET", link).status == 403


@pytest.mark.parametrize("announced", [b"a film", b"another film"])
async def test_what_is_sent_by_link_is_checked_against_its_name(
    announced: bytes, access: S3Access, media_store: S3MediaStore
) -> None:
    name = media(hashlib.sha256(announced).hexdigest(), ".mp4")

    sent = urllib3.request("PUT", S3Links(access).upload_link(name, 60), body=b"a film")

    assert sent.status == 200
    if announced == b"a film":
        assert await media_store.get(name) == b"a film"
    else:
        with pytest.raises(ObjectDamaged):
            await media_store.get(name)
