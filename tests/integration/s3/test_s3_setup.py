import asyncio
import dataclasses

import pytest
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule
from troubled_path import refusal, troubled_path

from services.common.s3_client import S3Access, S3Support, s3_client
from services.common.s3_setup import prepare_bucket
from services.local.s3 import S3Server

EVERYTHING = S3Support(put_once=True, put_parts_once=True, work_expires=True, uploads_expire=True)


@pytest.fixture
def fresh(server: S3Server, request: pytest.FixtureRequest) -> S3Access:
    """A bucket that does not exist yet."""
    return dataclasses.replace(server.access, bucket=request.node.name.replace("_", "-")[:63].rstrip("-"))


async def test_leftovers_expire_and_unfinished_uploads_end(fresh: S3Access) -> None:
    assert await prepare_bucket(fresh) == EVERYTHING

    rules = rules_of(s3_client(fresh), fresh.bucket)
    work, uploads = rules["lipstage-work"], rules["lipstage-uploads"]
    assert work.expiration is not None
    assert uploads.abort_incomplete_multipart_upload is not None
    assert work.rule_filter == Filter(prefix="work/")
    assert work.expiration.days == 7
    assert uploads.abort_incomplete_multipart_upload.days_after_initiation == 2


async def test_setting_up_again_changes_nothing(fresh: S3Access) -> None:
    await prepare_bucket(fresh)
    before = rules_of(s3_client(fresh), fresh.bucket)

    await asyncio.gather(prepare_bucket(fresh), prepare_bucket(fresh))

    assert rules_of(s3_client(fresh), fresh.bucket) == before
    found = s3_client(fresh).list_objects(fresh.bucket, recursive=True)
    assert [item.object_name for item in found] == ["setup/support.json"]


async def test_rules_of_others_stay(fresh: S3Access) -> None:
    client = s3_client(fresh)
    client.make_bucket(fresh.bucket)
    theirs = Rule(ENABLED, rule_filter=Filter(prefix="out/"), rule_id="theirs", expiration=Expiration(days=30))
    client.set_bucket_lifecycle(fresh.bucket, LifecycleConfig([theirs]))

    await prepare_bucket(fresh)

    assert rules_of(client, fresh.bucket)["theirs"] == theirs


async def test_a_server_that_is_late_is_waited_for(fresh: S3Access) -> None:
    async with troubled_path(fresh, [refusal(503, "ServiceUnavailable")] * 3) as by:
        assert await prepare_bucket(by) == EVERYTHING


def rules_of(client: Minio, bucket: str) -> dict[str, Rule]:
    kept = client.get_bucket_lifecycle(bucket)
    assert kept is not None
    return {rule.rule_id or "": rule for rule in kept.rules}
