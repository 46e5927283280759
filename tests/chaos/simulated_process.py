"""A process of the simulation: everything it does to the world passes through `call`, where it can die or freeze."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from services.common.errors import DiskFull, Unavailable
from services.common.worker import LOOK_S

T = TypeVar("T")
Server = Literal["broker", "store", "models"]

SENT_ONLY: Final = ("nack", "extend")
"""What is sent to the broker without waiting for an answer: it may be lost and nobody knows."""


@dataclass
class World:
    """What all processes of one run share: chance, the servers' moods and the trace."""

    chance: random.Random
    longest_call_s: float = 0.02
    fails: float = 0.0
    """How likely a call fails before it takes effect."""
    loses: float = 0.0
    """How likely a call takes effect and its answer is lost."""
    away_until_s: dict[str, float] = field(default_factory=dict)
    disk_full_until_s: float = 0.0
    prompt: bool = False
    """Whether calls to the broker always succeed."""
    trace: list[tuple[float, str, str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    @property
    def now_s(self) -> float:
        return self.loop.time()

    def note(self, who: str, what: str, outcome: str = "") -> None:
        self.trace.append((self.now_s, who, what, outcome))

    def violated(self, what: str) -> None:
        self.violations.append(what)
        self.note("INVARIANT", what)


class Process:
    """One incarnation: a killed process never comes back, another one is started instead."""

    def __init__(self, name: str, service: str, world: World) -> None:
        self.name, self.service, self.world = name, service, world
        self.closing = asyncio.Event()
        self.alive = True
        self.clock_ahead_s = 0.0
        self.calls_left: int | None = None
        """After so many calls it dies, before it learns how the last one went."""
        self.thawed_at_s = 0.0
        self.in_hand: set[str] = set()
        """Keys of tasks that were taken, by nobody else since, and were neither acknowledged nor handed back."""
        self.idle: list[asyncio.Future[None]] = []
        self.running: asyncio.Task[None] | None = None
        self._thawed: asyncio.Event | None = None

    def kill(self) -> None:
        """What it was doing ends here; all that unwinds now has no effect on the world."""
        self.alive = False
        if self.running is not None:
            self.running.cancel()

    def freeze(self) -> None:
        self._thawed = asyncio.Event()

    def thaw(self) -> None:
        if self._thawed is not None:
            self._thawed.set()
            self._thawed, self.thawed_at_s = None, self.world.now_s

    def drain(self) -> None:
        self.closing.set()
        for waiting in self.idle:
            if not waiting.done():
                waiting.set_result(None)
        self.idle.clear()

    @property
    def frozen(self) -> bool:
        return self._thawed is not None

    def worked(self, job_id: str, ends_s: Mapping[str, float]) -> None:
        """Called after each step: with a broker that answers, a worker must soon see that its job has ended."""
        now_s = self.world.now_s
        late_s = now_s - max(ends_s.get(job_id, now_s), self.thawed_at_s)
        if self.world.prompt and late_s > LOOK_S + 3 * self.world.longest_call_s:
            self.world.violated(f"{self.name} still works on {job_id} {late_s:.1f} s after its end")

    async def awake(self) -> None:
        if not self.alive:
            raise asyncio.CancelledError
        while self._thawed is not None:
            await self._thawed.wait()

    async def call(self, server: Server, what: str, effect: Callable[[], T]) -> T:
        """What `effect` returns or raises. It happens before or after the time that the call takes, by chance."""
        world = self.world
        if not self.alive or self._thawed is not None:
            await self.awake()
        random_of = world.chance.random
        early = random_of() < 0.5
        if not early:
            await asyncio.sleep(world.longest_call_s * random_of())
        result: T | None = None
        refusal: Exception | None = None
        try:
            if trouble := self._trouble(server, what):
                world.trace.append((world.now_s, self.name, what, trouble))
                if what.startswith(SENT_ONLY) and random_of() < 0.5:
                    return result  # type: ignore[return-value]  # these return nothing
                raise DiskFull("The disk is full.") if trouble == "disk full" else Unavailable(f"{server}: {trouble}.")
            result = effect()
            world.trace.append((world.now_s, self.name, what, ""))
        except Exception as error:
            refusal = error
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left <= 0:
                world.note(self.name, "dies")
                self.kill()
                raise asyncio.CancelledError
        if early:
            await asyncio.sleep(world.longest_call_s * random_of())
        if not self.alive or self._thawed is not None:
            await self.awake()
        if refusal is not None:
            raise refusal
        if world.loses and random_of() < world.loses:
            world.trace.append((world.now_s, self.name, what, "answer lost"))
            raise Unavailable(f"{server} did not answer.")
        return result  # type: ignore[return-value]  # None is what `effect` returned then

    def _trouble(self, server: Server, what: str) -> str:
        world = self.world
        if world.away_until_s and world.away_until_s.get(server, 0.0) > world.now_s:
            return "away"
        if world.fails and world.chance.random() < world.fails:
            return "failed"
        if world.disk_full_until_s and what.startswith("put ") and world.disk_full_until_s > world.now_s:
            return "disk full"
        return ""
