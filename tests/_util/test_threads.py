"""How many threads, and how they wait: of made-up machines, and of a real process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nevoa._util import threads
from nevoa._util.threads import SPINS, available_cores, wait_politely


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a machine that says nothing of its processors and control groups."""
    monkeypatch.setattr(threads, "CPUS", tmp_path)
    monkeypatch.setattr(threads, "CGROUP", tmp_path)
    return tmp_path


def cores_of(allowed: set[int]) -> int:
    """The cores of a process that may run on these processors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "sched_getaffinity", lambda process: allowed, raising=False)
        return available_cores()


def test_threads_of_one_core_count_once(machine: Path) -> None:
    for number, text in {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}.items():
        file = machine / f"cpu{number}" / "topology" / "thread_siblings_list"
        file.parent.mkdir(parents=True)
        file.write_text(text + "\n")
    assert cores_of({0, 1, 2, 3}) == 2
    assert cores_of({0, 2}) == 1


@pytest.mark.usefixtures("machine")
def test_where_nothing_is_said_each_processor_is_a_core() -> None:
    assert cores_of({0, 1, 5}) == 3


@pytest.mark.parametrize(
    ("text", "cores"), [("max 100000", 8), ("200000 100000", 2), ("250000 100000", 2), ("50000 100000", 1), ("?", 8)]
)
def test_a_quota_limits_the_cores(machine: Path, text: str, cores: int) -> None:
    (machine / "cpu.max").write_text(text + "\n")
    assert cores_of(set(range(8))) == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", 8), ("300000", 3)])
def test_a_quota_of_the_first_version_does_too(machine: Path, quota: str, cores: int) -> None:
    (machine / "cpu").mkdir()
    (machine / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (machine / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert cores_of(set(range(8))) == cores


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs affinity masks")
def test_the_mask_of_this_process_counts() -> None:
    one = min(os.sched_getaffinity(0))
    script = f"import os, nevoa._util.threads as t; os.sched_setaffinity(0, {{{one}}}); print(t.available_cores())"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "1\n"


@pytest.mark.parametrize("theirs", [{"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "7"}])
def test_what_the_user_says_of_waiting_stays(theirs: dict[str, str]) -> None:
    environment = dict(theirs)
    wait_politely(environment)
    assert environment == theirs


@pytest.mark.slow
def test_importing_nevoa_changes_nothing_in_the_process() -> None:
    """Neither the environment, nor torch's threads, precision or random state."""
    script = """
import os, random, sys
import numpy as np, torch
before = dict(os.environ), torch.get_num_threads(), torch.get_float32_matmul_precision(), random.getstate()
seeds = torch.get_rng_state(), np.random.get_state()[1]
import nevoa
nevoa.train, nevoa.fit, nevoa.load, nevoa.Model, nevoa.Config
for room in ("data", "diffusion", "evaluation", "networks", "sampling", "pictures", "training"):
    getattr(nevoa, room)
after = dict(os.environ), torch.get_num_threads(), torch.get_float32_matmul_precision(), random.getstate()
assert before == after
assert torch.equal(seeds[0], torch.get_rng_state()) and (seeds[1] == np.random.get_state()[1]).all()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_nevoa_does_not_load_torch() -> None:
    script = "import sys, nevoa; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "False\n"


def test_the_command_line_sets_how_threads_wait_before_torch_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """libgomp reads the environment once, when torch is loaded."""
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    script = """
import os, sys
from nevoa.cli import main as cli
sys.argv = ["nevoa", "--version"]
cli.main()
print(os.environ["GOMP_SPINCOUNT"], "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.endswith(f"{SPINS} False\n"), done.stderr
