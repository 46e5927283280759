"""Seeded faults on the real servers: a stack, one schedule after the other, each result a line of a file."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chaos.bad_link import BadLink
from chaos.real_checks import Submitted, restless, wrong
from chaos.real_faults import DRAIN_S, Faults
from chaos.real_jobs import PARAMETERS, Kind, make_kinds
from chaos.real_plan import WORKERS, JobPlan, Plan, make_plan

from services.common.errors import Unavailable
from services.common.new_job import submit
from services.common.progress import cancel
from services.common.stack import Stack, connected
from services.common.stack_settings import StackSettings
from services.local.stack import LocalStack

JOB_S, REST_S, READY_S = 600.0, 120.0, 90.0
"""How long jobs may take once they are submitted, how long until nothing is left then, and how long a start takes."""
_LOOK_S = 0.3
_SHORT = {
    "LIPSTAGE_LEASE_S": "12",
    "LIPSTAGE_SCAN_S": "3",
    "LIPSTAGE_STALLED_S": "12",
    "LIPSTAGE_DRAIN_S": str(DRAIN_S),
}
"""Settings under which a schedule takes seconds instead of minutes."""


@dataclass(frozen=True)
class Result:
    seed: int
    jobs: list[str]
    faults: list[str]
    own_ends: list[str]
    """Workers that ended by themselves and were started again."""
    seconds: float
    wrong: list[str]
    """Empty when everything held."""


def run(seeds: Iterable[int], folder: Path, results: Path) -> Iterable[Result]:
    """Runs what `results` does not have yet, and appends to it. After a failure the next schedule gets a new stack."""
    done = {json.loads(line)["seed"] for line in results.read_text().splitlines()} if results.exists() else set()
    left = [seed for seed in seeds if seed not in done]
    kinds = make_kinds(folder / "jobs", {job.kind for seed in left for job in make_plan(seed).jobs})
    results.parent.mkdir(parents=True, exist_ok=True)
    while left:
        with asyncio.Runner() as loop:
            schedules = _schedules(left, kinds, folder / "stack")
            try:
                while (result := loop.run(_next(schedules))) is not None:
                    left.remove(result.seed)
                    with results.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(result)) + "\n")
                    yield result
                    if result.wrong:
                        break
            finally:
                loop.run(schedules.aclose())
        if result is not None:
            (folder / "stack").rename(folder / f"failed-{result.seed}")


async def _next(results: AsyncGenerator[Result, None]) -> Result | None:
    return await anext(results, None)


async def _schedules(seeds: Iterable[int], kinds: Mapping[str, Kind], folder: Path) -> AsyncGenerator[Result, None]:
    shutil.rmtree(folder, ignore_errors=True)
    async with _running_stack(folder) as (local, link, stack):
        for seed in list(seeds):
            yield await _schedule(make_plan(seed), kinds, local, link, stack)


@asynccontextmanager
async def _running_stack(folder: Path) -> AsyncIterator[tuple[LocalStack, BadLink, Stack]]:
    counts: dict[str, int] = {}
    for worker in WORKERS:
        service = worker.rsplit("-", 1)[0]
        counts[service] = counts.get(service, 0) + 1
    extra = dict(_SHORT)
    local = LocalStack(folder, counts, extra=extra)
    link = BadLink(local.s3.access.url)
    async with link.open():
        extra["LIPSTAGE_S3_URL"] = link.url
        await asyncio.to_thread(local.start)
        try:
            direct = {**local.environment, "LIPSTAGE_S3_URL": local.s3.access.url}
            values = {name.removeprefix("LIPSTAGE_").lower(): value for name, value in direct.items()}
            async with connected(StackSettings.model_validate(values), "chaos") as stack:
                yield local, link, stack
        finally:
            await asyncio.to_thread(local.stop)


async def _schedule(plan: Plan, kinds: Mapping[str, Kind], local: LocalStack, link: BadLink, stack: Stack) -> Result:
    started = time.monotonic()
    faults = Faults(local, link)
    keeping = asyncio.create_task(faults.keep_workers())
    try:
        for worker in local.workers.values():
            await asyncio.to_thread(worker.wait_until_ready, READY_S)
        jobs: list[Submitted] = []
        async with asyncio.TaskGroup() as group:
            for job in plan.jobs:
                group.create_task(_job(job, kinds[job.kind], stack, jobs))
            for fault in plan.faults:
                group.create_task(_later(fault.at_s, faults.inflict(fault)))
        found = await _outcome(stack, jobs)
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
    seconds = round(time.monotonic() - started, 1)
    names = [f"{job.kind}, canceled" if job.canceled_at_s else job.kind for job in plan.jobs]
    return Result(plan.seed, names, [str(fault) for fault in plan.faults], faults.own_ends, seconds, found)


async def _later(seconds: float, doing: Coroutine[Any, Any, None]) -> None:
    await asyncio.sleep(seconds)
    await doing


async def _job(plan: JobPlan, kind: Kind, stack: Stack, jobs: list[Submitted]) -> None:
    await asyncio.sleep(plan.at_s)
    started = time.monotonic()
    while True:
        try:
            record = await submit(stack.bus, stack.media, stack.jobs, stack.models, kind.video, kind.voice, PARAMETERS)
            break
        except Unavailable:  # what was begun must come to its end too, but nobody waits for it
            await asyncio.sleep(_LOOK_S)
    job = Submitted(record, kind)
    jobs.append(job)
    if plan.canceled_at_s is None:
        return
    await asyncio.sleep(max(0.0, plan.canceled_at_s - plan.at_s - (time.monotonic() - started)))
    while not job.told:
        try:
            job.told = (await cancel(stack.jobs, stack.bus, record.id)).state
        except Unavailable:
            await asyncio.sleep(_LOOK_S)


async def _outcome(stack: Stack, jobs: list[Submitted]) -> list[str]:
    deadline_s = time.monotonic() + JOB_S
    while running := [record.id async for record, _ in stack.jobs.records() if not record.ended]:
        if time.monotonic() > deadline_s:
            return [f"job {job_id} has not ended after {JOB_S:.0f} s" for job_id in running]
        await asyncio.sleep(_LOOK_S)
    deadline_s = time.monotonic() + REST_S
    while left := await restless(stack, jobs):
        if time.monotonic() > deadline_s:
            return left
        await asyncio.sleep(_LOOK_S)
    return await wrong(stack, jobs)
