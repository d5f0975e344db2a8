"""The public names that 1.x keeps: of Python, of commands and options, of config keys. To write the list:

python -m tests.public
"""

import contextlib
import importlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

from cyclopts import App

import nevoa
from nevoa.cli import config
from nevoa.cli.main import app
from tests.docs.examples import ROOMS

LIST = Path(__file__).with_name("public.txt")


def text() -> str:
    return "".join(f"{line}\n" for line in sorted({*_names(), *_typed(app, "nevoa"), *_keys()}))


def _names() -> Iterator[str]:
    for module in (nevoa, *(importlib.import_module(f"nevoa.{room}") for room in ROOMS)):
        yield from (f"{module.__name__}.{name}" for name in module.__all__)


def _typed(commands: App, start: str) -> Iterator[str]:
    """The commands and their options, as they are typed."""
    for name in (name for name in commands if not name.startswith("-")):
        typed, command = f"{start} {name}", commands[name]
        yield typed
        if command.default_command is None:
            arguments = []
        else:
            arguments = command.assemble_argument_collection(default_parameter=app.default_parameter)
        for argument in arguments:
            yield from (f"{typed} {option}" for option in argument.names if option.startswith("-"))
        yield from _typed(command, typed)


def _keys() -> Iterator[str]:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        config.keys(as_json=True)
    yield from (f"-o {row['key']}" for row in json.loads(printed.getvalue()))


if __name__ == "__main__":
    LIST.write_text(text(), encoding="utf-8")
