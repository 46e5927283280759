"""The printed tables: one column per case."""

from collections.abc import Sequence

import numpy as np
from rich.table import Table

from bench.capacity.figures import Figures, figures, floor_cost_per_minute
from bench.capacity.inputs import Inputs
from bench.capacity.system import Run


def cases_table(title: str, runs: Sequence[Run], inputs: Inputs) -> Table:
    columns = [figures(run, inputs) for run in runs]
    table = _table(title, runs)
    for row, name in enumerate(("p50", "p95", "p99")):
        table.add_row(f"queue wait {name}", *(_time(f.wait_s[row]) for f in columns), end_section=name == "p99")
    for size in columns[0].turnaround_s:
        pairs = [f.turnaround_s[size] for f in columns]
        table.add_row(f"{size:g} s of video done, p50 · p95", *(f"{_time(p50)} · {_time(p95)}" for p50, p95 in pairs))
    table.add_row("last job done", *(_time(f.makespan_s) for f in columns), end_section=True)
    table.add_row("GPUs mean · max", *(f"{f.gpus_mean:.1f} · {f.gpus_max}" for f in columns))
    table.add_row("GPU-hours", *(f"{f.gpu_hours:.1f}" for f in columns))
    table.add_row("utilisation", *(f"{f.utilisation:.0%}" for f in columns))
    table.add_row("GPUs lost · chunks in vain", *map(_losses, columns))
    table.add_row("core-hours", *(f"{f.core_hours:.0f}" for f in columns), end_section=True)
    table.add_row("US$ per video minute", *(f"{f.cost_per_minute:.3f}" for f in columns))
    table.add_row("  of which GPUs", *(f"{f.gpu_cost_per_minute:.3f}" for f in columns))
    return table


def beside_table(title: str, runs: Sequence[Run], inputs: Inputs) -> Table:
    table = _table(title, runs)
    small_s = inputs.beside.small_s
    waits = [[job.queued_s for job in run.jobs if job.arrival.video_s == small_s] for run in runs]
    for name, percentile in (("p50", 50), ("p95", 95), ("p99", 99), ("longest", 100)):
        table.add_row(f"queue wait of small jobs, {name}", *(_time(np.percentile(w, percentile)) for w in waits))
    found = [figures(run, inputs).turnaround_s for run in runs]
    table.add_row("small jobs done, p50 · p95", *(f"{_time(f[small_s][0])} · {_time(f[small_s][1])}" for f in found))
    long_s = inputs.beside.long_s
    table.add_row("long job done", *(_time(f[long_s][0]) if long_s in f else "" for f in found))
    return table


def amount(run: Run) -> str:
    return f"{len(run.jobs):,} jobs of {sum(job.chunks for job in run.jobs):,} chunks"


def floor_line(inputs: Inputs) -> str:
    choice, price = inputs.denoise, inputs.gpu.price_per_hour
    return (
        f"{choice.gpu}, variant {choice.variant}: at {inputs.chunk_s:g} s a chunk and US$ {price:g} an hour, "
        f"a GPU that is never idle costs US$ {floor_cost_per_minute(inputs):.3f} per video minute."
    )


def _table(title: str, runs: Sequence[Run]) -> Table:
    table = Table("", *(run.case.name for run in runs), title=title, title_justify="left")
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _losses(f: Figures) -> str:
    return f"{f.gpus_lost} · {f.chunks_begun_in_vain}"


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    if minutes < 100:
        return f"{minutes:.1f} min" if minutes < 10 else f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h"
