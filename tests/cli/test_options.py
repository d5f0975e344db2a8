"""Options shared by commands."""

import re
from dataclasses import fields
from inspect import cleandoc
from pathlib import Path

import pytest
from cyclopts import App

from nevoa.cli.main import app
from nevoa.cli.options import SamplerFlags, SourceFlags
from nevoa.cli.train import TrainingFlags
from nevoa.config import DataConfig, SamplingConfig
from tests.cli.conftest import nevoa


def test_groups_of_options_are_keys_of_the_config() -> None:
    assert SourceFlags(only=("cat",), size="9").keywords().keys() <= DataConfig.model_fields.keys()
    assert SamplerFlags().keywords().keys() == SamplingConfig.model_fields.keys()


@pytest.mark.parametrize("group", [SourceFlags, SamplerFlags, TrainingFlags])
def test_every_option_has_a_help_text(group: type) -> None:
    docs = "\n".join(cleandoc(kind.__doc__ or "") for kind in group.__mro__)
    helped = [field.name for field in fields(group) if any(one.help for one in getattr(field.type, "__metadata__", ()))]
    assert all(f"\n    {field.name}: " in docs for field in fields(group) if field.name not in helped)


def whole_number_options(commands: App = app, typed: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command, with what it requires and each of its options that takes a whole number."""
    arguments = commands.assemble_argument_collection() if commands.default_command else ()
    needed = [one.name for one in arguments if one.required]
    words = [word for name in needed for word in ((name, "onnx") if name == "--to" else ("x",))]
    found = [(*typed, *words, one.name) for one in arguments if re.search(r"\bint\b|Literal\[\d", f"{one.hint}")]
    subcommands = [name for name in commands if not name.startswith("-")]
    return found + [option for name in subcommands for option in whole_number_options(commands[name], (*typed, name))]


WHOLE = whole_number_options()


def test_the_options_of_all_commands_are_found() -> None:
    found = {" ".join(words).replace(" x", "") for words in WHOLE}
    assert {"sample --seed", "train --channels", "continue --steps", "data show --limit", "studio --port"} <= found


@pytest.mark.parametrize("option", WHOLE, ids=" ".join)
def test_a_whole_number_is_never_a_rounded_one(option: tuple[str, ...], tmp_path: Path) -> None:
    """Nor is it written in another way than in digits, as after -o: 1e3 and 3.0 are refused, too."""
    for typed in ("3.5", "1.2", "3.0", "1e3", "0x3"):
        told = nevoa(*option, typed, folder=tmp_path, code=2).stderr
        assert f'"{typed}"' in told and option[-1] in told and len(told.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("typed", ["64.5", "64.0", "1e2"])
def test_a_whole_number_of_the_config_is_never_a_rounded_one(typed: str, tmp_path: Path) -> None:
    told = nevoa("train", "shapes", "--dry-run", "-o", f"training.batch_size={typed}", folder=tmp_path, code=2).stderr
    assert "training.batch_size: Input should be a valid integer" in told
