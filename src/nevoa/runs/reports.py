"""Reports of evaluations that a run folder holds: read, merged, and the one that says most about the run."""

from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nevoa._util.files import read_json_or_empty
from nevoa._util.versions import check_format
from nevoa.runs.run import Run

FORMAT = 1
# Reports that agree in these measure the same images in the same way, on the same machine.
CONDITIONS = ("format", "protocol", "weights", "receipt")
TABLES = ("scores", "floor", "floor_spread", "class_shares")


# Endings of names that say how far another score can be relied on.
PARTS = "_low", "_high", "_se", "_std"


def is_part(name: str, scores: Container[str]) -> bool:
    """Return whether a score is the error of another one, or an end of its interval."""
    return any(name.endswith(part) and name.removesuffix(part) in scores for part in PARTS)


class SavedProtocol(BaseModel):
    """The name of a protocol, as in `nevoa-fashion/2`, the departures from it, and the images to compare with."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(max_length=200)]
    departures: tuple[str, ...] = ()
    reference: str = ""

    @property
    def version(self) -> int:
        """The number after the slash; 0 if there is none."""
        number = self.name.rpartition("/")[2]
        return int(number) if number.isdecimal() else 0


class SavedReport(BaseModel):
    """The part of a report that nevoa reads again.

    Attributes:
        title: number of images and how they were made.
        weights: sha256 of the measured model's file; None in older reports.
    """

    model_config = ConfigDict(frozen=True)

    images: int
    title: str = "Images of this run"
    protocol: SavedProtocol
    weights: str | None = None
    scores: dict[str, float]
    floor: dict[str, float] = {}
    floor_spread: dict[str, float] = {}
    class_shares: dict[str, float] = {}
    by_timestep: dict[Literal["t", "bits"], list[float]] = {}
    by_level: dict[Literal["t", "training", "held_out"], list[float]] = {}
    warnings: tuple[str, ...] = ()

    @property
    def distance(self) -> tuple[str, float] | None:
        """Name and value of the Fréchet distance, if it was measured."""
        return next(((name, score) for name, score in self.scores.items() if name.startswith("fd_")), None)


def best_report(run: Run) -> tuple[Path, SavedReport] | None:
    """Return the report by which to compare a run, and its file; None if its present model has not been measured.

    It is one with a Fréchet distance, by the newest protocol, of the most images, and the newest of these.

    Example:
        >>> if found := best_report(run):
        ...     print(found[1].scores)
    """

    def rank(found: tuple[Path, SavedReport]) -> tuple[bool, int, int]:
        report = found[1]
        return report.distance is not None, report.protocol.version, report.images

    return max(_present_reports(run), key=rank, default=None)


def merged(new: dict[str, Any], path: Path) -> dict[str, Any]:
    """A report with the scores of the one in a file, if that measured the same images in the same way.

    A NevoaError if a newer nevoa wrote the file.
    """
    old = read_json_or_empty(path)
    check_format(path, old.get("format", FORMAT), FORMAT)
    if _parsed(old) is None or not new["weights"] or any(new.get(key) != old.get(key) for key in CONDITIONS):
        return new
    tables = {key: {**old.get(key, {}), **new[key]} for key in TABLES}
    return {**old, **new, **tables, "warnings": list(dict.fromkeys([*old.get("warnings", ()), *new["warnings"]]))}


def _present_reports(run: Run) -> Iterator[tuple[Path, SavedReport]]:
    """The reports on the run's present model, newest first. Sweeps, damaged and newer files are skipped."""
    weights = read_json_or_empty(run.model_config_file).get("sha256")
    for path in run.evaluation_files():
        report = _parsed(read_json_or_empty(path))
        if report is not None and (weights is None or report.weights in (None, weights)):
            yield path, report


def _parsed(values: Mapping[str, Any]) -> SavedReport | None:
    with suppress(ValidationError):
        if values.get("format", FORMAT) == FORMAT:
            return SavedReport.model_validate(values)
    return None
