"""The runs in a folder, at a glance."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nevoa.runs.lock import RunStatus, state_of
from nevoa.errors import NevoaError
from nevoa._util.files import read_json, size_of
from nevoa.runs.run import Run


@dataclass(frozen=True)
class Summary:
    """What can be said of a run in a line; None is what it does not say.

    Attributes:
        message: why it failed.
        loss: at the last report.
        quality: name and value of the first score of its newest evaluation.
        size: of its folder, in bytes.
    """

    name: str
    state: RunStatus
    message: str
    images_seen: int
    images_planned: int | None
    loss: float | None
    quality: tuple[str, float] | None
    size: int

    @classmethod
    def of(cls, run: Run) -> "Summary":
        """Reads what is whole of a run, and passes over the rest."""
        lines = list(run.metrics())
        state, message = state_of(run)
        return cls(
            name=run.folder.name,
            state=state,
            message=message,
            images_seen=max([0, *(line["images_seen"] for line in lines), *saved(run)]),
            images_planned=_planned(run),
            loss=lines[-1].get("loss") if lines else None,
            quality=_quality(run),
            size=size_of(run.folder),
        )


def runs_in(folder: Path) -> Iterator[Run]:
    """The runs in a folder, by name. A NevoaError if there is no such folder."""
    if not folder.is_dir():
        raise NevoaError(f"There is no folder {folder}. 'nevoa train' makes runs in runs/.")
    return (Run(path) for path in sorted(folder.iterdir()) if Run(path).config_file.is_file())


def saved(run: Run) -> list[int]:
    """After how many images its checkpoints were made."""
    folder = run.checkpoints
    return [int(path.name) for path in folder.iterdir() if path.name.isdecimal()] if folder.is_dir() else []


def _planned(run: Run) -> int | None:
    with suppress(NevoaError):
        training = run.config().training
        return training.steps * training.batch_size if training.steps else None
    return None


def _quality(run: Run) -> tuple[str, float] | None:
    for path in sorted(run.evaluations.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(NevoaError):
            scores = read_json(path).get("scores")
            if isinstance(scores, dict) and scores:
                name, value = next(iter(scores.items()))
                return name, value
    return None
