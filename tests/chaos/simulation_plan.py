"""What one seed does to the simulation: which jobs, how many workers, how slow, and what goes wrong when."""

import random
from dataclasses import dataclass
from typing import Final

from chaos.toy_stages import Poison, ToyJob

FAULTS: Final = (
    "kill",
    "kill in call",
    "freeze",
    "drain",
    "away",
    "disk full",
    "broker crash",
    "deliver again",
    "clock jump",
)
_OF_WORKERS: Final = ("kill", "kill in call", "freeze", "drain", "deliver again")
_SERVERS: Final = ("broker", "store", "models")
_LONGEST_FREEZE_S: Final = 90.0
_PARTS: Final = ("preprocess", "chunk-0", "segment-0", "finish")


@dataclass(frozen=True)
class SimulatedFault:
    at_s: float
    what: str
    chance: float
    """Decides whom it hits."""
    lasts_s: float


@dataclass(frozen=True)
class SimulationPlan:
    seed: int
    jobs: tuple[ToyJob, ...]
    begin_s: tuple[float, ...]
    cut_off: tuple[bool, ...]
    """Whether the client of a job ends before it has queued the first task."""
    canceled_at_s: tuple[float | None, ...]
    canceled_late: bool
    """Whether those jobs are canceled only when somebody finishes them, who is stopped for a while just then."""
    workers: dict[str, int]
    reconcilers: int
    """Without one there are only faults that leases alone must survive."""
    faults: tuple[SimulatedFault, ...]
    calm_at_s: float
    """Nothing goes wrong any more from here on."""
    longest_call_s: float
    fails: float
    loses: float
    disorder: float
    drain_s: float

    @property
    def patient(self) -> bool:
        """No call to the broker fails, so whatever depends on one happens at once."""
        return not self.fails and not self.loses and not {"away", "broker crash"} & {f.what for f in self.faults}

    @property
    def one_holder(self) -> bool:
        """No task is ever in the hands of two workers, of whom one must drop it without a word."""
        return self.patient and not {"freeze", "deliver again"} & {fault.what for fault in self.faults}


def make_simulation_plan(seed: int) -> SimulationPlan:
    chance = random.Random(seed)
    self_reliant = chance.random() < 0.15
    horizon_s = chance.choice((3.0, 10.0, 40.0))
    kinds = [what for what in FAULTS if chance.random() < 0.4]
    if self_reliant:
        kinds = [what for what in kinds if what in _OF_WORKERS]
    faults = tuple(_fault(chance, kinds, horizon_s) for _ in range(chance.randint(0, 6) if kinds else 0))
    jobs = tuple(_job(chance, number, horizon_s) for number in range(1 if chance.random() < 0.7 else 2))
    count = len(jobs)
    return SimulationPlan(
        seed=seed,
        jobs=jobs,
        begin_s=tuple(chance.uniform(0, horizon_s / 4) for _ in range(count)),
        cut_off=tuple(not self_reliant and chance.random() < 0.05 for _ in range(count)),
        canceled_at_s=tuple(chance.uniform(0, horizon_s) if chance.random() < 0.3 else None for _ in range(count)),
        canceled_late=chance.random() < 0.2,
        workers={
            "preprocess": chance.randint(1, 2),
            "denoise": chance.randint(1, 2),
            "composite": chance.randint(1, 2),
        },
        reconcilers=0 if self_reliant else chance.choice((1, 1, 1, 2)),
        faults=faults,
        calm_at_s=max([horizon_s, *(fault.at_s + fault.lasts_s for fault in faults)]),
        longest_call_s=chance.choice((0.02, 0.02, 0.3, 3.0)),
        fails=0.0 if self_reliant else chance.choice((0.0, 0.0, 0.01, 0.1)),
        loses=0.0 if self_reliant else chance.choice((0.0, 0.0, 0.01, 0.1)),
        disorder=chance.choice((0.0, 0.5)),
        drain_s=chance.choice((1.0, 120.0)),
    )


def _fault(chance: random.Random, kinds: list[str], horizon_s: float) -> SimulatedFault:
    what = chance.choice(kinds)
    longest_s = _LONGEST_FREEZE_S if what == "freeze" else 20.0
    return SimulatedFault(chance.uniform(0, horizon_s), what, chance.random(), longest_s * chance.random() ** 2)


def _job(chance: random.Random, number: int, horizon_s: float) -> ToyJob:
    poison = None
    if chance.random() < 0.1:
        kind = chance.choice(("error", "death", "input"))
        poison = Poison("preprocess" if kind == "input" else chance.choice(_PARTS), kind)
    segments = _segments(chance, chance.randint(2, 6), chance.randint(1, 3))
    # The whole job takes about as long as things go wrong.
    return ToyJob(number, segments, horizon_s / len(_PARTS) * chance.choice((0.05, 0.3, 1.0)), poison)


def _segments(chance: random.Random, chunks: int, count: int) -> tuple[tuple[int, ...], ...]:
    """Each segment's chunks; a chunk in which one ends may belong to the next one too."""
    ends = [*sorted(chance.sample(range(chunks - 1), min(count, chunks) - 1)), chunks - 1]
    begins = [0]
    for end in ends[:-1]:
        begins.append(end + (0 if chance.random() < 0.5 else 1))
    return tuple(tuple(range(begin, end + 1)) for begin, end in zip(begins, ends, strict=True))


def server_of(fault: SimulatedFault) -> str:
    return _SERVERS[int(fault.chance * len(_SERVERS))]
