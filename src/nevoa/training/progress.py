"""A stream of steps, seen: a bar on a terminal, plain lines elsewhere."""

from collections.abc import Generator, Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from nevoa.config import TrainingConfig
from nevoa.training.loop import Step

# The bar's loss is an exponential average over about the last 50 steps.
SMOOTHING = 0.98


def show_progress(steps: Iterable[Step], config: TrainingConfig) -> Generator[Step, None, None]:
    """Pass the steps on while showing where training is. A line remains for each epoch."""
    console = Console(stderr=True)
    shown = _bar(steps, config, console) if console.is_terminal else _lines(steps, config, console)
    for step in shown:
        if step.epoch_ended:
            console.print(f"epoch {step.epoch}  loss {step.epoch_loss:.4f}", highlight=False)
        yield step


def _bar(steps: Iterable[Step], config: TrainingConfig, console: Console) -> Iterator[Step]:
    columns = (
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} images"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("loss {task.fields[loss]:.4f}  {task.fields[speed]:,.0f} images/s "),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=(config.steps or 0) * config.batch_size, loss=float("nan"), speed=0.0)
        for step, loss, speed in _smoothed(steps):
            progress.update(task, completed=step.images_seen, loss=loss, speed=speed)
            yield step


def _lines(steps: Iterable[Step], config: TrainingConfig, console: Console) -> Iterator[Step]:
    last = config.steps or 0
    for step, loss, speed in _smoothed(steps):
        every = config.report_every_images
        if step.images_seen // every != (step.images_seen - config.batch_size) // every or step.step == last:
            left = (last - step.step) * config.batch_size / speed
            console.print(
                f"{step.images_seen:,}/{last * config.batch_size:,} images  loss {loss:.4f}  "
                f"{speed:,.0f} images/s  {left:,.0f} s left",
                highlight=False,
                soft_wrap=True,
            )
        yield step


def _smoothed(steps: Iterable[Step]) -> Iterator[tuple[Step, float, float]]:
    """Each step with the smoothed loss and images per second, both without the bias of their beginning."""
    loss = seconds = weight = 0.0
    for step in steps:
        weight = SMOOTHING * weight + 1 - SMOOTHING
        loss = SMOOTHING * loss + (1 - SMOOTHING) * step.loss
        seconds = SMOOTHING * seconds + (1 - SMOOTHING) / step.images_per_second
        yield step, loss / weight, weight / seconds
