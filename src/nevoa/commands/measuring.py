"""Parts that the measuring commands share: what they measure, the images to compare with, and the progress."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from nevoa.commands.written import PathLike
from nevoa.errors import NevoaError, reason

if TYPE_CHECKING:
    from nevoa.config import ModelPlan
    from nevoa.config.names import DeviceName
    from nevoa.evaluation import Reference, Samples, Stage
    from nevoa.model import Model, Shape
    from nevoa.runs import Run


class Subject(NamedTuple):
    """The subject of a measurement: a run, a model of diffusers or of the Hub, or images in files."""

    run: "Run | None" = None
    model: "Model | None" = None
    files: "Samples | None" = None

    def read(self, place: Path, count: int) -> "Subject":
        """Read so many images of a file or folder, unless this is a run or a model."""
        from nevoa.evaluation import from_files

        return self if self.run or self.model else Subject(files=from_files(place, count))

    def reference(self, against: str | None) -> "Reference":
        """The source named, as the run prepares its images and at their size; else the run's, else Fashion-MNIST."""
        from nevoa.config import DataConfig, parse
        from nevoa.data import same_source
        from nevoa.evaluation import Reference

        against = str(against) if isinstance(against, Path) else against
        own = self.run.plan().data if self.run else DataConfig(source="fashion_mnist")
        if against is None:
            return Reference.of(own)
        _, (channels, height, width) = self.described()
        is_own = self.run is not None and same_source(against, own.source)
        prepared = {"size": (height, width), "channels": channels, "background": own.background, "fit": own.fit}
        if is_own:  # divided as its plan says
            data = own.model_copy(update={"source": against, **prepared})
        else:
            data = parse({"data": {"source": against, "holdout": "auto", **prepared}}).data
        return replace(Reference.of(data), foreign=self.run is not None and not is_own)

    def described(self) -> "tuple[ModelPlan | None, Shape]":
        """The plan of the model, None if there is none; and the shape of the images."""
        from nevoa.runs import check_has_model
        from nevoa.runs.model_files import read_plan

        if self.model:
            return self.model.plan, self.model.shape
        if self.run:
            check_has_model(self.run)
            return read_plan(self.run.model_config_file)
        assert self.files
        _, height, width, channels = self.files.images.shape
        return None, (channels, height, width)

    @property
    def weights(self) -> str | None:
        """The sha256 of the weights of a run."""
        from nevoa._util.files import sha256

        return sha256(self.run.weights_file) if self.run else None

    @property
    def device(self) -> "DeviceName":
        """The device that makes the images."""
        from nevoa.parallel.device import choose_device

        return choose_device() if self.run else self.model.device if self.model else "cpu"

    def images(self, reference: "Reference", count: int, seed: int, **options: Any) -> "Iterable[Stage | Samples]":
        """Make images, or give those in files."""
        from nevoa.evaluation import from_model, from_run

        if self.model:
            return from_model(self.model, reference, count, seed, **options)
        if self.run:
            return from_run(self.run, reference, count, seed, **options)
        assert self.files
        return [self.files]


def opened(place: PathLike | None, against: str | None) -> Subject:
    """The run to measure, or the model of diffusers, of the Hub or of nevoa; neither if the place holds images."""
    from nevoa.commands.load import is_model, load
    from nevoa.runs import Run, is_packaged, meant, newest_run

    if place == "":
        raise NevoaError("The name of the run is empty: name a run, or leave it out for the newest one.")
    if place and (is_model(place) or is_packaged(place)):
        if against is None:
            raise NevoaError(f"What {place} was trained on is not here: name images like these with --against SOURCE.")
        model = load(place)
        return Subject(model=replace(model, place=str(place)) if is_packaged(place) else model)
    run = place if isinstance(place, Run) else Run(Path(place)) if place else newest_run()
    if not run.folder.exists():
        raise NevoaError(f"There is no run, file or folder {run.folder}.{meant(run)}")
    return Subject(run if run.has_model or run.exists else None)


Result = TypeVar("Result")


def results(stream: "Iterable[Stage | Result]") -> list[Result]:
    """The results in a stream; a bar shows the stages between them."""
    from nevoa._util.console import progress_bar
    from nevoa.evaluation import Stage

    found: list[Result] = []
    with progress_bar() as progress:
        task = progress.add_task("", total=1)
        for item in stream:
            if isinstance(item, Stage):
                progress.update(task, description=item.name, completed=item.done, total=item.total)
            else:
                found.append(item)
    return found


def saved(write: "Callable[[Run], Path]", run: "Run") -> Path | None:
    """Save what was measured in the run folder; None if that fails: a full disk must not lose what took minutes."""
    try:
        return write(run)
    except (NevoaError, OSError) as error:
        warnings.warn(f"Cannot save the evaluation in {run.folder}: {reason(error)}", stacklevel=3)
        return None
