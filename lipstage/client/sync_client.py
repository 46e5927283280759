"""The client of programs that wait: `Lipstage`."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path
from typing import Any, Self, TypeVar, Unpack

import httpx2

from lipstage.client.answers import Estimate, Faces, Job, Progress, State, Upload, Usage
from lipstage.client.asked import Asked, Which
from lipstage.client.configuration import Configuration, Verify, configuration, trust
from lipstage.client.errors import LipstageError
from lipstage.client.flows import Flows, JobOrId
from lipstage.client.media import Media
from lipstage.client.steps import Done, Flow, Next, Open, Pause, Send, Tell, advanced
from lipstage.client.wire import arguments, event_of, reaching, reply_of

T = TypeVar("T")
OnProgress = Callable[[Job | Progress], object]


class Lipstage:
    """Speaks to one gateway. Every method raises LipstageError; what can be asked of a job is in `Asked`."""

    def __init__(
        self,
        base_url: str | None = None,
        key: str | None = None,
        *,
        verify: Verify = True,
        timeout_s: float = 60.0,
        retries: int = 4,
    ) -> None:
        """Without them, LIPSTAGE_URL and LIPSTAGE_API_KEY say where, and with what key. Raises NotConfigured.

        `timeout_s` is how long the gateway may be silent, `retries` how often what may pass is tried again.
        """
        self._to = configuration(base_url, key)
        self._http = httpx2.Client(verify=trust(verify), timeout=timeout_s)
        self._flows = Flows(retries)

    def dub(
        self,
        video: Media,
        audio: Media,
        *,
        progress: OnProgress | None = None,
        idempotency_key: str | None = None,
        **asked: Unpack[Asked],
    ) -> Job:
        """Uploads what is here, and waits for the end. Raises JobFailed or JobCanceled."""
        return self._run(self._flows.dub(video, audio, idempotency_key, asked), progress)

    def create(self, video: Media, audio: Media, *, idempotency_key: str | None = None, **asked: Unpack[Asked]) -> Job:
        """Uploads what is here, and returns before the job has run."""
        return self._run(self._flows.create(video, audio, idempotency_key, asked))

    def upload(self, media: Media) -> Upload:
        """For several jobs: give its `source` as video or audio."""
        return self._run(self._flows.upload(media))

    def faces(self, video: Upload | str, at_s: float = 0.0) -> Faces:
        """Who can be seen in an upload at that time, or, if nobody is, in a later frame."""
        return self._run(self._flows.faces(video, at_s))

    def estimate(self, video: Media, audio: Media, **asked: Unpack[Asked]) -> Estimate:
        return self._run(self._flows.estimate(video, audio, asked))

    def get(self, job: JobOrId) -> Job:
        return self._run(self._flows.get(job))

    def list(self, *states: State, **which: Unpack[Which]) -> Generator[Job]:
        """The caller's jobs, the newest first; in one of the states, if any are given, and as `Which` says."""
        return self._told(self._flows.list(states, which))

    def watch(self, job: JobOrId) -> Generator[Job | Progress]:
        """The job as it is, its progress, and the job as it ended."""
        return self._told(self._flows.watch(job))

    def wait(self, job: JobOrId, progress: OnProgress | None = None) -> Job:
        """The job once it has ended, however it did."""
        return self._run(self._flows.watch(job), progress)

    def cancel(self, job: JobOrId) -> Job:
        return self._run(self._flows.cancel(job))

    def delete(self, job: JobOrId) -> None:
        """Removes media and result of an ended job."""
        self._run(self._flows.delete(job))

    def download(self, job: JobOrId, path: str | Path) -> Path:
        """Fetches the result, and resumes where an earlier call was broken off."""
        return self._run(self._flows.download(job, path))

    def download_report(self, job: JobOrId, path: str | Path) -> Path:
        """Fetches the report, likewise."""
        return self._run(self._flows.download_report(job, path))

    def report(self, job: JobOrId) -> Any:
        """What was done to each frame, and the measures of quality, as JSON says it."""
        return self._run(self._flows.report(job))

    def record(self, job: JobOrId) -> Any:
        """What a production run has to have written down about the job, as JSON says it."""
        return self._run(self._flows.record(job))

    def usage(self, since: date | None = None, until: date | None = None) -> Usage:
        """What was used and charged; by default in the last 30 days."""
        return self._run(self._flows.usage(since, until))

    def policy(self) -> Any:
        """What has to be known before real faces and voices are sent there, as JSON says it."""
        return self._run(self._flows.policy())

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _run(self, flow: Flow[T], progress: OnProgress | None = None) -> T:
        with closing(_taken(flow, self._http, self._to)) as steps:
            for reached in steps:
                if isinstance(reached, Done):
                    return reached.value
                if progress:
                    progress(reached.update)
        raise AssertionError("a flow ends with Done")

    def _told(self, flow: Flow[Any]) -> Generator[Any]:
        with closing(_taken(flow, self._http, self._to)) as steps:
            for reached in steps:
                if isinstance(reached, Tell):
                    yield reached.update


def _taken(flow: Flow[T], http: httpx2.Client, to: Configuration) -> Generator[Tell | Done[T]]:
    """Takes the flow's steps; yields what it tells, and what it ends with."""
    with closing(flow), _Driver(http, to) as driver:
        step = advanced(flow)
        while not isinstance(step, Done):
            if isinstance(step, Tell):
                yield step
                step = advanced(flow)
                continue
            try:
                answer = driver.take(step)
            except LipstageError as error:
                step = advanced(flow, error=error)
            else:
                step = advanced(flow, answer)
        yield step


class _Driver:
    def __init__(self, http: httpx2.Client, to: Configuration) -> None:
        self._http, self._to = http, to
        self._opened = ExitStack()
        self._pieces: Iterator[Any] = iter(())

    def take(self, step: Send | Open | Next | Pause) -> Any:
        """Raises Unreachable."""
        match step:
            case Pause():
                return time.sleep(step.seconds)
            case Next():
                with reaching(self._to):
                    return next(self._pieces, None)
            case Send():
                with reaching(self._to), arguments(step.request, self._to) as asked:
                    response = self._http.request(**asked)
                    return reply_of(response, response.content)
            case Open():
                with reaching(self._to):
                    return self._open(step)

    def _open(self, step: Open) -> Any:
        self._opened.close()
        with arguments(step.request, self._to) as asked:
            response = self._opened.enter_context(self._http.stream(**asked))
        if response.is_error:
            return reply_of(response, response.read())
        if step.pieces == "bytes":
            self._pieces = response.iter_bytes()
        else:
            self._pieces = map(event_of, httpx2.EventSource(response))
        return reply_of(response)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()
