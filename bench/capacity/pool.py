"""A pool of workers of one kind: they start cold, take tasks, are lost, are scaled."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from random import Random

from simpy import Environment, Event, Interrupt, Process
from simpy.events import ProcessGenerator

from bench.capacity.autoscaler import Autoscaler
from bench.capacity.inputs import PoolPlan, Scaling
from bench.capacity.lane_queue import ORDERS, LaneQueue, Task

Serve = Callable[[Task], ProcessGenerator]


@dataclass(frozen=True)
class Mortality:
    """How the workers of a pool are lost."""

    mean_life_s: float
    redelivery_s: float
    """Until a lost worker's task is delivered again: 0 with a drain notice, else ack_wait."""
    rng: Random


@dataclass(eq=False)
class PoolUse:
    paid_s: float = 0.0
    """Of all workers, cold starts included."""
    busy_s: float = 0.0
    """Spent on tasks that were finished."""
    lost: int = 0
    handed_back: int = 0
    """Tasks begun in vain."""
    workers: list[tuple[float, int]] = field(default_factory=list)
    """How many there were from when on."""


@dataclass(slots=True, eq=False)
class _Worker:
    since_s: float
    orders: "cycle[tuple[int, ...]]" = field(default_factory=lambda: cycle(ORDERS))
    process: Process | None = None
    woken: Event | None = None
    task: Task | None = None
    leaving: bool = False


class Pool:
    def __init__(
        self,
        env: Environment,
        plan: PoolPlan,
        scaling: Scaling,
        serve: Serve,
        fair: bool = True,
        mortality: Mortality | None = None,
    ) -> None:
        """`serve` takes a task's time and then does what follows from it."""
        self._env, self._plan, self._scaling, self._serve = env, plan, scaling, serve
        self._mortality = mortality
        self._queue = LaneQueue(fair)
        self._unfinished = 0
        self._workers: list[_Worker] = []
        """In order of their start; those that leave are still among them."""
        self._idle: list[_Worker] = []
        self.use = PoolUse(workers=[(0.0, 0)])
        for _ in range(plan.min_workers):
            self._start(cold_start_s=0.0)
        if plan.max_workers > plan.min_workers:
            env.process(self._scale())

    @property
    def at_rest(self) -> bool:
        return not self._unfinished and len(self._workers) == self._plan.min_workers

    def publish(self, task: Task) -> None:
        self._unfinished += 1
        self._queue.put(task)
        self._wake_one()

    def close(self) -> PoolUse:
        """Pays for the workers that are still there."""
        self.use.paid_s += sum(self._env.now - worker.since_s for worker in self._workers)
        return self.use

    def _scale(self) -> ProcessGenerator:
        autoscaler = Autoscaler(self._plan, self._scaling)
        while True:
            staying = [worker for worker in self._workers if not worker.leaving]
            change = autoscaler.wanted(self._env.now, self._unfinished, len(staying)) - len(staying)
            for _ in range(change):
                self._start(self._plan.cold_start_s)
            for worker in staying[len(staying) + min(change, 0) :]:
                self._dismiss(worker)
            yield self._env.timeout(self._scaling.polling_s)

    def _start(self, cold_start_s: float) -> None:
        worker = _Worker(self._env.now)
        self._workers.append(worker)
        self._note_workers()
        worker.process = self._env.process(self._life(worker, cold_start_s))
        if self._mortality:
            lives_s = self._mortality.rng.expovariate(1 / self._mortality.mean_life_s)
            self._env.process(self._end_after(worker, lives_s))

    def _dismiss(self, worker: _Worker) -> None:
        worker.leaving = True
        self._env.process(self._end_after(worker, self._scaling.drain_s if worker.task else 0.0))

    def _end_after(self, worker: _Worker, seconds: float) -> ProcessGenerator:
        yield self._env.timeout(seconds)
        if worker.process and worker.process.is_alive:
            worker.process.interrupt()

    def _life(self, worker: _Worker, cold_start_s: float) -> ProcessGenerator:
        try:
            yield self._env.timeout(cold_start_s)
            while not worker.leaving:
                yield from self._work(worker)
        except Interrupt:
            self._hand_back(worker)
        self._workers.remove(worker)
        self._note_workers()
        self.use.paid_s += self._env.now - worker.since_s
        if not worker.leaving:
            self.use.lost += 1
            self._start(self._plan.cold_start_s)

    def _work(self, worker: _Worker) -> ProcessGenerator:
        """One task, or waiting for one."""
        worker.task = self._queue.take(next(worker.orders))
        if worker.task is None:
            worker.woken = self._env.event()
            self._idle.append(worker)
            yield worker.woken
            return
        started_s = self._env.now
        yield from self._serve(worker.task)
        worker.task = None
        self._unfinished -= 1
        self.use.busy_s += self._env.now - started_s

    def _hand_back(self, worker: _Worker) -> None:
        if worker in self._idle:
            self._idle.remove(worker)
        if worker.task:
            self.use.handed_back += 1
            lost_s = self._mortality.redelivery_s if self._mortality and not worker.leaving else 0.0
            self._env.process(self._deliver_again(worker.task, lost_s))
        else:
            # It may have been woken in this very moment: the task it was woken for needs someone else.
            self._wake_one()

    def _deliver_again(self, task: Task, after_s: float) -> ProcessGenerator:
        yield self._env.timeout(after_s)
        self._queue.put_back(task)
        self._wake_one()

    def _wake_one(self) -> None:
        if self._idle:
            woken = self._idle.pop().woken
            assert woken is not None
            woken.succeed()

    def _note_workers(self) -> None:
        self.use.workers.append((self._env.now, len(self._workers)))
