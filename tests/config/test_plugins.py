"""Plugins: files and installed packages that register networks."""

import sys
from importlib import metadata
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import NoReturn

import pytest

from nevoa import training
from nevoa.cli.main import main
from nevoa.config import plugins
from nevoa.config.plugins import load_installed, load_plugins
from nevoa.config.presets import configure
from nevoa.config.registry import unregister
from nevoa.errors import NevoaError
from tests.conftest import TINY

PLUGIN = """
from torch import nn
from nevoa.config import NetworkConfig
from nevoa import register

class PluginConfig(NetworkConfig):
    width: int = 3

class PluginNetwork(nn.Module):
    def __init__(self, channels: int, width: int, classes: int):
        super().__init__()
        self.layer = nn.Conv2d(channels, channels, width, padding="same")

    def forward(self, x, t, label=None):
        return self.layer(x)

def add():
    register("network", "plugin", PluginNetwork, PluginConfig)
"""


pytestmark = pytest.mark.usefixtures("registered")


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A file that registers the network `plugin` when it is imported."""
    file = tmp_path / "my-plugin.py"
    file.write_text(PLUGIN + "\nadd()\n")
    return file


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str, value: str) -> None:
    """Make a module importable, and an entry point that names it or a function in it."""
    (folder / "installed_plugin.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    entry = EntryPoint("theirs", value, plugins.GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [entry] if group == plugins.GROUP else [])
    load_installed.cache_clear()


def test_a_file_registers_a_network(plugin: Path) -> None:
    with pytest.raises(NevoaError, match=r"no network 'plugin'.* add --plugin FILE\.py or install the package"):
        configure(options=["network.kind=plugin"])
    load_plugins([plugin])
    assert configure(options=["network.kind=plugin", "network.width=3"]).network.model_dump()["width"] == 3


def test_a_file_is_imported_once(plugin: Path) -> None:
    load_plugins([plugin, plugin])
    load_plugins([plugin])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'."),
        ("1 +", "SyntaxError: "),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two."),
        ("import sys; sys.exit('leaving')", "SystemExit: leaving."),
        (PLUGIN + "add()\nadd()", "NevoaError: The network 'plugin' is already registered"),
    ],
)
def test_a_file_that_fails_is_a_sentence(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text(text)
    with pytest.raises(NevoaError) as error:
        load_plugins([file])
    assert str(error.value).startswith(f"The plugin {file} failed to import: {message}")
    assert "\n" not in str(error.value)
    with pytest.raises(NevoaError, match="failed to import"):
        load_plugins([file])


@pytest.mark.parametrize("name", ["missing.py", "."])
def test_a_missing_file_is_a_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match="There is no plugin file"):
        load_plugins([tmp_path / name])


@pytest.mark.parametrize(("text", "value"), [("\nadd()\n", "installed_plugin"), ("", "installed_plugin:add")])
def test_an_installed_package_registers_a_network(
    text: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(monkeypatch, tmp_path, PLUGIN + text, value)
    configure()
    assert "installed_plugin" not in sys.modules, "loaded although nothing needs it"
    assert configure(options=["network.kind=plugin"]).network.kind == "plugin"


def test_an_installed_package_that_fails_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path, "1 / 0", "installed_plugin")
    with pytest.raises(NevoaError, match=r"installed plugin 'theirs' \(installed_plugin\) failed to import: ZeroDiv"):
        configure(options=["network.kind=plugin"])


def test_names_in_a_config_are_never_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil_plugin.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(str(tmp_path))
    for kind in ("evil_plugin", "evil_plugin:Network"):
        with pytest.raises(NevoaError, match="There is no network"):
            configure(options=[f"network.kind='{kind}'"])


def command(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Type a command; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["nevoa", *arguments])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


@pytest.mark.slow
def test_the_commands_that_follow_a_training_load_its_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Copied from the terminal, each of them works."""

    def stopped(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    Path("my plugin.py").write_text(PLUGIN + "\nadd()\n")
    small = [part for option in TINY if not option.startswith("network.") for part in ("-o", option)]
    options = ("--plugin", "my plugin.py", *small, "-o", "network.kind=plugin")
    train = ("train", "fashion_mnist_10k", "--steps", "2", "--out", "run", *options)
    with monkeypatch.context() as patch:
        patch.setattr(training, "show_progress", stopped)
        command(*train, monkeypatch=patch)
    assert "To resume: nevoa continue run '--plugin=my plugin.py'\n" in capsys.readouterr().err
    assert command(*train, monkeypatch=monkeypatch) == 0
    assert "Try:     nevoa sample run '--plugin=my plugin.py'\n" in capsys.readouterr().out
    assert command(*train, monkeypatch=monkeypatch) == 0
    assert "nevoa continue run --steps 4 '--plugin=my plugin.py'\n" in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_line_trains_and_samples_a_plugins_network(
    plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    run, images, taken = tmp_path / "run", tmp_path / "images.npy", ("--plugin", str(plugin))
    small = [part for option in TINY if not option.startswith("network.") for part in ("-o", option)]
    train = ("train", "fashion_mnist_10k", "--steps", "2", "--out", str(run), *small, "-o", "network.kind=plugin")
    sample = ("sample", str(run), "--count", "2", "--out", str(images))
    assert command(*train, monkeypatch=monkeypatch) == 2
    assert not run.exists()
    assert command(*train, *taken, monkeypatch=monkeypatch) == 0
    assert command(*sample, *taken, monkeypatch=monkeypatch) == 0
    assert images.exists()
    assert command("runs", "check", str(run), *taken, monkeypatch=monkeypatch) == 0
    unregister("network", "plugin")
    images.unlink()
    capsys.readouterr()
    assert command(*sample, monkeypatch=monkeypatch) == 2
    assert "There is no network 'plugin'." in capsys.readouterr().err
    assert not images.exists()
    assert command("runs", "check", str(run), monkeypatch=monkeypatch) == 2
    out, err = capsys.readouterr()
    assert "The run cannot be checked without --plugin FILE.py" in err
    assert "damaged" not in out + err
