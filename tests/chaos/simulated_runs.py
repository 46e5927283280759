"""Runs simulations by their seeds, in virtual time."""

import gc
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chaos.simulated_process import World
from chaos.simulation import Simulation
from chaos.simulation_plan import SimulationPlan, make_simulation_plan
from chaos.virtual_time import run_virtually

from services.common.errors import ObjectMissing

_SEEDS_PER_COLLECTION = 50

_services_log, _workers_log = logging.getLogger("services"), logging.getLogger("services.common.worker")


@dataclass(frozen=True)
class Outcome:
    plan: SimulationPlan
    violations: list[str]
    trace: list[tuple[float, str, str, str]]
    rested_after_s: float
    """Virtual time from the last fault until everything was at rest."""

    def story(self) -> str:
        lines = [f"seed {self.plan.seed}: {violation}" for violation in self.violations]
        lines += [str(self.plan)]
        lines += [f"{at_s:9.3f}  {who:<14} {what:<60} {outcome}".rstrip() for at_s, who, what, outcome in self.trace]
        return "\n".join(lines)


def simulate_all(seeds: Iterable[int]) -> Iterator[Outcome]:
    """Quietly, and without pauses for the collection of garbage."""
    workers_log, others_log = logging.getLogger("services.common.worker"), logging.getLogger("services")
    before = workers_log.level, workers_log.propagate, others_log.level
    workers_log.setLevel(logging.WARNING)
    workers_log.propagate = False
    others_log.setLevel(logging.CRITICAL)
    gc.disable()
    try:
        for number, seed in enumerate(seeds, 1):
            yield simulate(seed)
            if number % _SEEDS_PER_COLLECTION == 0:
                gc.collect()
    finally:
        gc.enable()
        workers_log.level, workers_log.propagate, others_log.level = before


def broken_by(seeds: Iterable[int]) -> tuple[list[Outcome], float]:
    """The outcomes that broke a promise, and the longest that any run took to come to rest."""
    broken, slowest_s = [], 0.0
    for outcome in simulate_all(seeds):
        slowest_s = max(slowest_s, outcome.rested_after_s)
        if outcome.violations:
            broken.append(outcome)
    return broken, slowest_s


def simulate(seed: int) -> Outcome:
    return run_virtually(_simulated(make_simulation_plan(seed)))


async def _simulated(plan: SimulationPlan) -> Outcome:
    simulation = Simulation(plan)
    hearing = _Hearing(simulation.world)
    _workers_log.addHandler(hearing)
    try:
        rested_after_s = await simulation.run()
    finally:
        _workers_log.removeHandler(hearing)
    return Outcome(plan, simulation.world.violations, simulation.world.trace.copy(), rested_after_s)


class _Hearing(logging.Handler):
    """An error that is neither poison nor the fault of a worker that came too late is one of the program."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self._world.note("log", repr(error))
            if not isinstance(error, ObjectMissing) and str(error) != "poison":
                self._world.violated(f"a worker met {error!r}")
