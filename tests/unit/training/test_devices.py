"""Several processes train as one: every one of them descends along the mean gradient."""

from pathlib import Path

import torch
from torch import distributed, multiprocessing

from training.devices import Device, average_gradients


def _worker(rank: int, meeting: str, results: str) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    used, unused = torch.zeros(2, requires_grad=True), torch.zeros(1, requires_grad=True)
    used.grad = torch.tensor([1.0, 10.0]) * (rank + 1)
    average_gradients([used, unused], Device(torch.device("cpu"), rank, 2))
    assert unused.grad is None
    torch.save(used.grad, f"{results}/{rank}.pt")
    distributed.destroy_process_group()


def test_gradients_are_averaged_over_processes(tmp_path: Path) -> None:
    multiprocessing.spawn(_worker, (str(tmp_path / "meeting"), str(tmp_path)), nprocs=2)

    assert [torch.load(tmp_path / f"{rank}.pt").tolist() for rank in range(2)] == [[1.5, 15.0]] * 2
