"""What goes wrong in one schedule on the real servers, and which jobs run meanwhile: all of it from one seed."""

import random
from dataclasses import dataclass
from typing import Final

LONGEST_S: Final = 9.0
"""Within this time of the first job's start every fault begins."""
SERVERS: Final = ("nats", "s3", "triton")
WORKERS: Final = (
    "preprocess-1",
    "preprocess-2",
    "denoise-1",
    "denoise-2",
    "composite-1",
    "composite-2",
    "reconciler-1",
)
_WHAT: Final = {"kill": 4, "freeze": 3, "drain": 1, "dropped": 1, "refused": 1, "slow": 1}
"""How often each kind of fault comes; the last three are the way to the S3 server."""


@dataclass(frozen=True)
class Fault:
    at_s: float
    what: str
    target: str
    lasts_s: float

    def __str__(self) -> str:
        return f"{self.at_s:.1f} s: {self.what} {self.target} for {self.lasts_s:.1f} s"


@dataclass(frozen=True)
class JobPlan:
    kind: str
    at_s: float
    canceled_at_s: float | None


@dataclass(frozen=True)
class Plan:
    seed: int
    jobs: tuple[JobPlan, ...]
    faults: tuple[Fault, ...]


def make_plan(seed: int) -> Plan:
    chance = random.Random(seed)
    jobs = tuple(_job(chance, first=number == 0) for number in range(chance.choice((1, 2, 2))))
    faults = sorted((_fault(chance) for _ in range(chance.randint(2, 5))), key=lambda fault: fault.at_s)
    return Plan(seed, jobs, tuple(faults))


def _job(chance: random.Random, first: bool) -> JobPlan:
    kind = chance.choices(("short", "long", "silent"), (6, 3, 1))[0]
    at_s = 0.0 if first else chance.uniform(0, LONGEST_S / 2)
    return JobPlan(kind, at_s, at_s + chance.uniform(0.1, LONGEST_S) if chance.random() < 0.2 else None)


def _fault(chance: random.Random) -> Fault:
    what = chance.choices(list(_WHAT), list(_WHAT.values()))[0]
    at_s = chance.uniform(0, LONGEST_S)
    if what in ("dropped", "refused", "slow"):
        return Fault(at_s, what, "s3-link", chance.uniform(0.5, 8))
    if what == "drain" or chance.random() < 0.6:
        target = chance.choice(WORKERS)
        return Fault(at_s, what, target, chance.uniform(1, 18 if what == "freeze" else 4))
    return Fault(at_s, what, chance.choice(SERVERS), chance.uniform(0.2, 5))
