"""What the commands that measure have in common: what is measured, what it is compared with, and the progress."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from rich.progress import Progress

    from nevoa.evaluation import Reference, Samples, Stage
    from nevoa.model import Model, Shape
    from nevoa.runs import Run


class Subject(NamedTuple):
    """What is measured: a run, a model of diffusers or of the Hub, or else images in files."""

    run: "Run | None" = None
    model: "Model | None" = None
    files: "Samples | None" = None

    def read(self, place: Path, count: int) -> "Subject":
        """Read so many images of a file or folder, unless this is a run or a model."""
        from nevoa.evaluation import from_files

        return self if self.run or self.model else Subject(files=from_files(place, count))

    def reference(self, against: str | None) -> "Reference":
        """The source named, at the size of the images; else the run's, else Fashion-MNIST."""
        from nevoa.config import DataConfig, parse
        from nevoa.evaluation import Reference

        if against is None:
            return Reference.of(self.run.config().data if self.run else DataConfig(source="fashion_mnist"))
        channels, height, width = self._shape()
        data = {"source": against, "size": (height, width), "channels": channels, "holdout": "auto"}
        return Reference.of(parse({"data": data}).data)

    def images(self, reference: "Reference", count: int, seed: int, **options: Any) -> "Iterable[Stage | Samples]":
        """Make images, or give those in files."""
        from nevoa.evaluation import from_model, from_run

        if self.model:
            return from_model(self.model, reference, count, seed, **options)
        if self.run:
            return from_run(self.run, reference, count, seed, **options)
        assert self.files
        return [self.files]

    def _shape(self) -> "Shape":
        from nevoa.runs.model_files import read_config

        if self.model:
            return self.model.shape
        if self.run:
            return read_config(self.run.model_config_file)[1]
        assert self.files
        _, height, width, channels = self.files.images.shape
        return channels, height, width


def opened(place: str | None, against: str | None) -> Subject:
    """The run to measure, or the model of diffusers or of the Hub; neither if the place holds images."""
    from nevoa.interop.load import is_model, load
    from nevoa.runs import Run, meant, newest_run

    if place and is_model(place):
        if against is None:
            raise NevoaError(f"What {place} was trained on is not known: name images like these with --against SOURCE.")
        return Subject(model=load(place))
    run = Run(Path(place)) if place else newest_run()
    if not run.folder.exists():
        raise NevoaError(f"There is no run, file or folder {run.folder}.{meant(run)}")
    return Subject(run if run.has_model or run.exists else None)


def last_of(stream: "Iterable[Any]", progress: "Progress") -> Any:
    """The result of a stream, its last item; a bar shows the stages before it."""
    from nevoa.evaluation import Stage

    item, task = None, progress.add_task("", total=1)
    for item in stream:
        if isinstance(item, Stage):
            progress.update(task, description=item.name, completed=item.done, total=item.total)
    progress.remove_task(task)
    return item
