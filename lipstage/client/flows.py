"""Everything that can be done with a gateway, as flows."""

import json
import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from lipstage.client.answers import Estimate, Faces, Job, JobPage, Progress, State, Upload, Usage
from lipstage.client.asked import Asked, Which, body_of, query_of
from lipstage.client.downloading import downloaded
from lipstage.client.errors import InvalidRequest, JobCanceled, JobFailed, LipstageError, Unreachable
from lipstage.client.media import File, Media, address_or_file
from lipstage.client.retrying import Patience, answered, wish_s
from lipstage.client.steps import Flow, Next, Open, Reply, Request, Tell

M = TypeVar("M", bound=BaseModel)
JobOrId = Job | str
_UPDATES: dict[str, type[Job] | type[Progress]] = {"job": Job, "progress": Progress}


class Flows:
    def __init__(self, retries: int) -> None:
        self._retries = retries

    def dub(self, video: Media, audio: Media, idempotency_key: str | None, asked: Asked) -> Flow[Job]:
        """Tells what `watch` tells. Raises JobFailed or JobCanceled."""
        job = yield from self.create(video, audio, idempotency_key, asked)
        ended = yield from self.watch(job)
        if ended.state == "canceled":
            raise JobCanceled("canceled", f"Job {ended.id} was canceled.", ended)
        if ended.error:
            raise JobFailed(ended.error.code, ended.error.message, ended)
        return ended

    def create(self, video: Media, audio: Media, idempotency_key: str | None, asked: Asked) -> Flow[Job]:
        body = yield from self._body(video, audio, asked)
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return (yield from self._asked(Job, Request("POST", "/jobs", body=body, headers=headers)))

    def estimate(self, video: Media, audio: Media, asked: Asked) -> Flow[Estimate]:
        body = yield from self._body(video, audio, asked)
        return (yield from self._asked(Estimate, Request("POST", "/estimate", body=body)))

    def upload(self, media: Media) -> Flow[Upload]:
        file = address_or_file(media)
        if isinstance(file, str):
            raise InvalidRequest("invalid_parameter", "An address is not uploaded; give it to the job.")
        return (yield from self._uploaded(file))

    def faces(self, video: Upload | str, at_s: float) -> Flow[Faces]:
        source = video if isinstance(video, str) else video.source
        return (yield from self._asked(Faces, Request("GET", "/faces", {"source": source, "at_s": at_s})))

    def get(self, job: JobOrId) -> Flow[Job]:
        return (yield from self._asked(Job, Request("GET", f"/jobs/{_id(job)}")))

    def list(self, states: Sequence[State], which: Which) -> Flow[None]:
        """Tells job after job, the newest first."""
        query = query_of(states, which)
        while True:
            page = yield from self._asked(JobPage, Request("GET", "/jobs", query))
            for job in page.jobs:
                yield Tell(job)
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor

    def watch(self, job: JobOrId) -> Flow[Job]:
        """Tells the job, its progress, and the job as it ended, which it also returns.

        A connection that is lost is made again, and the job told again as it is then.
        """
        patience = Patience(self._retries)
        request = Request("GET", f"/jobs/{_id(job)}/events", headers={"Accept": "text/event-stream"})
        while True:
            wish = 0.0
            try:
                reply: Reply = yield Open(request, "events")
                if refused := reply.error():
                    wish = wish_s(reply)
                    raise refused
                while (event := (yield Next())) is not None:
                    patience.renew()
                    if event.kind not in _UPDATES:
                        continue
                    update = _UPDATES[event.kind].model_validate_json(event.data)
                    yield Tell(update)
                    if isinstance(update, Job) and update.ended:
                        return update
                raise Unreachable("unavailable", "The job's events ended before the job.")
            except LipstageError as error:
                pause = patience.pause_after(error, wish)
            yield pause

    def cancel(self, job: JobOrId) -> Flow[Job]:
        return (yield from self._asked(Job, Request("POST", f"/jobs/{_id(job)}/cancel")))

    def delete(self, job: JobOrId) -> Flow[None]:
        yield from answered(Request("DELETE", f"/jobs/{_id(job)}"), self._retries)

    def report(self, job: JobOrId) -> Flow[Any]:
        return (yield from self._json(Request("GET", f"/jobs/{_id(job)}/report")))

    def record(self, job: JobOrId) -> Flow[Any]:
        return (yield from self._json(Request("GET", f"/jobs/{_id(job)}/record")))

    def policy(self) -> Flow[Any]:
        return (yield from self._json(Request("GET", "/policy")))

    def usage(self, since: date | None, until: date | None) -> Flow[Usage]:
        period = {"since": since, "until": until}
        query = {name: day.isoformat() for name, day in period.items() if day}
        return (yield from self._asked(Usage, Request("GET", "/usage", query)))

    def download(self, job: JobOrId, path: str | Path) -> Flow[Path]:
        """Raises InvalidRequest for a job without a result."""
        newest = yield from self.get(job)  # its link is fresh
        if newest.output is None:
            raise InvalidRequest("job_not_ended", f"Job {newest.id} is {newest.state}; it has no result.")
        return (yield from downloaded(newest.output.url, newest.id, Path(path), self._retries))

    def download_report(self, job: JobOrId, path: str | Path) -> Flow[Path]:
        """Raises InvalidRequest for a job without a report."""
        newest = yield from self.get(job)
        if newest.report_url is None:
            raise InvalidRequest("job_not_ended", f"Job {newest.id} is {newest.state}; it has no report.")
        return (yield from downloaded(newest.report_url, newest.id, Path(path), self._retries))

    def _body(self, video: Media, audio: Media, asked: Asked) -> Flow[dict[str, Any]]:
        sources = [address_or_file(media) for media in (video, audio)]
        named = []
        for source in sources:
            named.append(source if isinstance(source, str) else (yield from self._uploaded(source)).source)
        return body_of(named[0], named[1], asked)

    def _uploaded(self, file: File) -> Flow[Upload]:
        return (yield from self._asked(Upload, Request("POST", "/uploads", file=file)))

    def _asked(self, kind: type[M], request: Request) -> Flow[M]:
        reply = yield from answered(request, self._retries)
        return kind.model_validate_json(reply.body)

    def _json(self, request: Request) -> Flow[Any]:
        reply = yield from answered(request, self._retries)
        return json.loads(reply.body)


def _id(job: JobOrId) -> str:
    return job if isinstance(job, str) else job.id
