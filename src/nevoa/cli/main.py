"""`nevoa`: the commands, and how their errors are reported."""

import atexit
import gc
import inspect
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from cyclopts import App, CoercionError, CycloptsError, Parameter, Token, convert
from cyclopts.exceptions import UnusedCliTokensError

from nevoa._util.interrupt import leave_on_signals
from nevoa._util.threads import wait_politely
from nevoa.cli import (
    config,
    continue_,
    data,
    distill,
    evaluate,
    export,
    features,
    first,
    noise,
    push,
    runs,
    sample,
    studio,
    train,
    upscale,
    verify,
)
from nevoa.cli.help import HelpFormatter
from nevoa.cli.streams import lasting_streams
from nevoa.config.plugins import load_plugins
from nevoa.errors import NevoaError, SaidElsewhere
from nevoa.parallel.environment import rank, world_size


def _shown(default: object) -> str | None:
    """Show a default in the help unless it only means that nothing was given."""
    if default is None or default is False or default == ():
        return None
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


# Each type of value, in words.
KINDS: dict[Any, str] = {
    int: "a whole number in digits, such as 100",
    float: "a number, such as 2.5",
    timedelta: "a time, such as 30s or 2m",
    Literal["auto"]: "auto",
}


def _converted(kind: Any, tokens: Sequence[Token]) -> object:
    """Convert what was typed after an option as cyclopts does, which would also round 2.7 to a whole number."""
    try:
        return convert(kind, tokens, converter=_of_one_word)
    except CoercionError as error:
        words = [KINDS[one] for one in (kind, *get_args(kind)) if one in KINDS]
        if not words:  # cyclopts lists the choices
            raise
        raise CoercionError(msg=f'"{tokens[0].value}" is not {", or ".join(words)}.', token=tokens[0]) from error


def _of_one_word(kind: Any, word: str) -> object:
    return int(word) if kind is int else convert(kind, [word])


# The commands that share their work out among the processes that torchrun starts.
TOGETHER = "train", "continue", "distill", "sample", "evaluate", "data prepare", "features train"

app = App(
    name="nevoa",
    help="Train denoising diffusion models on small images, and make new ones.",
    version_flags=(),  # a command, which takes --verbose
    help_format="plaintext",
    help_formatter=HelpFormatter(),
    default_parameter=Parameter(negative=(), show_default=_shown, converter=_converted),
)
for command in (
    train.train,
    distill.distill,
    sample.sample,
    upscale.upscale,
    evaluate.evaluate,
    verify.verify,
    export.export,
    noise.noise,
    push.push,
    studio.studio,
    data.app,
    features.app,
    runs.app,
    config.app,
):
    app.command(command)
app.command(continue_.continue_, name="continue")
app.command(first.show_version, name="--version")
app.register_install_completion_command(help="Complete commands and options in this shell from now on.")


def main() -> None:
    """Run the command line.

    Exit codes: 0, 1 if `nevoa verify` finds a score that differs or none that can be compared, 2 for an error that the
    user can correct, 129 for SIGHUP, 130 for Ctrl-C, 143 for SIGTERM.
    """
    wait_politely()
    leave_on_signals()
    # Python searches for garbage while torch is loaded, and all of torch at the end: that took 0.15 s and 0.4 s.
    gc.set_threshold(50_000, 20, 100)
    atexit.register(gc.freeze)
    with lasting_streams():
        _run()


def _run() -> None:
    try:
        with warnings.catch_warnings(), _one_voice():
            warnings.showwarning = _warn
            warnings.filterwarnings("default", category=UserWarning, module="nevoa")
            load_plugins(())
            _check_together(sys.argv[1:])
            if sys.argv[1:]:
                app(sys.argv[1:], exit_on_error=False, print_error=False, result_action="return_value")
            else:
                first.print_first_steps()
            print(end="", flush=True)  # a full disk is an error here, not at the end of Python
    except UnusedCliTokensError as error:
        _refuse(_surplus(error))
    except SaidElsewhere:
        sys.exit(2)
    except (NevoaError, CycloptsError) as error:
        _refuse(str(error))
    except OSError as error:  # a file operation without an error message of its own
        named = f"{error.filename}: " if error.filename else ""
        _refuse(f"{named}{error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def _one_voice() -> Iterator[None]:
    """Let only the first of several processes print."""
    if not rank():
        yield
        return
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


def _check_together(arguments: list[str]) -> None:
    """Raise a NevoaError if several processes would do the same work, and write the same files."""
    typed = " ".join(arguments)
    if world_size() > 1 and not typed.startswith(TOGETHER):
        raise NevoaError(f"'nevoa {typed.partition(' -')[0]}' works in one process: start it without torchrun.")


def _surplus(error: UnusedCliTokensError) -> str:
    """Say how many arguments a command takes: a shell gives it several for `photos/*.png`."""
    surplus, typed = error.unused_tokens or [], " ".join(("nevoa", *(error.command_chain or ())))
    parameters = inspect.signature(error.target).parameters.values() if error.target else ()
    names = [one.name for one in parameters if one.kind is one.POSITIONAL_ONLY]
    if not names:
        return f"'{typed}' takes no argument '{surplus[0]}'. See '{typed} --help'."
    taken = " and ".join(f"one {name}" for name in names)
    folder = ", such as a folder" if names[-1] == "source" else ""
    return f"'{typed}' takes {taken}, but got {len(names) + len(surplus)} arguments: give {taken}{folder}."


def _refuse(message: str) -> None:
    """Print an error and exit with code 2. Of several processes with the same error, one prints it."""
    if world_size() > 1:
        from nevoa.parallel.group import is_first_to_say

        if not is_first_to_say(message):
            sys.exit(2)
    _print(f"nevoa: {message}")
    sys.exit(2)


def _warn(message: Warning | str, *_: object) -> None:
    """Print a warning without the line of code that it came from."""
    _print(f"nevoa: warning: {message}")


def _print(text: str) -> None:
    from nevoa.cli.terminal import console

    console(stderr=True).print(text)
