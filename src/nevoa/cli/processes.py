"""`--processes`: run a command in several processes, as torchrun does."""

import logging
import os
import signal
import sys
from dataclasses import dataclass
from typing import Literal

from cyclopts import Parameter

from nevoa._util.files import WINDOWS
from nevoa._util.interrupt import ENDING
from nevoa._util.threads import available_cores
from nevoa.errors import NevoaError
from nevoa.parallel.environment import world_size

# A process that is killed, as when memory runs out, takes the others with it; a training resumes when all start again.
MOST_STARTS = 4
# Before a limit of time Slurm sends SIGTERM, and a large model takes its time to save.
SAVING_SECONDS = "600"
# torch's launcher tells it to the processes.
RUN_ID = "nevoa-"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ProcessFlags:
    """How many processes compute.

    Attributes:
        processes: Share the work out among this many processes, as torchrun does; auto is one for each GPU, or for
            each core of a machine without any. [default: 1]
    """

    processes: int | Literal["auto"] | None = None

    def start(self) -> None:
        """Run the typed command in these processes, and exit as they do. In one of them, return."""
        if isinstance(self.processes, int) and self.processes < 1:
            raise NevoaError(f"--processes must be 1 or more, or auto, not {self.processes}.")
        if self.processes is not None and world_size() == 1 and (count := self._count()) > 1:
            if WINDOWS:
                raise NevoaError("torch cannot connect processes on Windows. Leave out --processes.")
            sys.exit(run_in_group(count, [sys.executable, "-m", "nevoa", *sys.argv[1:]]))

    def _count(self) -> int:
        if self.processes != "auto":
            return self.processes or 1
        import torch

        return torch.cuda.device_count() or available_cores()


def processes_option() -> list[str]:
    """The option that started these processes, for a command that is to run in as many; none under torchrun."""
    typed = os.environ.get("TORCHELASTIC_RUN_ID", "").startswith(RUN_ID)
    return [f"--processes={world_size()}"] if typed else []


def run_in_group(count: int, command: list[str]) -> int:
    """Run a command in processes that can find one another, again if one is killed. Return its exit code."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, available_cores() // count)))
    # The processes report their errors. Some loggers of torch's launcher take their level from this variable alone.
    os.environ.setdefault("LOGLEVEL", "CRITICAL")
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", SAVING_SECONDS)
    rank, code = 0, 0
    for start in range(MOST_STARTS):
        if start:
            print(f"nevoa: {_killed(rank, code)}. Starting all of them again.", file=sys.stderr)
        rank, code = _run(count, command)
        if code >= 0:
            return code
    raise NevoaError(f"{_killed(rank, code)}, and it was not the first time. See whether there is enough memory.")


def _run(count: int, command: list[str]) -> tuple[int, int]:
    """Run a command in processes. Return the first of them that failed, and its exit code; 0 if all are well."""
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=f"{RUN_ID}{os.getpid()}",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, *ENDING)}
    try:
        elastic_launch(config, command[0])(*command[1:])
    except SignalException as stop:
        return 0, 128 + stop.sigval
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        return rank, failure.exitcode
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return 0, 0


def _killed(rank: int, code: int) -> str:
    return f"Process {rank} was ended by {signal.Signals(-code).name}"
