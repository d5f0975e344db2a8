"""The runs in a folder at a glance."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nevoa._util.files import size_of
from nevoa.config.names import RunStatus
from nevoa.errors import NevoaError
from nevoa.runs import journal
from nevoa.runs.checkpoint import newest_saved
from nevoa.runs.lock import status_of
from nevoa.runs.reports import best_report
from nevoa.runs.run import Run


@dataclass(frozen=True)
class Summary:
    """A run in one line. A value that cannot be read from the run is None.

    Attributes:
        message: why it failed; "" if it did not.
        images_planned: `images_seen` at the end of the training.
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
    loss: float | None
    quality: tuple[str, float, int] | None
    size: int

    @classmethod
    def of(cls, run: Run) -> "Summary":
        """Summarize a run. Damaged parts are skipped."""
        lines = list(run.metrics())
        status, message = status_of(run)
        return cls(
            name=run.folder.name,
            status=status,
            message=message,
            images_seen=max([newest_saved(run.checkpoints), *(line["images_seen"] for line in lines)]),
            images_planned=planned_images(run),
            loss=lines[-1].get("loss") if lines else None,
            quality=_quality(run),
            size=size_of(run.folder),
        )


def runs_in(folder: Path) -> Iterator[Run]:
    """The runs in a folder, by name. A NevoaError if the folder does not exist.

    Example:
        >>> "clothes" in [run.folder.name for run in runs_in(Path("runs"))]
        True
    """
    if not folder.is_dir():
        raise NevoaError(f"There is no folder {folder}. 'nevoa train' creates runs in runs/.")
    return (Run(path) for path in sorted(folder.iterdir()) if Run(path).exists)


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
