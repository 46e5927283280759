"""The workers and the reconciler as they are, over a broker and stores that fail as the plan says."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence

from chaos.simulated_bus import Broker, SimulatedBus
from chaos.simulated_process import Process, World
from chaos.simulated_stores import Records, SimulatedJobStore, SimulatedMediaStore
from chaos.simulation_checks import Aftermath, broken_promises
from chaos.simulation_plan import SimulatedFault, SimulationPlan, server_of
from chaos.toy_stages import ToyJob, ToyStages

from services.common.errors import Unavailable
from services.common.lanes import preprocess_task
from services.common.progress import cancel
from services.common.reconciler import Reconciler
from services.common.scanning import Scanning
from services.common.serving import Serving, work_until
from services.common.worker import ENDURING, Worker
from services.composite.worker import Compositing
from services.denoise.worker import Denoising
from services.preprocess.worker import Preprocessing

SCAN_S = 15.0
MOST_S, MOST_WITH_DEATHS_S = 450.0, 900.0
"""How long after the last fault everything must have come to rest; longer if a task kills worker after worker."""
_LOOK_S = 5.0
_AFTER_S = 2 * SCAN_S + _LOOK_S
_CALLS_TO_LIVE = 30


class Simulation:
    def __init__(self, plan: SimulationPlan) -> None:
        self.plan = plan
        chance = random.Random(-1 - plan.seed)
        self.world = World(chance, plan.longest_call_s, plan.fails, plan.loses, prompt=plan.patient)
        self.broker = Broker(self.world)
        self.broker.disorder = plan.disorder
        self.records = Records(self.world)
        self.broker.recorded = self.records.shows
        self.objects: dict[str, bytes] = {}
        self.jobs: dict[str, ToyJob] = {job.id: job for job in plan.jobs}
        self.processes: list[Process] = []
        self.told: dict[str, str] = {}
        self._incarnations = 0

    async def run(self) -> float:
        plan, loop = self.plan, asyncio.get_running_loop()
        for service, count in {**plan.workers, "reconciler": plan.reconcilers}.items():
            for _ in range(count):
                self._start(service)
        for fault in plan.faults:
            loop.call_at(fault.at_s, self._inflict, fault)
        clients = [asyncio.create_task(self._client(number)) for number in range(len(plan.jobs))]
        await asyncio.sleep(plan.calm_at_s)
        self.world.fails = self.world.loses = self.broker.disorder = 0.0
        self.world.note("world", "calm from here on")
        await asyncio.gather(*clients)
        aftermath = Aftermath(plan, self.records, self.broker, self.objects, self.told)
        calm_s = loop.time()
        deadly = any(job.poison and job.poison.kind == "death" for job in plan.jobs)
        most_s = MOST_WITH_DEATHS_S if deadly else MOST_S
        while aftermath.restless() and not self.world.violations:
            if loop.time() - calm_s > most_s:
                self.world.violated(f"no rest after {most_s:.0f} s: {aftermath.restless()}")
                return most_s
            await asyncio.sleep(_LOOK_S)
        rested_after_s = loop.time() - calm_s
        await asyncio.sleep(_AFTER_S)  # what was late may still stir
        if not self.world.violations:
            for violation in broken_promises(aftermath):
                self.world.violated(violation)
        return rested_after_s

    def _start(self, service: str) -> None:
        self._incarnations += 1
        process = Process(f"{service}-{self._incarnations}", service, self.world)
        self.processes.append(process)
        self.world.note(process.name, "starts")
        process.running = asyncio.create_task(self._live(process))

    async def _live(self, process: Process) -> None:
        try:
            await work_until(process.closing, self._build(process), self.plan.drain_s)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            self.world.violated(f"{process.name} ended: {error!r}")
        self.processes.remove(process)
        self.world.note(process.name, "ends")
        if process.alive and process.closing.is_set() and self.plan.one_holder and process.in_hand:
            self.world.violated(f"{process.name} was drained but left {sorted(process.in_hand)}")
        if not process.alive:  # of poison, or killed
            delay_s = 20 * self.world.chance.random() ** 2
            asyncio.get_running_loop().call_later(delay_s, self._start, process.service)
        elif process.closing.is_set():
            self._start(process.service)

    def _build(self, process: Process) -> Sequence[Serving]:
        bus, jobs = SimulatedBus(self.broker, process), SimulatedJobStore(self.records, process)
        media = SimulatedMediaStore(self.objects, process)
        stages = ToyStages(process, media, self.jobs, self.records.ended_at_s)
        match process.service:
            case "reconciler":

                def clock_s() -> float:
                    return self.world.now_s + process.clock_ahead_s

                return [Scanning(Reconciler(bus, media, jobs, clock_s=clock_s), SCAN_S)]
            case "preprocess":
                handle = Preprocessing(bus, media, jobs, stages.preprocess).handle
                return [Worker("preprocess", handle, bus, jobs, ENDURING)]
            case "denoise":
                handle = Denoising(bus, media, jobs, stages.draw_faces).handle
                return [Worker("denoise-1", handle, bus, jobs, ENDURING)] * 2
        return [Worker("composite", Compositing(bus, media, jobs, stages.composite()).handle, bus, jobs, ENDURING)]

    async def _client(self, number: int) -> None:
        """Starts a job as `submit` does, and cancels it where the plan says so."""
        plan, client = self.plan, Process(f"client-{number}", "client", self.world)
        record = plan.jobs[number].record()
        jobs, bus = SimulatedJobStore(self.records, client), SimulatedBus(self.broker, client)
        await asyncio.sleep(plan.begin_s[number])
        self.objects[record.video] = self.objects[record.audio] = b"media"
        self.records.create(record)
        if not plan.cut_off[number]:
            with contextlib.suppress(Unavailable):  # from here on the reconciler would go on with it
                await bus.publish(preprocess_task(record))
        if (at_s := plan.canceled_at_s[number]) is None:
            return
        await asyncio.sleep(max(0.0, at_s - self.world.now_s))
        if plan.canceled_late:
            await self._freeze_who_finishes(record.id)
        while record.id not in self.told:
            try:
                self.told[record.id] = (await cancel(jobs, bus, record.id)).state
            except Unavailable:
                await asyncio.sleep(1.0)

    async def _freeze_who_finishes(self, job_id: str) -> None:
        """The worst moment to cancel a job: its output is about to be stored by a worker that will do so much later."""
        while not (at_it := [process for process in self.processes if f"{job_id}/finish" in process.in_hand]):
            if self.records.newest[job_id][0].ended or self.world.now_s > self.plan.calm_at_s:
                return
            await asyncio.sleep(self.plan.longest_call_s)
        await asyncio.sleep(10 * self.plan.longest_call_s * self.world.chance.random())
        if at_it[0].alive and not at_it[0].frozen:
            self.world.note(at_it[0].name, "freeze")
            at_it[0].freeze()
            asyncio.get_running_loop().call_later(3 * SCAN_S, at_it[0].thaw)

    def _inflict(self, fault: SimulatedFault) -> None:
        world, loop = self.world, asyncio.get_running_loop()
        world.note("world", f"{fault.what} ({fault.chance:.2f}) for {fault.lasts_s:.1f} s")
        match fault.what:
            case "away":
                world.away_until_s[server_of(fault)] = world.now_s + fault.lasts_s
            case "broker crash":
                self.broker.crash()
                world.away_until_s["broker"] = world.now_s + fault.lasts_s / 4
            case "disk full":
                world.disk_full_until_s = world.now_s + fault.lasts_s
            case "deliver again":
                self.broker.deliver_again()
            case "clock jump":
                for process in self.processes:
                    process.clock_ahead_s += 10 * fault.lasts_s
            case _:
                self._hit(fault, loop.call_later)

    def _hit(self, fault: SimulatedFault, later: Callable[..., object]) -> None:
        able = [process for process in self.processes if process.alive and not process.closing.is_set()]
        if not able:
            return
        busy = [process for process in able if process.in_hand]
        among = busy or able
        process = among[int(fault.chance * len(among))]
        self.world.note(process.name, fault.what)
        match fault.what:
            case "kill":
                process.kill()
            case "kill in call":
                process.calls_left = 1 + int(self.world.chance.random() * _CALLS_TO_LIVE)
            case "drain":
                process.drain()
            case "freeze":
                if not process.frozen:
                    process.freeze()
                    later(fault.lasts_s, process.thaw)
