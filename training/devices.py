"""Where a training runs: one process per GPU under torchrun, or one on the CPU."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class Device:
    """This process's share: which device it computes on, and which of how many processes it is."""

    torch_device: torch.device
    rank: int
    processes: int

    @property
    def leads(self) -> bool:
        """Whether this process writes checkpoints, curves and sheets."""
        return self.rank == 0


def join_devices() -> Device:
    """Joins the processes torchrun started (it sets RANK, LOCAL_RANK and WORLD_SIZE), or stands alone."""
    rank, processes = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    has_gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if has_gpu else torch.device("cpu")
    if has_gpu:
        torch.cuda.set_device(device)
    if processes > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if has_gpu else "gloo")
    return Device(device, rank, processes)


def average_gradients(parameters: Iterable[Tensor], device: Device) -> None:
    """Leaves in every process the mean of all processes' gradients; parameters without one are left alone.

    By hand rather than through DistributedDataParallel: a training calls several networks in its own ways, and what
    has to be the same everywhere is only the gradient.
    """
    if device.processes == 1:
        return
    for parameter in parameters:
        if parameter.grad is not None:
            distributed.all_reduce(parameter.grad)
            parameter.grad /= device.processes
