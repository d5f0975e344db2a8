"""What the commands that measure have in common: what is measured, what it is compared with, and the progress."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from rich.progress import Progress

    from nevoa.evaluation import Reference, Samples
    from nevoa.model import Model, Shape
    from nevoa.runs import Run


def opened(subject: str | None, against: str | None) -> "tuple[Run | None, Model | None]":
    """The run to measure, or the model of diffusers or of the Hub; neither for images in files."""
    from nevoa.interop.load import is_model, load
    from nevoa.runs import Run, meant, newest_run

    if subject and is_model(subject):
        if against is None:
            raise NevoaError(
                f"What {subject} was trained on is not known: name images like these with --against SOURCE."
            )
        return None, load(subject)
    run = Run(Path(subject)) if subject else newest_run()
    if not run.folder.exists():
        raise NevoaError(f"There is no run, file or folder {run.folder}.{meant(run)}")
    return (run if run.has_model or run.exists else None), None


def shape_of(files: "Samples | None") -> "Shape | None":
    if files is None:
        return None
    _, height, width, channels = files.images.shape
    return channels, height, width


def reference_of(run: "Run | None", shape: "Shape | None", against: str | None) -> "Reference":
    """The source named, at the size of the images; else the run's, else Fashion-MNIST."""
    from nevoa.config import DataConfig, parse
    from nevoa.evaluation import Reference
    from nevoa.runs.model_files import read_config

    if against is None:
        return Reference.of(run.config().data if run else DataConfig(source="fashion_mnist"))
    if shape is None:
        assert run
        _, shape = read_config(run.model_config_file)
    channels, height, width = shape
    data = {"source": against, "size": (height, width), "channels": channels, "holdout": "auto"}
    return Reference.of(parse({"data": data}).data)


def last_of(stream: "Iterable[Any]", progress: "Progress") -> Any:
    """The result of a stream, its last item; a bar shows the stages before it."""
    from nevoa.evaluation import Stage

    item, task = None, progress.add_task("", total=1)
    for item in stream:
        if isinstance(item, Stage):
            progress.update(task, description=item.name, completed=item.done, total=item.total)
    progress.remove_task(task)
    return item
