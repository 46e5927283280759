"""A work-queue broker in memory that promises as little as JetStream does."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from chaos.simulated_process import Process, World

from services.common.messages import FacesAnswer, FacesQuestion, JobEvent, JobState, Task
from services.common.questions import Answer

LEASE_S = 30.0
_LOOK_S = 1.0


@dataclass(eq=False)
class Message:
    task: Task
    key: str
    published_at_s: float
    deliveries: int = 0
    leased_until_s: float | None = None
    due_s: float = 0.0
    gone: bool = False
    timer: asyncio.TimerHandle | None = None
    holder: Process | None = None
    """Who took it last."""


@dataclass
class Queue:
    messages: list[Message] = field(default_factory=list)
    idle: list["asyncio.Future[None]"] = field(default_factory=list)

    def wake(self) -> None:
        for waiting in self.idle:
            if not waiting.done():
                waiting.set_result(None)
        self.idle.clear()


class Broker:
    """What survives its clients. Acknowledgements are believed whoever sends them, as JetStream does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.queues: defaultdict[str, Queue] = defaultdict(Queue)
        self.unfinished: dict[str, Message] = {}
        self.ends: dict[str, JobState] = {}
        self.dead: dict[str, str] = {}
        self.recorded: Callable[[Task], bool] = lambda task: True
        """Whether what a task is for has been written down."""
        self.disorder = 0.0
        """How likely a task is taken out of turn."""

    def store(self, task: Task) -> None:
        if task.key in self.unfinished:
            return
        message = Message(task, task.key, self._world.now_s)
        self.unfinished[message.key] = message
        self.queues[task.queue].messages.append(message)
        self.queues[task.queue].wake()

    def take(self, queue: str) -> Message | None:
        now_s = self._world.now_s
        ready = [m for m in self.queues[queue].messages if m.leased_until_s is None and m.due_s <= now_s]
        if not ready:
            return None
        if self.disorder and self._world.chance.random() < self.disorder:
            message = self._world.chance.choice(ready)
        else:
            message = min(ready, key=lambda m: m.task.lane)
        message.deliveries += 1
        message.leased_until_s = now_s + LEASE_S
        self._look_at(message, message.leased_until_s)
        return message

    def remove(self, message: Message) -> None:
        if message.gone:
            return
        if not self.recorded(message.task):
            self._world.violated(f"{message.key} was acknowledged, but its work is not recorded")
        message.gone = True
        del self.unfinished[message.key]
        self.queues[message.task.queue].messages.remove(message)
        if message.timer:
            message.timer.cancel()

    def hand_back(self, message: Message, delay_s: float) -> None:
        if message.gone:
            return
        message.leased_until_s, message.due_s = None, self._world.now_s + delay_s
        if delay_s:
            self._look_at(message, message.due_s)
        else:
            self.queues[message.task.queue].wake()

    def extend(self, message: Message) -> None:
        if not message.gone and message.leased_until_s is not None:
            message.leased_until_s = self._world.now_s + LEASE_S

    def crash(self) -> None:
        """Who works on what is forgotten, and, of some tasks, how often they were taken."""
        for message in list(self.unfinished.values()):
            if self._world.chance.random() < 0.5:
                message.deliveries = 0
            self.hand_back(message, 0.0)

    def deliver_again(self) -> bool:
        """Some task that somebody works on is given to another worker too."""
        leased = [message for message in self.unfinished.values() if message.leased_until_s is not None]
        if leased:
            self.hand_back(self._world.chance.choice(leased), 0.0)
        return bool(leased)

    def _look_at(self, message: Message, when_s: float) -> None:
        if message.timer:
            message.timer.cancel()
        message.timer = asyncio.get_running_loop().call_at(when_s, self._look, message)

    def _look(self, message: Message) -> None:
        if message.gone:
            return
        if message.leased_until_s is not None:
            if message.leased_until_s > self._world.now_s:
                self._look_at(message, message.leased_until_s)
                return
            message.leased_until_s = None
            self._world.trace.append((self._world.now_s, "broker", f"lease of {message.key} ends", ""))
        self.queues[message.task.queue].wake()


@dataclass(eq=False)
class SimulatedDelivery:
    task: Task
    attempt: int
    waited_s: float
    trace: Mapping[str, str]
    _message: Message
    _broker: Broker
    _process: Process

    async def ack(self) -> None:
        self._out_of_hand()
        await self._call("ack", lambda: self._broker.remove(self._message))

    async def nack(self, delay_s: float = 0.0) -> None:
        await self._call("nack", lambda: self._broker.hand_back(self._message, delay_s))
        self._out_of_hand()

    async def extend(self) -> None:
        await self._call("extend", lambda: self._broker.extend(self._message))

    async def bury(self, reason: str) -> None:
        self._out_of_hand()
        await self._call("bury", lambda: self._broker.dead.setdefault(self._message.key, reason))
        await self.ack()

    async def _call(self, what: str, effect: Callable[[], object]) -> None:
        await self._process.call("broker", f"{what} {self._message.key}", effect)

    def _out_of_hand(self) -> None:
        self._process.in_hand.discard(self._message.key)


class SimulatedBus:
    """Bus port of one process."""

    def __init__(self, broker: Broker, process: Process) -> None:
        self._broker, self._process = broker, process

    async def publish(self, task: Task) -> None:
        await self._process.call("broker", f"publish {task.key}", lambda: self._broker.store(task))

    def consume(self, queue: str, closing: asyncio.Event | None = None) -> "Consumption":
        return Consumption(queue, self._broker, self._process)

    async def announce(self, event: JobEvent) -> None:
        if event.stage is None:
            what = f"announce {event.job_id} {event.state}"
            await self._process.call("broker", what, lambda: self._broker.ends.setdefault(event.job_id, event.state))

    def events(self, job_id: str) -> AbstractAsyncContextManager[AsyncIterator[JobEvent]]:
        raise NotImplementedError("nobody listens in the simulation")

    async def ask(self, question: FacesQuestion) -> FacesAnswer:
        raise NotImplementedError("nobody asks in the simulation")

    def answering(self, answer: Answer) -> AbstractAsyncContextManager[None]:
        raise NotImplementedError("nobody asks in the simulation")


@dataclass
class Consumption:
    _queue: str
    _broker: Broker
    _process: Process

    def __aiter__(self) -> "Consumption":
        return self

    async def __anext__(self) -> SimulatedDelivery:
        process, world = self._process, self._process.world
        while True:
            await process.awake()
            if process.closing.is_set():
                raise StopAsyncIteration
            if world.away_until_s.get("broker", 0.0) > world.now_s:
                await asyncio.sleep(_LOOK_S)
            elif message := self._broker.take(self._queue):
                return await self._brought(message)
            else:
                waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._broker.queues[self._queue].idle.append(waiting)
                process.idle.append(waiting)
                await waiting

    async def _brought(self, message: Message) -> SimulatedDelivery:
        process, world = self._process, self._process.world
        world.trace.append((world.now_s, process.name, f"take {message.key}", f"delivery {message.deliveries}"))
        attempt, waited_s = message.deliveries, world.now_s - message.published_at_s
        try:
            await asyncio.sleep(world.longest_call_s * world.chance.random())
            await process.awake()
        except asyncio.CancelledError:
            if process.alive:
                self._broker.hand_back(message, 0.0)
            raise
        if message.holder is not None:
            message.holder.in_hand.discard(message.key)
        message.holder = process
        process.in_hand.add(message.key)
        return SimulatedDelivery(message.task, attempt, waited_s, {}, message, self._broker, process)
