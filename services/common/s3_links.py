"""Links that let a browser fetch or send one object for a while, without credentials."""

from datetime import timedelta
from urllib.parse import quote, unquote

from services.common.s3_client import S3Access, s3_client


class S3Links:
    """Made without asking the server; `access.url` is the address under which the callers reach it."""

    def __init__(self, access: S3Access) -> None:
        self._client, self._bucket = s3_client(access), access.bucket

    def link(self, name: str, valid_s: float, filename: str | None = None) -> str:
        """A GET of the object; with `filename` the browser saves it under that name. `valid_s`: 1 s to 7 days."""
        answers = (
            {"response-content-disposition": f"attachment; filename*=UTF-8''{quote(filename)}"} if filename else {}
        )
        return self._client.get_presigned_url(
            "GET", self._bucket, name, timedelta(seconds=valid_s), extra_query_params=dict(answers)
        )

    def name_in(self, url: str) -> str | None:
        """The object whose address this is, whatever its signature is worth; None for other addresses."""
        address, anything = url.partition("?")[0], "object"
        bucket = self.link(anything, 1).partition("?")[0].removesuffix(anything)
        return unquote(address.removeprefix(bucket)) if address.startswith(bucket) else None

    def upload_link(self, name: str, valid_s: float) -> str:
        """A PUT of the object, at most 5 GB. What is sent replaces what is there.

        Only names from object_names.media can be read afterwards: their content is checked against the name.
        """
        return self._client.get_presigned_url("PUT", self._bucket, name, timedelta(seconds=valid_s))
