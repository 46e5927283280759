"""Running the command as a user does: the installed program, in a process of its own."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

COMMAND = [sys.executable, "-c", "from cli.main import run; run()"]
FRAMES = 56
"""Of the short clip: four chunks."""


@dataclass(frozen=True)
class Answer:
    status: int
    stdout: str
    stderr: str

    @property
    def error_code(self) -> str | None:
        """The stable code of the one error line, or None."""
        _, found, rest = self.stderr.partition("error [")
        return rest.partition("]")[0] if found else None


Lipstage = Callable[[Sequence[str | Path]], Answer]
