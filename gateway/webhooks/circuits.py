"""Circuit breakers: an endpoint that does not work is left alone for a while."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.clock import Clock

FAILURES: Final = 5
"""So many in a row open a circuit."""

FIRST_PAUSE_S: Final = 30.0
LONGEST_PAUSE_S: Final = 600.0


@dataclass
class _Circuit:
    failures: int = 0
    pause_s: float = 0.0
    open_until: datetime | None = None
    probed: bool = False
    """Half open: one message is on its way to see whether the endpoint works again."""


class Circuits:
    """One for each endpoint; each process has its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}

    def enter(self, endpoint: str) -> bool:
        """Whether a message may go there now. What enters must `leave`."""
        circuit = self._circuits.get(endpoint)
        if circuit is None or circuit.open_until is None:
            return True
        if circuit.probed or self._clock() < circuit.open_until:
            return False
        circuit.probed = True
        return True

    def leave(self, endpoint: str, works: bool | None) -> None:
        """`works` is None when nothing was learned."""
        circuit = self._circuits.pop(endpoint, _Circuit())
        if works:
            return
        self._circuits[endpoint] = circuit
        probed, circuit.probed = circuit.probed, False
        if works is None:
            return
        circuit.failures += 1
        if probed or (circuit.open_until is None and circuit.failures >= FAILURES):
            circuit.pause_s = min(2 * circuit.pause_s or FIRST_PAUSE_S, LONGEST_PAUSE_S)
            circuit.open_until = self._clock() + timedelta(seconds=circuit.pause_s)

    def keep(self, endpoints: Collection[str]) -> None:
        """Forgets all others: nothing waits for them."""
        for endpoint in self._circuits.keys() - set(endpoints):
            del self._circuits[endpoint]
