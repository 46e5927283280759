"""A training's curves, in losses.csv: one row per ten steps."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

ROWS_EVERY = 10
"""Steps averaged into one row."""


class Curves:
    """Appends to losses.csv in `directory`; rows past `since_step`, left by an interrupted run, are dropped first."""

    def __init__(self, directory: Path, since_step: int) -> None:
        self._path = directory / "losses.csv"
        rows = _rows_up_to(self._path, since_step)
        self._pending: list[Mapping[str, float]] = []
        self._file = self._path.open("w", newline="", encoding="utf-8")
        self._writer: csv.DictWriter[str] | None = None
        for row in rows:
            self._write(row)

    def add(self, step: int, losses: Mapping[str, float]) -> None:
        """Takes in one step's losses."""
        self._pending.append(losses)
        if step % ROWS_EVERY == 0:
            self._write({"step": str(step)} | {name: f"{mean:.6g}" for name, mean in _means(self._pending).items()})
            self._pending.clear()

    def close(self) -> None:
        self._file.close()

    def _write(self, row: Mapping[str, str]) -> None:
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, list(row), extrasaction="ignore")
            self._writer.writeheader()
        self._writer.writerow(row)
        self._file.flush()


def _means(steps: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of every loss over the steps that have it: some are computed now and then only."""
    names = dict.fromkeys(name for losses in steps for name in losses)
    known = {name: [losses[name] for losses in steps if name in losses] for name in names}
    return {name: sum(values) / len(values) for name, values in known.items()}


def _rows_up_to(path: Path, step: int) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if int(row["step"]) <= step]
