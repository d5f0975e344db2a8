"""The processes of one job, as torchrun starts them: who is who, what each computes, and how they agree.

torch's `DistributedDataParallel` sums gradients in hooks of `.backward()`. nevoa takes gradients on several threads, by
`torch.autograd.grad`, so that here the sum is one all-reduce after them.
"""

import atexit
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import torch
import torch.distributed as dist
from torch import Tensor

from nevoa.errors import NevoaError, SaidElsewhere
from nevoa.parallel.environment import rank, world_size

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

Result = TypeVar("Result")

# Process 0 draws previews and saves checkpoints while the others wait.
PATIENCE = timedelta(minutes=10)
# Decoding a large data set takes hours.
LONG_PATIENCE = timedelta(days=2)
# How long those that give up wait for one another, to see who is missing.
GRACE_SECONDS = 3.0
_listening: list[socket.socket] = []


@dataclass(frozen=True)
class Group:
    """The processes of a job, and which of them this one is.

    Attributes:
        rank: number of this process.
        count: of processes.
        local_rank: number of this process on its machine.
        alone: whether the methods neither wait for other processes nor ask them, as in a measurement.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    alone: bool = True

    def silent(self) -> "Group":
        """The same process with the same share, that does not speak to the others."""
        return Group(self.rank, self.count, self.local_rank)

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors in place by their sums over all processes, which are the same on each, bit for bit."""
        if self.alone:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        if flat.is_cuda:
            self.largest(0)  # NCCL waits without end for a process that is gone; this meeting on the CPU says so
        if flat.device.type == "mps":  # whose tensors no backend sends
            flat = flat.cpu()
        with _explained(self):
            dist.all_reduce(flat)
        parts = flat.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def largest(self, number: int) -> int:
        """The largest of the processes' numbers."""
        if self.alone:
            return number
        every = torch.tensor([number])
        with _explained(self):
            dist.all_reduce(every, dist.ReduceOp.MAX)
        return int(every)

    def broadcast(self, work: Callable[[], Result], patient: bool = False) -> Result:
        """The result of `work` of process 0, on all of them; its error too.

        Args:
            patient: whether the others wait for it longer than PATIENCE.
        """
        if self.alone:
            return work()
        group = _patient_group() if patient else None
        result, error = _tried(work) if self.rank == 0 else (None, None)
        sent: list[Any] = [result, error and str(error)]
        with _explained(self):
            dist.broadcast_object_list(sent, 0, group, device=torch.device("cpu"))
        if sent[1] is not None:
            raise error or SaidElsewhere(sent[1])
        return sent[0]

    def gather(self, value: Result) -> list[Result]:
        """The values of all processes in their order, however long one takes."""
        if self.alone:
            return [value]
        values: list[Any] = [None] * self.count
        with _explained(self):
            dist.all_gather_object(values, value, _patient_group())
        return values

    def first_on_machine(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, done first by one process of each machine, so that the others find what it wrote."""
        if self.alone:
            return work()
        result, error = _tried(work) if self.local_rank == 0 else (None, None)
        self._raise_first(error)
        if self.local_rank:
            result, error = _tried(work)
        self._raise_first(error)
        return result  # pyright: ignore[reportReturnType]

    def _raise_first(self, error: NevoaError | None) -> None:
        failed = [(one, text) for one, text in enumerate(self.gather(error and str(error))) if text is not None]
        if failed:
            first, text = failed[0]
            raise error if error is not None and first == self.rank else SaidElsewhere(text)

    def rounds(self, total: int, at_once: int) -> Iterator[range]:
        """Yield the numbers from 0 to total - 1 of which this process makes results, in as many rounds on each.

        Args:
            at_once: at most so many in a round. The last one may have none for this process.
        """
        size = max(1, min(at_once, -(-total // self.count)))
        for first in range(0, total, size * self.count):
            own = first + self.rank * size
            yield range(min(own, total), min(own + size, total))

    @contextmanager
    def sharing_errors(self) -> Iterator[None]:
        """Within the block, an error that ends this process reaches the others."""
        try:
            yield
        except NevoaError as error:
            if not self.alone and not isinstance(error, SaidElsewhere):
                _store().set("error", str(error))
            raise


ALONE = Group()


@lru_cache
def process_group() -> Group:
    """Find the other processes, if torchrun or another launcher has started several, and wait for them.

    Raises:
        NevoaError: the environment is not complete, a port is busy, or torch lacks a backend.
    """
    if world_size() == 1:
        return ALONE
    if not dist.is_available():
        raise NevoaError("This build of torch has no torch.distributed: start one process, or install another build.")
    try:
        names = "RANK", "WORLD_SIZE", "LOCAL_RANK"
        own, count, local_rank = (int(os.environ[name]) for name in names)
        cuda = torch.cuda.is_available()
        if cuda:
            # Slurm may show each process one GPU alone, and on a CPU there may be more processes than GPUs.
            torch.cuda.set_device(local_rank % torch.cuda.device_count())
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if cuda else "gloo", store=_store(), rank=own, world_size=count, timeout=PATIENCE
        )
    except (KeyError, ValueError, RuntimeError) as error:
        raise NevoaError(
            f"The {world_size()} processes did not find each other: {str(error).splitlines()[0]}. Start "
            "them with torchrun, which sets RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and a free MASTER_PORT."
        ) from error
    atexit.register(dist.destroy_process_group)
    return Group(own, count, local_rank, alone=False)


def is_first_to_say(text: str) -> bool:
    """Whether no other process of this job has said this text."""
    try:
        return world_size() == 1 or _store().add(f"said: {text}", 1) == 1
    except (RuntimeError, ValueError):  # the process that keeps the store has ended, or nothing says where it is
        return True


def machine() -> str:
    """The name of this machine."""
    return socket.gethostname()


@lru_cache
def _store() -> "Store":
    """A store for this start of the processes: torchrun keeps one for all restarts, with addresses of ended ones."""
    from torch._C._distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    kept = next(rendezvous("env://", timeout=PATIENCE))[0]
    return PrefixStore(_this_start(kept), kept)


def _this_start(kept: "Store") -> str:
    """A name that process 0 makes up. The others take it from the store once something listens at the port in it."""
    if rank() == 0:
        _listening.append(socket.create_server(("", 0)))
        name = f"{_listening[-1].getsockname()[1]} {uuid4()}"
        kept.set("start", name)
        return name
    end = time.monotonic() + PATIENCE.total_seconds()
    while True:
        name = kept.get("start").decode()
        address = os.environ["MASTER_ADDR"], int(name.split()[0])
        try:
            socket.create_connection(address, timeout=1).close()
            return name
        except OSError as error:  # of a start that has ended, so far
            if time.monotonic() > end:
                raise RuntimeError(f"process 0 does not listen at {address[0]}:{address[1]}") from error
            time.sleep(0.1)


@lru_cache
def _patient_group() -> Any:
    return dist.new_group(backend="gloo", timeout=LONG_PATIENCE)


def _tried(work: Callable[[], Result]) -> tuple[Result | None, NevoaError | None]:
    try:
        return work(), None
    except NevoaError as error:
        return None, error


@contextmanager
def _explained(group: Group) -> Iterator[None]:
    """Say which process does not answer."""
    try:
        yield
    except RuntimeError as error:
        if "NCCL" in str(error):
            last = str(error).splitlines()[-1]
            raise NevoaError(f"Each process needs a GPU of its own, and NCCL cannot connect them: {last}") from error
        raise _lost(group) from error


def _lost(group: Group) -> NevoaError:
    """The error for a process that ended or hangs: those that wait for it tell one another that they do."""
    store, ranks, missing = _store(), range(group.count), list[str]()
    try:
        store.set(f"waiting/{group.rank}", "")
        time.sleep(GRACE_SECONDS)
        if store.check(["error"]):
            return SaidElsewhere(store.get("error").decode())
        missing = [str(one) for one in ranks if not store.check([f"waiting/{one}"])]
        speaker = min(one for one in ranks if str(one) not in missing)
    except RuntimeError:  # the launcher, which keeps the store, is gone too
        speaker = group.rank
    which = f"Process {' and '.join(missing)}" if missing else "Another process"
    text = f"{which} of {group.count} does not answer. To go on from the newest checkpoint, repeat the command."
    return NevoaError(text) if speaker == group.rank else SaidElsewhere(text)
