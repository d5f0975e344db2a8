"""Training where Unix is missing, as far as a fake can tell."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import os, pathlib, signal, sys
import matplotlib.font_manager, sysconfig, filelock, psutil, torch  # they have implementations of their own for Windows

for module in ("resource", "fcntl", "pwd", "grp", "termios"):
    sys.modules[module] = None
for name in ("pread", "sched_getaffinity", "fork", "fchmod", "geteuid"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGALRM"):
    if hasattr(signal, name):
        delattr(signal, name)

from nevoa._util import files

files.WINDOWS = True
opened, flushed, replaced = os.open, os.fsync, pathlib.Path.replace
readable, busy = set(), []


def refusing(path, *arguments, **options):
    if "dir_fd" not in options and os.path.isdir(path):  # not shutil's own
        raise PermissionError(13, "Permission denied", str(path))
    descriptor = opened(path, *arguments, **options)
    flags = arguments[0] if arguments else options["flags"]
    (readable.discard if flags & (os.O_WRONLY | os.O_RDWR) else readable.add)(descriptor)
    return descriptor


def flush(descriptor):
    if descriptor in readable:
        raise OSError(9, "Bad file descriptor")
    flushed(descriptor)


def replace(self, target):
    if not busy and target.exists():  # a virus scanner reads it, once
        busy.append(target)
        raise PermissionError(13, "Access is denied", str(target))
    return replaced(self, target)


os.open, os.fsync, pathlib.Path.replace = refusing, flush, replace
sysconfig.get_config_vars()
sys.platform = "win32"
import nevoa

options = ("network.kind=residual", "network.dim=8", "network.multipliers=[1]", "network.attention=[false]",
           "training.device=cpu", "training.precision=float32", "training.batch_size=8", "sampling.steps=2")
run = nevoa.train("fashion_mnist_10k", steps=3, out="r", options=options, progress=False)
more = nevoa.train("fashion_mnist_10k", steps=5, out="r", options=options, progress=False, accept_changes=True)
print(run.model().sample(2).shape, len(busy))
from nevoa.training import Forecast, prepare
print(Forecast.of(prepare(nevoa.configure("fashion_mnist_10k", steps=2, options=options))).memory_bytes)
"""


def test_a_run_trains_resumes_and_samples_without_unix(tmp_path: Path) -> None:
    """No `resource`, `fcntl`, `fork`, `pread` or SIGKILL, and folders that cannot be opened to be flushed.

    Files are flushed only if they are open to be written, and replaced only if no process reads them.
    """
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "(2, 28, 28, 1) 1\n0\n", done.stdout + done.stderr
