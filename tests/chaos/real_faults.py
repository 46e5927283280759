"""Does to the processes of a local stack what a plan says, and mends it again."""

import asyncio
import os
import signal
from collections import defaultdict
from typing import cast

from chaos.bad_link import BadLink, State
from chaos.real_plan import Fault

from services.local.nats import NatsServer
from services.local.processes import WorkerProcess
from services.local.s3 import S3Server
from services.local.stack import LocalStack
from services.triton.server import TritonServer

DRAIN_S = 5.0


class Faults:
    def __init__(self, stack: LocalStack, s3_link: BadLink) -> None:
        self._stack, self._link = stack, s3_link
        self._servers: dict[str, NatsServer | S3Server | TritonServer] = {
            "nats": stack.nats,
            "s3": stack.s3,
            "triton": stack.triton,
        }
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.own_ends: list[str] = []
        """Workers that ended though nobody asked them to."""

    async def inflict(self, fault: Fault) -> None:
        async with self._one_at_a_time[fault.target]:
            if fault.target == "s3-link":
                await self._spoil_link(fault)
            elif fault.what == "freeze":
                await self._freeze(fault)
            elif fault.target in self._stack.workers:
                await self._end_worker(fault, self._stack.workers[fault.target])
            else:
                await self._kill_server(fault)

    async def keep_workers(self) -> None:
        """Starts again, until it is canceled, what ended by itself, as an orchestrator would."""
        while True:
            await asyncio.sleep(0.5)
            for name, worker in self._stack.workers.items():
                if not self._one_at_a_time[name].locked() and not worker.runs:
                    self.own_ends.append(name)
                    worker.start()

    async def _spoil_link(self, fault: Fault) -> None:
        self._link.state = cast(State, fault.what)
        await asyncio.sleep(fault.lasts_s)
        self._link.state = "good"

    async def _freeze(self, fault: Fault) -> None:
        pid = self._pid(fault.target)
        if pid is None:
            return
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(fault.lasts_s)
        os.kill(pid, signal.SIGCONT)

    def _pid(self, target: str) -> int | None:
        if target in self._servers:
            return self._servers[target].pid
        worker = self._stack.workers[target]
        return worker.pid if worker.runs else None

    async def _end_worker(self, fault: Fault, worker: WorkerProcess) -> None:
        if fault.what == "kill":
            await asyncio.to_thread(worker.kill)
        else:
            await asyncio.to_thread(worker.stop, 4 * DRAIN_S)
        await asyncio.sleep(fault.lasts_s)
        worker.start()

    async def _kill_server(self, fault: Fault) -> None:
        server = self._servers[fault.target]
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(fault.lasts_s)
        await asyncio.to_thread(server.start)
