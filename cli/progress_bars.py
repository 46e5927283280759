"""Three bars, one per stage, with the time that is left."""

from collections import defaultdict
from types import TracebackType

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.console import errors
from services.common.messages import JobEvent, Stage

_UNITS: dict[Stage, str] = {"preprocess": "", "denoise": "chunks", "composite": "segments"}


class ProgressBars:
    """Shows job events as progress bars on stderr; prints nothing where that is not a terminal."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TextColumn("{task.fields[count]:>16}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=errors,
            disable=not errors.is_terminal,
        )
        self._bars: dict[Stage, TaskID] = {
            stage: self._progress.add_task(stage, total=None, count="") for stage in _UNITS
        }
        self._shares: defaultdict[Stage, dict[int, float]] = defaultdict(dict)
        self._parts: dict[Stage, int] = {}

    def __enter__(self) -> "ProgressBars":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: JobEvent) -> None:
        if event.stage is None:
            return
        shares = self._shares[event.stage]
        shares[event.part] = max(event.done, shares.get(event.part, 0.0))
        if event.parts is not None:
            self._parts[event.stage] = event.parts
        parts = self._parts.get(event.stage)
        whole = sum(share == 1 for share in shares.values())
        count = f"{whole}/{parts or '?'} {_UNITS[event.stage]}" if _UNITS[event.stage] else f"{event.done:.0%}"
        self._progress.update(self._bars[event.stage], completed=sum(shares.values()), total=parts, count=count)
