"""`nevoa`: the commands, and what happens when one cannot be carried out."""

import signal
import sys

import typer

import nevoa
from nevoa._util.threads import wait_politely
from nevoa.cli import data, evaluate, features, noise, runs, sample, train
from nevoa.cli.interrupt import leave
from nevoa.errors import NevoaError

app = typer.Typer(
    help="Train denoising diffusion models on small images, and make new ones.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool | None) -> None:
    if wanted:
        typer.echo(f"nevoa {nevoa.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool | None = typer.Option(None, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


app.command("train")(train.train)
app.command("sample")(sample.sample)
app.command("evaluate")(evaluate.evaluate)
app.command("noise")(noise.noise)
app.add_typer(data.app, name="data")
app.add_typer(features.app, name="features")
app.add_typer(runs.app, name="runs")


def main() -> None:
    """Run the command line: 2 for what the user can mend, 130 for Ctrl-C, 143 for SIGTERM, never a traceback."""
    wait_politely()
    signal.signal(signal.SIGTERM, leave)
    try:
        app()
    except NevoaError as error:
        print(f"nevoa: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # of a path that nobody has asked for yet
        named = f"{error.filename}: " if error.filename else ""
        print(f"nevoa: {named}{error.strerror or error}.", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
