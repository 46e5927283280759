import asyncio
import dataclasses
import time
from pathlib import Path

import pytest
from port_suites.media_store import INPUT, NAME
from troubled_path import DROPPED, NONE, SILENCE, Begun, Trouble, answer, refusal, troubled_path

from services.common import s3_client
from services.common.errors import DiskFull, LipstageError, Unauthorized, Unavailable
from services.common.s3_client import S3Access
from services.common.s3_media_store import S3MediaStore, s3_media_store
from services.common.s3_setup import prepare_bucket
from services.local.s3 import START_S, S3Server

PATIENCE_S = 1.0
AFTER_START: list[Trouble] = [NONE]
"""A store's first connection learns what the server supports; the first write makes the next one."""


@pytest.mark.parametrize(
    "troubles",
    [
        [DROPPED],
        [DROPPED, DROPPED, refusal(503, "SlowDown")],
        [refusal(500, "InternalError"), answer(502, b"<html>Bad gateway</html>", "text/html")],
        [refusal(409, "ConditionalRequestConflict")],
        [answer(200, b"half of it", "text/plain")[:-5]],
    ],
    ids=["dropped", "overloaded", "failing", "at the same moment", "cut off"],
)
async def test_trouble_that_passes_is_not_noticed(
    troubles: list[Trouble], access: S3Access, media_store: S3MediaStore, tmp_path: Path
) -> None:
    async with troubled_path(access, [*AFTER_START, *troubles]) as by, s3_media_store(by, tmp_path) as store:
        await store.put(NAME, b"faces")
    async with (
        troubled_path(access, troubles) as by,
        s3_media_store(by, tmp_path) as store,
        store.local(NAME) as path,
    ):
        assert path.read_bytes() == b"faces"


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (DROPPED, "cannot be reached"),
        (refusal(503, "SlowDown"), "is in trouble \\(SlowDown\\)"),
        (answer(404, b"nothing here", "text/plain"), "not S3"),
    ],
    ids=["dropped", "overloaded", "not S3"],
)
async def test_trouble_that_stays_is_told_in_time(
    trouble: Trouble, told: str, access: S3Access, tmp_path: Path
) -> None:
    async with (
        troubled_path(access, [trouble] * 100) as by,
        s3_media_store(by, tmp_path, patience_s=PATIENCE_S) as store,
    ):
        started = time.monotonic()
        with pytest.raises(Unavailable, match=told):
            await store.get(NAME)

        assert time.monotonic() - started < 3 * PATIENCE_S


async def test_a_server_that_never_answers_is_given_up(
    access: S3Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_client, "ANSWER_S", 0.2)
    async with (
        troubled_path(access, [SILENCE] * 100) as by,
        s3_media_store(by, tmp_path, patience_s=PATIENCE_S) as store,
    ):
        with pytest.raises(Unavailable, match="does not answer"):
            await store.exists(NAME)


async def test_what_is_fetched_from_a_silent_server_is_given_up_at_once_when_canceled(
    access: S3Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_client, "ANSWER_S", 0.5)
    begun = Begun(answer(200, bytes(5_000_000), "video/mp4")[:2_000_000])

    async with troubled_path(access, [begun] * 100) as by, s3_media_store(by, tmp_path) as store:

        async def read() -> None:
            async with store.local(INPUT):
                pass

        reading = asyncio.ensure_future(read())
        while not list(store.scratch.iterdir()):
            assert not reading.done()
            await asyncio.sleep(0.005)
        reading.cancel()
        await asyncio.wait([reading])

        assert not list(store.scratch.iterdir())


@pytest.mark.parametrize(
    "refused",
    [
        refusal(507, "InsufficientStorage"),
        refusal(400, "XMinioAdminBucketQuotaExceeded"),
        refusal(500, "InternalError", "cause(write: no space left on device)"),
    ],
    ids=["disk", "quota", "disk, while writing"],
)
async def test_a_full_server_is_told_at_once(
    refused: bytes, access: S3Access, media_store: S3MediaStore, tmp_path: Path
) -> None:
    async with troubled_path(access, [*AFTER_START, refused]) as by, s3_media_store(by, tmp_path) as store:
        with pytest.raises(DiskFull, match="no space left in the media store"):
            await store.put(NAME, b"faces")


async def test_a_wrong_key_is_told_at_once(access: S3Access, tmp_path: Path) -> None:
    wrong = dataclasses.replace(access, secret_key="wrong")
    async with s3_media_store(wrong, tmp_path) as store:
        for refused in (store.check(), store.put(NAME, b"x"), store.get(NAME), store.exists(NAME), store.delete(NAME)):
            with pytest.raises(Unauthorized, match="refused"):
                await refused

    with pytest.raises(Unauthorized):
        await prepare_bucket(wrong)


async def test_a_missing_bucket_says_what_to_do(access: S3Access, tmp_path: Path) -> None:
    elsewhere = dataclasses.replace(access, bucket="elsewhere")
    async with s3_media_store(elsewhere, tmp_path, patience_s=PATIENCE_S) as store:
        for unable in (store.check(), store.put(NAME, b"x"), store.get(NAME)):
            with pytest.raises(Unavailable, match=r"no bucket elsewhere .* run python -m services\.bootstrap first"):
                await unable


async def test_a_bucket_that_was_not_set_up_says_what_to_do(access: S3Access, tmp_path: Path) -> None:
    made = dataclasses.replace(access, bucket="only-made")
    s3_client.s3_client(made).make_bucket(made.bucket)
    async with s3_media_store(made, tmp_path) as store:
        with pytest.raises(Unavailable, match=r"not been set up; run python -m services\.bootstrap first"):
            await store.check()


async def test_a_request_that_makes_no_sense_is_not_waited_out(access: S3Access, tmp_path: Path) -> None:
    async with troubled_path(access, [refusal(400, "InvalidArgument")]) as by, s3_media_store(by, tmp_path) as store:
        with pytest.raises(LipstageError, match="InvalidArgument") as refused:
            await store.get(NAME)

    assert not isinstance(refused.value, Unavailable)


async def test_no_acknowledged_object_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    acknowledged: dict[str, bytes] = {}
    with S3Server(tmp_path / "server") as server:
        await prepare_bucket(server.access)
        async with s3_media_store(server.access, tmp_path / "scratch", patience_s=START_S) as store:

            async def write(writer: int) -> None:
                for index in range(40):
                    name, content = f"work/job/{writer}/{index}", f"{writer} {index} ".encode() * 3000
                    await store.put(name, content)
                    acknowledged[name] = content

            async def kill() -> None:
                for enough in (40, 100):
                    while len(acknowledged) < enough:
                        await asyncio.sleep(0.001)
                    server.kill()
                    await asyncio.to_thread(server.start)

            await asyncio.gather(kill(), *(write(writer) for writer in range(4)))

            assert len(acknowledged) == 4 * 40
            for name, content in acknowledged.items():
                assert await store.get(name) == content
