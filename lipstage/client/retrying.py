"""Requests that are asked again when they may succeed then; all that the client sends is safe to send twice."""

import random
from dataclasses import dataclass

from lipstage.client.errors import LipstageError, Unreachable
from lipstage.client.steps import Flow, Pause, Reply, Request, Send

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
LONGEST_WISH_S = 60.0
"""A gateway that wants us to wait longer is not waited for."""
_MAY_PASS = (429, 502, 503, 504)


@dataclass
class Patience:
    """How often one thing was tried in a row."""

    retries: int
    failures: int = 0

    def pause_after(self, error: LipstageError, wish_s: float = 0.0) -> Pause:
        """Raises `error` when it is final."""
        passing = isinstance(error, Unreachable) or error.status in _MAY_PASS
        if not passing or self.failures >= self.retries or wish_s > LONGEST_WISH_S:
            raise error
        longest_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self.failures)
        self.failures += 1
        return Pause(max(wish_s, random.uniform(longest_s / 2, longest_s)))

    def renew(self) -> None:
        """It went well."""
        self.failures = 0


def answered(request: Request, retries: int) -> Flow[Reply]:
    """A reply that is no error. Raises LipstageError."""
    patience = Patience(retries if request.file is None or request.file.repeatable else 0)
    while True:
        try:
            reply: Reply = yield Send(request)
        except Unreachable as error:
            pause = patience.pause_after(error)
        else:
            refused = reply.error()
            if refused is None:
                return reply
            pause = patience.pause_after(refused, wish_s(reply))
        yield pause


def wish_s(reply: Reply) -> float:
    """How long the gateway wants us to wait."""
    wish = reply.headers.get("retry-after", "")
    return float(wish) if wish.isdecimal() else 0.0
