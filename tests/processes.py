"""Real processes on one machine, which find one another as torchrun's do."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from torch._C._distributed_c10d import TCPStore

from nevoa.cli.main import main
from nevoa.parallel import group as processes
from nevoa.training import measure

# Forked from a process that has imported torch: starting Python anew takes 3 s each.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        *("tests.small_runs", "tests.processes", "nevoa.cli.main", "nevoa.commands.load", "nevoa.trackers"),
        *("nevoa.pictures.plots", "matplotlib.pyplot", "rich.progress"),
    ]
)


@lru_cache
def store() -> TCPStore:
    """As torchrun keeps one, also when it starts processes again."""
    return TCPStore("localhost", 0, is_master=True, wait_for_workers=False)


def started(count: int, work: Callable[..., Any], *arguments: Any) -> list[tuple[Any, Connection]]:
    """Start processes that do the same work. Return each with the end of a pipe that its answer comes out of."""
    port = str(store().port)
    pipes = [SERVER.Pipe(duplex=False) for _ in range(count)]
    group = [
        SERVER.Process(target=_work, args=(rank, count, port, pipes[rank][1], work, arguments)) for rank in range(count)
    ]
    for process in group:
        process.start()
    for _, sent in pipes:
        sent.close()  # so that the end of a killed process is seen
    return [(process, answers) for process, (answers, _) in zip(group, pipes, strict=True)]


def together(count: int, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """The answers of processes that do the same work: an error in place of one, None if the process was killed."""
    return [answer_of(*one) for one in started(count, work, *arguments)]


def typed(arguments: list[str], folder: Path) -> Any:
    """Start the command in a folder. Its output is lost."""
    process = SERVER.Process(target=entered, args=(arguments, folder))
    process.start()
    return process


def entered(arguments: list[str], folder: Path) -> None:
    """Run the command in a folder."""
    os.chdir(folder)
    processes.GRACE_SECONDS = 0.5
    measure.LONGEST = 0.05  # the plan's estimate of the time takes a second
    sys.argv = ["nevoa", *arguments]
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        main()


def answer_of(process: Any, answers: Connection) -> Any:
    try:
        answer = answers.recv() if answers.poll(120) else TimeoutError()
    except EOFError:
        answer = None
    process.join(30)
    return answer


def _work(rank: int, count: int, port: str, answers: Connection, work: Callable[..., Any], arguments: Any) -> None:
    names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    names["TORCHELASTIC_USE_AGENT_STORE"] = True
    os.environ.update({name: str(value) for name, value in names.items()})
    import torch

    torch.set_num_threads(1)
    try:
        answer = work(*arguments)
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        answer = error
    answers.send(answer)
