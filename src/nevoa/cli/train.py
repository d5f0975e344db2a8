"""`nevoa train`."""

import json
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nevoa.cli import options
from nevoa.cli.interrupt import Interrupt
from nevoa.cli.notify import notify as send
from nevoa.cli.options import names_of, size_of
from nevoa.cli.preparation import left_out, show_preparation

if TYPE_CHECKING:
    from nevoa.training import Plan


# Fewer than this, and a network has seen each of them a thousand times within minutes.
FEW_IMAGES = 100


def train(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A folder of images, a .zip, .tar, .npy, .npz, .parquet or idx file, hf:OWNER/NAME, or a data set of "
            "'nevoa data list'.",
            show_default="the preset's",
        ),
    ] = None,
    preset: Annotated[str, typer.Option(help="quick, classic or ddpm-cifar10.")] = "quick",
    minutes: Annotated[float | None, typer.Option(help="Train for so long, all told.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Train for so many passes over the data.")] = None,
    steps: Annotated[int | None, typer.Option(help="Train for so many steps.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder.", show_default="runs/SOURCE-PRESET")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides everything random.", show_default="0")] = None,
    split: options.Split = None,
    classes: options.Classes = None,
    limit: options.Limit = None,
    size: options.Size = None,
    channels: options.Channels = None,
    background: options.Background = None,
    strict: options.Strict = None,
    flip: Annotated[
        bool | None,
        typer.Option(
            "--flip/--no-flip",
            help="Mirror images at random, half of the time.",
            show_default="as suits the data: not for text",
        ),
    ] = None,
    conditional: Annotated[
        bool | None,
        typer.Option(
            "--conditional/--no-conditional",
            help="Tell the network the classes, so that they can be asked for.",
            show_default="the preset's",
        ),
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("-o", metavar="SECTION.KEY=VALUE", help="Set any config key.")
    ] = None,
    plugin: options.Plugin = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on with a run although settings, data or torch differ.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON.")] = False,
    notify: Annotated[
        bool,
        typer.Option(
            "--notify", help="Ring the bell at the end; with Apprise (the extra 'notify') also send a message."
        ),
    ] = False,
) -> None:
    """Train a model. The same command again goes on where it stopped."""
    # The minutes began when the process did, and all of its time so far was spent computing.
    started = time.perf_counter() - time.process_time()
    from nevoa.presets import configure
    from nevoa.training import Plan, default_folder, fit_resolved, resolve_run, show_progress

    config = configure(
        source,
        preset,
        options=option or (),
        minutes=minutes,
        epochs=epochs,
        steps=steps,
        seed=seed,
        split=split,
        only=names_of(classes),
        limit=limit,
        size=size_of(size),
        channels=channels,
        background=background,
        strict=strict,
        flip=flip,
        conditional=conditional,
    )
    # Images are decoded once for all trainings: the minutes are not for that.
    before = time.perf_counter()
    show_preparation(config.data)
    started += time.perf_counter() - before
    folder = out or default_folder(config, preset)
    trial = resolve_run(config, folder, started, accept_changes=accept_changes)
    plan = Plan.of(trial)
    if as_json:
        typer.echo(json.dumps(plan.as_dict()))
    else:
        _print_plan(plan, folder)
    if dry_run:
        return
    with (
        Interrupt() as interrupt,
        closing(fit_resolved(trial, folder, accept_changes=accept_changes)) as stream,
        closing(show_progress(stream, plan.config.training)) as shown,
    ):
        stopped = any(interrupt.exit_code for _ in shown)
    if stopped:
        typer.echo(f"Stopped. {folder} is whole; the same command goes on from here.", err=True)
        raise typer.Exit(interrupt.exit_code)
    typer.echo(f"Trained: {folder}\nTry:     nevoa sample {folder} --out images.png", err=as_json)
    if notify:
        send(f"nevoa: {folder.name} is trained", f"{plan.steps * config.training.batch_size:,} images seen.")


def _print_plan(plan: "Plan", folder: Path) -> None:
    from nevoa.runs.overview import saved
    from nevoa.runs.run import Run

    channels, height, width = plan.shape
    done = max(saved(Run(folder)), default=0) // plan.config.training.batch_size
    rows = {
        "data": f"{plan.source}: {plan.images:,} images, {height}x{width}, {channels} channel{'s' * (channels > 1)}"
        f"{', mirrored' * bool(plan.config.data.flip)}{left_out(plan.notes)}",
        "network": f"{plan.network}, {plan.parameters:,} parameters{_classes(plan)}",
        "device": f"{plan.device}, {plan.precision}, {plan.threads} thread{'s' * (plan.threads > 1)}",
        "steps": f"{plan.steps:,} of {plan.config.training.batch_size} images{f', {done:,} are done' * bool(done)}",
        "time": f"about {_duration(plan.seconds * max(0, 1 - done / plan.steps))} ({plan.step_seconds:.3g} s a step)",
        "compute": f"{plan.flop_per_image / 1e9:.3g} GFLOP an image, {plan.flop_per_second / 1e9:,.0f} GFLOP/s",
        "memory": f"about {plan.memory_bytes / 1e9:.1f} GB",
        "disk": f"up to {plan.disk_bytes / 1e6:,.0f} MB",
        "folder": str(folder),
    }
    if plan.images < FEW_IMAGES:
        rows["few"] = f"{plan.images} images are soon learned by heart: expect copies of them, or blends"
    table = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        table.add_row(f"[bold]{name}", escape(value))
    Console(highlight=False, soft_wrap=True).print(table)


def _classes(plan: "Plan") -> str:
    return f", told which of {len(plan.config.classes)} classes" if plan.config.classes else ""


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
