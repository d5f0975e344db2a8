"""`nevoa config keys`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nevoa.cli.config import keys
from nevoa.cli.main import main
from nevoa.config import Config
from nevoa.config.presets import configure
from nevoa.config.registry import NETWORKS, PRESETS


@pytest.fixture
def listed(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    keys(as_json=True)
    return json.loads(capsys.readouterr().out)


def test_every_key_has_a_meaning_and_values(listed: list[dict]) -> None:
    for row in listed:
        assert row["meaning"].partition(": ")[2] or ": " not in row["meaning"], row
        assert len(row["meaning"]) > 10 and row["values"], row
    sections = {name: type(section) for name, section in Config() if name != "network"}
    expected = {f"{name}.{key}" for name, section in sections.items() for key in section.model_fields}
    kinds = [NETWORKS.options(name) for name in NETWORKS.own]
    expected |= {f"network.{key}" for kind in kinds for key in kind.model_fields}
    assert {row["key"] for row in listed} >= expected


def test_the_defaults_are_those_of_the_preset(listed: list[dict], capsys: pytest.CaptureFixture[str]) -> None:
    assert {row["key"]: row["default"] for row in listed}["training.batch_size"] == "auto"
    keys(preset="classic", as_json=True)
    defaults = {row["key"]: row["default"] for row in json.loads(capsys.readouterr().out)}
    assert (defaults["training.batch_size"], defaults["network.kind"]) == (128, "unet")
    assert defaults["training.epochs"] == PRESETS["classic"]["training"]["epochs"]


def test_a_default_that_is_typed_changes_nothing(listed: list[dict]) -> None:
    base = configure()
    others = tuple(f"{kind}: " for kind in NETWORKS if kind != base.network.kind)
    settable = [row for row in listed if row["default"] is not None and not row["meaning"].startswith(others)]
    for row in settable:
        assert configure(options=[f"{row['key']}={json.dumps(row['default'])}"]) == base, row


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("training.seed", "whole number from 0"),
        ("training.label_dropout", "number from 0 below 1"),
        ("training.learning_rate", "number above 0"),
        ("training.condition", "a list of text or auto"),
        ("diffusion.timesteps", "whole number from 2 to 100000"),
        ("diffusion.schedule", "linear, quadratic, sigmoid, cosine, flow"),
        ("data.channels", "1, 3"),
        (
            "data.augment",
            "auto, none, strong, number above 0 to 1, flip, mirror, shift, scale, rotate, squeeze, colour",
        ),
    ],
)
def test_values_are_in_words(key: str, values: str, listed: list[dict]) -> None:
    assert {row["key"]: row["values"] for row in listed}[key] == values


@pytest.mark.parametrize("columns", [100, 80, 40])
def test_the_keys_fit_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe is 100 columns wide."""
    if columns < 100:
        monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "argv", ["nevoa", "config", "keys"])
    main()
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= columns and "…" not in out
    assert "training.checkpoint_every_images" in out


def test_the_keys_of_one_section(listed: list[dict], capsys: pytest.CaptureFixture[str]) -> None:
    keys("network", as_json=True)
    assert json.loads(capsys.readouterr().out) == [row for row in listed if row["key"].startswith("network.")] != listed


@pytest.mark.usefixtures("registered")
def test_a_plugin_adds_its_keys_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "import nevoa\n"
        "from nevoa.config import NetworkConfig\n"
        "class Config(NetworkConfig):\n"
        '    """A network.\n\n    Attributes:\n        width: channels\n            of it.\n    """\n'
        "    width: int = 3\n"
        "class Module:\n    def forward(self): ...\n"
        "nevoa.register('network', 'own', Module, Config)\n"
        "nevoa.register('loss', 'mine', lambda output, target: output)\n"
    )
    monkeypatch.setattr(sys, "argv", ["nevoa", "config", "keys", "--json", "--plugin", str(plugin)])
    main()
    listed = json.loads(capsys.readouterr().out)
    rows = [row for row in listed if row["meaning"].startswith("own: ")]
    assert [(row["key"], row["default"], row["meaning"]) for row in rows] == [
        ("network.width", 3, "own: channels of it.")
    ]
    assert {row["key"]: row["values"] for row in listed}["training.loss"] == "l1, l2, huber, mine"


def test_the_keys_need_no_torch(tmp_path: Path) -> None:
    """Unless an installed package that registers parts needs it."""
    script = (
        "import sys, importlib.metadata; importlib.metadata.entry_points = lambda group: []\n"
        "from nevoa.cli.config import keys; keys(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, capture_output=True)
