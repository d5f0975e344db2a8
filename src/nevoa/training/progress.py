"""Show a stream of steps: a bar on a terminal, plain lines elsewhere.

rich is imported where it is used: its import draws from Python's global random state.
"""

import math
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING

from nevoa.config import TrainingConfig
from nevoa.training.loop import Step
from nevoa.training.state import RecentMean

if TYPE_CHECKING:
    from rich.console import Console

# Of a line of progress, without the two counts of images but with ten places for the bar.
TEXT_WIDTH = 66


def show_progress(steps: Iterable[Step], config: TrainingConfig) -> Generator[Step, None, None]:
    """Pass the steps on while showing progress. One line per epoch remains, at most one per report.

    The loss is that of the last report, as in the run's metrics, so that all commands show the same.

    Example:
        >>> config = nevoa.training.resolve(config).config  # with the number of steps and the size of a batch
        >>> for step in show_progress(nevoa.fit(config), config.training):
        ...     pass
    """
    from nevoa._util.console import VisibleConsole

    console, last_line, every = VisibleConsole(stderr=True), None, _report_interval(config)
    shown = _bar(steps, config, console) if console.is_terminal else _lines(steps, config, console)
    for step in shown:
        if step.epoch_ended and (last_line is None or step.images_seen - last_line >= every):
            console.print(f"epoch {step.epoch}  mean loss {step.epoch_loss:.4f}", highlight=False)
            last_line = step.images_seen
        yield step


def _bar(steps: Iterable[Step], config: TrainingConfig, console: "Console") -> Iterator[Step]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    total = (config.steps or 0) * config.known_batch_size
    columns = BarColumn(bar_width=None), TaskProgressColumn(), TextColumn("{task.fields[status]}")
    time_left = TimeRemainingColumn(compact=True)
    counts = TextColumn("{task.completed:,.0f}/{task.total:,.0f} images")
    # On a narrow terminal the text would leave no room for the bar.
    wide = console.width >= TEXT_WIDTH + 2 * len(f"{total:,}")
    shown = (counts, *columns, time_left, TextColumn("left")) if wide else (*columns, time_left)
    with Progress(*shown, console=console) as progress:
        task = progress.add_task("", total=total, status="starting")
        loss, reported = math.nan, False
        for step, speed in _with_speed(steps):
            is_due = _is_due(step.images_seen, step.step == step.steps, config)
            if is_due or not reported:
                loss = step.report_loss
            reported = reported or is_due
            status = _status(_in_words(loss), f"{speed:,.0f} images/s", bool(step.memorises_since), wide)
            progress.update(task, completed=step.images_seen, total=step.steps * config.known_batch_size, status=status)
            yield step


def _lines(steps: Iterable[Step], config: TrainingConfig, console: "Console") -> Iterator[Step]:
    for step, speed in _with_speed(steps):
        if _is_due(step.images_seen, step.step == step.steps, config):
            left = (step.steps - step.step) * config.known_batch_size / speed
            console.print(
                f"{step.images_seen:,}/{step.steps * config.known_batch_size:,} images  {_in_words(step.report_loss)}  "
                f"{_memorising(step.memorises_since)}{speed:,.0f} images/s  {left:,.0f} s left",
                highlight=False,
                soft_wrap=True,
            )
        yield step


def _report_interval(config: TrainingConfig) -> int:
    """Images between two reports; one step if that is still open."""
    return config.report_every_images or config.known_batch_size


def _is_due(seen: int, is_last: bool, config: TrainingConfig) -> bool:
    """Whether a report is due after so many images; it is after the last."""
    every = _report_interval(config)
    return seen // every != (seen - config.known_batch_size) // every or is_last


def _in_words(loss: float) -> str:
    """The loss in words; no step may have had a finite one yet."""
    return "no finite loss yet" if math.isnan(loss) else f"loss {loss:.4f}"


def _status(loss: str, speed: str, memorises: bool, wide: bool) -> str:
    """The words after the bar; on a narrow terminal there is room for one of them."""
    if memorises:
        return f"{loss}  memorising" if wide else "memorising"
    return f"{loss}  {speed}" if wide else loss


def _memorising(since: int | None) -> str:
    return f"memorising since {since:,}  " if since else ""


def _with_speed(steps: Iterable[Step]) -> Iterator[tuple[Step, float]]:
    """Each step with the images per second of the last ones."""
    seconds = RecentMean()
    for step in steps:
        seconds.add(1 / step.images_per_second)
        yield step, 1 / seconds.value
