"""Find runs, and see them at a glance."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nevoa._util.files import size_of
from nevoa.config.names import RunStatus
from nevoa.errors import NevoaError
from nevoa.runs import journal
from nevoa.runs.checkpoint import best_saved, newest_saved
from nevoa.runs.layout import OWN_FOLDERS, RUNS
from nevoa.runs.lock import status_of
from nevoa.runs.reports import best_report
from nevoa.runs.run import Run


@dataclass(frozen=True)
class Summary:
    """A run in one line. A value that cannot be read from the run is None.

    Attributes:
        message: why it failed; "" if it did not.
        images_planned: `images_seen` at the end of the training.
        model_images: `images_seen` by its model, if that is an earlier one, whose held-out loss was lowest; else None.
        loss: of the last report: the mean over the images since the report before.
        quality: name and value of the Fréchet distance, and the number of images it was measured on.
        size: of the folder, in bytes.

    Example:
        >>> Summary.of(run).status
        'finished'
    """

    name: str
    status: RunStatus
    message: str
    images_seen: int
    images_planned: int | None
    model_images: int | None
    loss: float | None
    quality: tuple[str, float, int] | None
    size: int

    @classmethod
    def of(cls, run: Run) -> "Summary":
        """Summarize a run. Damaged parts are skipped."""
        lines = list(run.metrics())
        status, message = status_of(run)
        saved, best = newest_saved(run.checkpoints), best_saved(run.checkpoints)
        return cls(
            name=run.folder.name,
            status=status,
            message=message,
            images_seen=max([saved, *(line["images_seen"] for line in lines)]),
            images_planned=planned_images(run),
            model_images=None if best == saved else best,
            loss=lines[-1].get("loss") if lines else None,
            quality=_quality(run),
            size=size_of(run.folder),
        )


def chosen_in_words(images_seen: int) -> str:
    """Return in words which model of a run is its own, if that is not the last.

    Example:
        >>> chosen_in_words(38_400)
        'the one of 38,400 images, where the held-out loss was lowest'
    """
    return f"the one of {images_seen:,} images, where the held-out loss was lowest"


def runs_in(folder: Path) -> Iterator[Run]:
    """The runs in a folder, by name. A NevoaError if the folder does not exist.

    Example:
        >>> "clothes" in [run.folder.name for run in runs_in(Path("runs"))]
        True
    """
    if not folder.is_dir():
        raise NevoaError(f"There is no folder {folder}. 'nevoa train' creates runs in runs/.")
    return (Run(path) for path in sorted(folder.iterdir()) if Run(path).exists)


def newest_run(folder: Path = RUNS) -> Run:
    """The run in `folder` whose model was written last. A NevoaError if no run has one.

    Example:
        >>> model = newest_run(Path("runs")).model()
    """
    runs = [Run(path) for path in folder.glob("*") if Run(path).has_model]
    if not runs:
        raise NevoaError(f"There is no run with a model in {folder}/. Make one with 'nevoa train'.")
    return max(runs, key=lambda run: run.weights_file.stat().st_mtime)


def run_around(path: Path) -> Path | None:
    """Return the run that has a path in one of its OWN_FOLDERS; None if there is none.

    Example:
        >>> run_around(Path("runs/clothes/model"))
    """
    above = path.resolve().parents
    return next((one.parent for one in above if one.name in OWN_FOLDERS and Run(one.parent).exists), None)


def planned_images(run: Run) -> int | None:
    """Return the horizon: `images_seen` at the end of the training; None if it cannot be read.

    Example:
        >>> planned_images(run)
        16
    """
    newest = [entry.horizon for entry in journal.read(run) if entry.horizon]
    return newest[-1].images if newest else None


def _quality(run: Run) -> tuple[str, float, int] | None:
    found = best_report(run)
    report = found[1] if found else None
    return (*report.distance, report.images) if report and report.distance else None
