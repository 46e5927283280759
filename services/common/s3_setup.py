"""Makes the bucket as the media store needs it, as often as one likes, and tries out what its server supports."""

import io
import logging
import uuid
from contextlib import closing

from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.error import S3Error
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, Expiration, LifecycleConfig, Rule

from services.common.object_names import WORK
from services.common.s3_client import S3Access, S3Support, s3_client
from services.common.s3_errors import may_pass
from services.common.s3_requests import PATIENCE_S, S3Requests

log = logging.getLogger(__name__)

SUPPORT = "setup/support.json"
"""Where workers read what the server was found to support."""
WORK_DAYS, UPLOAD_DAYS = 7, 2
_PROBES = "setup/probe/"
_PART_BYTES = 5 << 20
"""What every part but the last must have."""

_OURS = "lipstage-"
_EXPIRE_WORK = Rule(
    ENABLED, rule_filter=Filter(prefix=WORK), rule_id=f"{_OURS}work", expiration=Expiration(days=WORK_DAYS)
)
_EXPIRE_UPLOADS = Rule(
    ENABLED,
    rule_filter=Filter(prefix=""),
    rule_id=f"{_OURS}uploads",
    abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(days_after_initiation=UPLOAD_DAYS),
)


async def prepare_bucket(access: S3Access, patience_s: float = PATIENCE_S) -> S3Support:
    """Creates the bucket and its rules for leftovers, tries the server out and writes down what was found.

    Raises Unavailable and Unauthorized.
    """
    requests = S3Requests(access, patience_s)
    try:
        return await requests.run(lambda _: _prepare(access), SUPPORT)
    finally:
        requests.close()


def read_support(client: Minio, bucket: str) -> S3Support:
    """What `prepare_bucket` found. Blocking; fails with NoSuchKey or ValidationError where it was not run."""
    with closing(client.get_object(bucket, SUPPORT)) as answer:
        return S3Support.model_validate_json(answer.read())


def _prepare(access: S3Access) -> S3Support:
    client = s3_client(access)
    _make_bucket(client, access.bucket)
    work_expires, uploads_expire = _set_rules(client, access.bucket)
    support = S3Support(
        put_once=_keeps_first(access, 1),
        put_parts_once=_keeps_first(access, _PART_BYTES + 1),
        work_expires=work_expires,
        uploads_expire=uploads_expire,
    )
    found = support.model_dump_json().encode()
    client.put_object(access.bucket, SUPPORT, io.BytesIO(found), len(found), content_type="application/json")
    for what, supported in support:
        if not supported:
            log.warning("the media store at %s does without: %s", access.url, what)
    return support


def _make_bucket(client: Minio, bucket: str) -> None:
    if client.bucket_exists(bucket):
        return
    try:
        client.make_bucket(bucket)
    except S3Error as error:
        if error.code != "BucketAlreadyOwnedByYou":  # made at the same moment by another process
            raise


def _set_rules(client: Minio, bucket: str) -> tuple[bool, bool]:
    """Whether work expires and whether unfinished uploads do. Rules that are not ours stay."""
    present = client.get_bucket_lifecycle(bucket)
    others = [rule for rule in (present.rules if present else ()) if not (rule.rule_id or "").startswith(_OURS)]
    for ours in ([_EXPIRE_WORK, _EXPIRE_UPLOADS], [_EXPIRE_WORK]):  # some servers take only rules that remove objects
        try:
            client.set_bucket_lifecycle(bucket, LifecycleConfig(others + ours))
        except S3Error as error:
            if may_pass(error) or error.response.status == 403:
                raise
            continue
        kept = client.get_bucket_lifecycle(bucket)
        if kept and _EXPIRE_WORK in kept.rules:
            return True, _EXPIRE_UPLOADS in kept.rules
    # A server that forgets a rule's prefix would let everything expire.
    if others:
        client.set_bucket_lifecycle(bucket, LifecycleConfig(others))
    else:
        client.delete_bucket_lifecycle(bucket)
    return False, False


def _keeps_first(access: S3Access, size: int) -> bool:
    """Whether, of two uploads of `size` bytes that must not replace anything, the first one stays."""
    name = f"{_PROBES}{uuid.uuid4().hex}"
    client = s3_client(access)
    try:
        for content in (b"1" * size, b"2" * size):
            _put_once(access, name, content)
        with closing(client.get_object(access.bucket, name, length=1)) as answer:
            return answer.read() == b"1"
    except S3Error as error:
        if error.code != "NoSuchKey":
            raise
        return False
    finally:
        client.remove_object(access.bucket, name)


def _put_once(access: S3Access, name: str, content: bytes) -> None:
    """Does nothing when the server refuses, be it this object or conditions as such."""
    client = s3_client(access, S3Support(put_once=True, put_parts_once=True))
    try:
        client.put_object(
            access.bucket,
            name,
            io.BytesIO(content),
            len(content),
            part_size=_PART_BYTES,
            num_parallel_uploads=1,
        )
    except S3Error as error:
        # The client gives a refused upload up; that it is gone by then says nothing.
        if may_pass(error) and error.code != "NoSuchUpload":
            raise
