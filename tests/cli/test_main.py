"""The command itself: help, completion, version."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nevoa.cli.main import main
from nevoa.config.registry import METRICS
from nevoa.data import load_images
from tests.cli.conftest import OPTIONS, nevoa_alone

# Loads a command in a process of its own, and says which of the modules named it has loaded.
LOADED = """
import atexit, gc, sys
atexit.register(lambda: print(len(gc.get_objects()) < 100, file=sys.stderr))
from nevoa.cli.main import main
named, sys.argv = sys.argv[1].split(), ["nevoa", *sys.argv[2:]]
try:
    main()
finally:
    print({*named} & {*sys.modules} or "none", gc.get_stats()[-1]["collections"], file=sys.stderr)
"""
HEAVY = "torch._dynamo sympy matplotlib torchvision scipy pandas diffusers transformers datasets huggingface_hub onnx"
REFUSING = "sample", "evaluate", "distill", "runs check", "continue", "verify"
PARTS = "markdown_it pygments nevoa.training nevoa.evaluation"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "modules"),
    [
        ("--help", "torch numpy pydantic PIL markdown_it pygments"),
        ("train --help", "torch numpy pydantic PIL markdown_it pygments"),
        ("runs .", f"torch numpy {HEAVY} {PARTS}"),
        ("data list", f"torch {HEAVY} {PARTS}"),
        ("data prepare shapes", f"torch {HEAVY} {PARTS}"),
        ("data show shapes", f"torch {HEAVY} {PARTS}"),
        *((f"{command} nothing", "torch") for command in REFUSING),
        ("sample --out taken", "torch"),
        ("sample --count 1 --steps 1", f"{HEAVY} {PARTS}"),
        (f"train fashion_mnist_10k --steps 1 --dry-run {' '.join(OPTIONS)}", f"{HEAVY} nevoa.evaluation"),
    ],
)
def test_a_command_loads_only_what_it_needs(typed: str, modules: str, tmp_path: Path) -> None:
    """Nor does Python search all that is loaded for garbage, at any time or at the end; `data` loads little."""
    load_images("fashion_mnist_10k")  # from now on in the cache: storing them takes more
    (tmp_path / "taken").touch()
    command = [sys.executable, "-c", LOADED, modules, *typed.split()]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    *_, loaded, searches, frozen = done.stderr.split()
    assert (done.returncode, loaded, frozen) == (2 * typed.endswith(("nothing", "taken")), "none", "True")
    assert searches == "0" or typed.startswith("data")


@pytest.mark.slow
def test_noise_refuses_a_missing_picture_without_torch(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOADED, "torch", "noise", "nothing"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    *_, loaded, _, _ = done.stderr.split()
    assert (done.returncode, loaded) == (2, "none")


@pytest.mark.slow
def test_help_lists_the_commands(tmp_path: Path) -> None:
    text = nevoa_alone("--help", folder=tmp_path).stdout
    for command in ("train", "sample", "evaluate", "noise", "data", "features", "runs", "--install-completion"):
        assert command in text


OPTIONS_IN_HELP = {
    "train": ["-o SECTION.KEY=VALUE", "--condition KIND", "--accept-changes", "--plugin FILE.py", "message."],
    "evaluate": ["--inception-weights", *METRICS.own],
}


@pytest.mark.parametrize("columns", [80, 60, 40])
@pytest.mark.parametrize("command", OPTIONS_IN_HELP)
def test_help_fits_the_terminal_and_breaks_no_word(
    command: str, columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = nevoa_alone(command, "--help", folder=tmp_path).stdout
    assert text.startswith(f"Usage: nevoa {command}")
    assert max(map(len, text.splitlines())) <= columns
    assert "…" not in text
    for word in OPTIONS_IN_HELP[command]:
        assert word in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "show", "a.png", "b.png"], "'nevoa data show' takes one source, but got 2 arguments: give one"),
        (["train", "a", "b", "--steps", "1", "c"], "takes one source, but got 3 arguments: give one source, such as a"),
        (["continue", "a", "b", "c"], "takes one run and one source, but got 3 arguments"),
        (["sample", "a", "b"], "'nevoa sample' takes one run, but got 2 arguments: give one run."),
        (["data", "list", "a"], "'nevoa data list' takes no argument 'a'. See 'nevoa data list --help'."),
        (["runs", "a", "b"], "'nevoa runs' takes one folder, but got 2 arguments: give one folder."),
    ],
)
def test_too_many_arguments_are_counted(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["nevoa", *arguments])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_completion_is_installed_where_bash_reads_it(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "SHELL": "/bin/bash"}
    command = [sys.executable, "-m", "nevoa", "--install-completion", "--shell", "bash"]
    subprocess.run(command, check=True, cwd=tmp_path, env=environment, capture_output=True)
    scripts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert any("--accept-changes" in script and "dpm_solver" in script for script in scripts)


@pytest.mark.slow
def test_a_warning_is_one_sentence(tmp_path: Path) -> None:
    """Without the path and the line of code that Python prints beside it."""
    options = ("--steps", "1", "--dry-run", "-o", "diffusion.schedule=linear", "-o", "diffusion.prediction=x0")
    told = nevoa_alone("train", "fashion_mnist_10k", *OPTIONS, *options, folder=tmp_path).stderr
    warnings = [line for line in told.splitlines() if "warning" in line.lower()]
    assert len(warnings) == 1
    assert warnings[0].startswith("nevoa: warning: The linear schedule in 20 steps ends at alpha_bar[20] = 0.82")
