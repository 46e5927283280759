"""The client of asynchronous programs: `AsyncLipstage`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, closing
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
from lipstage.client.sync_client import OnProgress
from lipstage.client.wire import arguments, event_of, reaching, reply_of

T = TypeVar("T")


class AsyncLipstage:
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
        self._http = httpx2.AsyncClient(verify=trust(verify), timeout=timeout_s)
        self._flows = Flows(retries)

    async def dub(
        self,
        video: Media,
        audio: Media,
        *,
        progress: OnProgress | None = None,
        idempotency_key: str | None = None,
        **asked: Unpack[Asked],
    ) -> Job:
        """Uploads what is here, and waits for the end. Raises JobFailed or JobCanceled."""
        return await self._run(self._flows.dub(video, audio, idempotency_key, asked), progress)

    async def create(
        self, video: Media, audio: Media, *, idempotency_key: str | None = None, **asked: Unpack[Asked]
    ) -> Job:
        """Uploads what is here, and returns before the job has run."""
        return await self._run(self._flows.create(video, audio, idempotency_key, asked))

    async def upload(self, media: Media) -> Upload:
        """For several jobs: give its `source` as video or audio."""
        return await self._run(self._flows.upload(media))

    async def faces(self, video: Upload | str, at_s: float = 0.0) -> Faces:
        """Who can be seen in an upload at that time, or, if nobody is, in a later frame."""
        return await self._run(self._flows.faces(video, at_s))

    async def estimate(self, video: Media, audio: Media, **asked: Unpack[Asked]) -> Estimate:
        return await self._run(self._flows.estimate(video, audio, asked))

    async def get(self, job: JobOrId) -> Job:
        return await self._run(self._flows.get(job))

    def list(self, *states: State, **which: Unpack[Which]) -> AsyncGenerator[Job]:
        """The caller's jobs, the newest first; in one of the states, if any are given, and as `Which` says."""
        return self._told(self._flows.list(states, which))

    def watch(self, job: JobOrId) -> AsyncGenerator[Job | Progress]:
        """The job as it is, its progress, and the job as it ended."""
        return self._told(self._flows.watch(job))

    async def wait(self, job: JobOrId, progress: OnProgress | None = None) -> Job:
        """The job once it has ended, however it did."""
        return await self._run(self._flows.watch(job), progress)

    async def cancel(self, job: JobOrId) -> Job:
        return await self._run(self._flows.cancel(job))

    async def delete(self, job: JobOrId) -> None:
        """Removes media and result of an ended job."""
        await self._run(self._flows.delete(job))

    async def download(self, job: JobOrId, path: str | Path) -> Path:
        """Fetches the result, and resumes where an earlier call was broken off."""
        return await self._run(self._flows.download(job, path))

    async def download_report(self, job: JobOrId, path: str | Path) -> Path:
        """Fetches the report, likewise."""
        return await self._run(self._flows.download_report(job, path))

    async def report(self, job: JobOrId) -> Any:
        """What was done to each frame, and the measures of quality, as JSON says it."""
        return await self._run(self._flows.report(job))

    async def record(self, job: JobOrId) -> Any:
        """What a production run has to have written down about the job, as JSON says it."""
        return await self._run(self._flows.record(job))

    async def usage(self, since: date | None = None, until: date | None = None) -> Usage:
        """What was used and charged; by default in the last 30 days."""
        return await self._run(self._flows.usage(since, until))

    async def policy(self) -> Any:
        """What has to be known before real faces and voices are sent there, as JSON says it."""
        return await self._run(self._flows.policy())

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _run(self, flow: Flow[T], progress: OnProgress | None = None) -> T:
        async with aclosing(_taken(flow, self._http, self._to)) as steps:
            async for reached in steps:
                if isinstance(reached, Done):
                    return reached.value
                if progress:
                    progress(reached.update)
        raise AssertionError("a flow ends with Done")

    async def _told(self, flow: Flow[Any]) -> AsyncGenerator[Any]:
        async with aclosing(_taken(flow, self._http, self._to)) as steps:
            async for reached in steps:
                if isinstance(reached, Tell):
                    yield reached.update


async def _taken(flow: Flow[T], http: httpx2.AsyncClient, to: Configuration) -> AsyncGenerator[Tell | Done[T]]:
    """Takes the flow's steps; yields what it tells, and what it ends with."""
    with closing(flow):
        async with _Driver(http, to) as driver:
            step = advanced(flow)
            while not isinstance(step, Done):
                if isinstance(step, Tell):
                    yield step
                    step = advanced(flow)
                    continue
                try:
                    answer = await driver.take(step)
                except LipstageError as error:
                    step = advanced(flow, error=error)
                else:
                    step = advanced(flow, answer)
            yield step


class _Driver:
    def __init__(self, http: httpx2.AsyncClient, to: Configuration) -> None:
        self._http, self._to = http, to
        self._opened = AsyncExitStack()
        self._pieces: AsyncIterator[Any] | None = None

    async def take(self, step: Send | Open | Next | Pause) -> Any:
        """Raises Unreachable."""
        match step:
            case Pause():
                return await asyncio.sleep(step.seconds)
            case Next():
                with reaching(self._to):
                    return await anext(self._pieces, None) if self._pieces else None
            case Send():
                with reaching(self._to), arguments(step.request, self._to) as asked:
                    response = await self._http.request(**asked)
                    return reply_of(response, response.content)
            case Open():
                with reaching(self._to):
                    return await self._open(step)

    async def _open(self, step: Open) -> Any:
        await self._opened.aclose()
        with arguments(step.request, self._to) as asked:
            response = await self._opened.enter_async_context(self._http.stream(**asked))
        if response.is_error:
            return reply_of(response, await response.aread())
        if step.pieces == "bytes":
            self._pieces = response.aiter_bytes()
        else:
            self._pieces = (event_of(event) async for event in httpx2.EventSource(response))
        return reply_of(response)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._opened.aclose()
