"""The native API over gRPC: the LipSync service of service.proto, with the meaning and the errors it has over HTTP."""

import functools
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, TypeVar

from gateway.accounts import Caller, Scope
from gateway.asking import Needs
from gateway.front import Front
from gateway.grpc_errors import Context, abort
from gateway.grpc_messages import (
    estimate_message,
    estimate_request,
    filter_in,
    job_message,
    job_request,
    states_in,
    update_message,
)
from gateway.jobs import PAGE
from gateway.known import estimated
from gateway.tokens import token_in
from lipstage.v1 import service_pb2 as wire
from lipstage.v1.service_pb2_grpc import LipSyncServicer
from services.common.errors import InvalidParameter

LONGEST_PAGE: Final = 200
_PAGE_TOKEN = re.compile("[0-9a-f]{32}")

Q = TypeVar("Q")
A = TypeVar("A")


def _answering(
    method: Callable[["LipSync", Q, Context], Awaitable[A]],
) -> Callable[["LipSync", Q, Context], Awaitable[A]]:
    """What the method raises ends the call with the status that stands for it."""

    @functools.wraps(method)
    async def answer(service: "LipSync", request: Q, context: Context) -> A:
        try:
            return await method(service, request, context)
        except Exception as error:
            await abort(context, error)

    return answer


class LipSync(LipSyncServicer):
    def __init__(self, front: Front) -> None:
        self._front = front

    @_answering
    async def CreateJob(self, request: wire.CreateJobRequest, context: Context) -> wire.CreateJobResponse:  # noqa: N802
        caller = await self._caller(context, "jobs:write")
        self._front.rates.count_create(caller.account)
        key = request.idempotency_key or None
        view = await self._front.jobs.create(caller, job_request(request), idempotency_key=key)
        return wire.CreateJobResponse(job=job_message(view))

    @_answering
    async def GetJob(self, request: wire.GetJobRequest, context: Context) -> wire.GetJobResponse:  # noqa: N802
        caller = await self._caller(context, "jobs:read")
        return wire.GetJobResponse(job=job_message(await self._front.jobs.get(caller, request.job_id)))

    @_answering
    async def ListJobs(self, request: wire.ListJobsRequest, context: Context) -> wire.ListJobsResponse:  # noqa: N802
        caller = await self._caller(context, "jobs:read")
        if request.page_token and not _PAGE_TOKEN.fullmatch(request.page_token):
            raise InvalidParameter("page_token is none that a page before gave.")
        limit = min(request.page_size or PAGE, LONGEST_PAGE)
        cursor, only = request.page_token or None, filter_in(request)
        page = await self._front.jobs.list(caller, states_in(request), cursor, limit, only)
        jobs = [job_message(view) for view in page.jobs]
        return wire.ListJobsResponse(jobs=jobs, next_page_token=page.next_cursor or "")

    async def WatchJob(  # noqa: N802
        self, request: wire.WatchJobRequest, context: Context
    ) -> AsyncIterator[wire.WatchJobResponse]:
        try:
            caller = await self._caller(context, "jobs:read")
            async with aclosing(self._front.jobs.watch(caller, request.job_id)) as updates:
                async for update in updates:
                    yield update_message(update)
        except Exception as error:
            await abort(context, error)

    @_answering
    async def CancelJob(self, request: wire.CancelJobRequest, context: Context) -> wire.CancelJobResponse:  # noqa: N802
        caller = await self._caller(context, "jobs:write")
        return wire.CancelJobResponse(job=job_message(await self._front.jobs.cancel(caller, request.job_id)))

    @_answering
    async def DeleteJob(self, request: wire.DeleteJobRequest, context: Context) -> wire.DeleteJobResponse:  # noqa: N802
        caller = await self._caller(context, "jobs:write")
        await self._front.jobs.delete(caller, request.job_id)
        return wire.DeleteJobResponse()

    @_answering
    async def GetReport(self, request: wire.GetReportRequest, context: Context) -> wire.GetReportResponse:  # noqa: N802
        caller = await self._caller(context, "jobs:read")
        return wire.GetReportResponse(report=await self._front.jobs.report(caller, request.job_id))

    @_answering
    async def EstimateJob(  # noqa: N802
        self, request: wire.EstimateJobRequest, context: Context
    ) -> wire.EstimateJobResponse:
        caller = await self._caller(context, "jobs:read")
        return estimate_message(await estimated(self._front, caller, estimate_request(request)))

    async def _caller(self, context: Context, scope: Scope) -> Caller:
        """Raises Unauthenticated, TooManyRequests or Forbidden."""
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        caller = await self._front.keys.authenticate(token_in(metadata))
        self._front.rates.count_request(caller.account)
        return Needs(scope)(caller)
