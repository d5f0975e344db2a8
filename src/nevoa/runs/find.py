"""Find a run by where it lies."""

from pathlib import Path

from nevoa.errors import NevoaError
from nevoa.runs.layout import OWN_FOLDERS, RUNS
from nevoa.runs.run import Run


def run_around(path: Path) -> Path | None:
    """Return the run that has a path in one of its OWN_FOLDERS; None if there is none.

    Example:
        >>> run_around(Path("runs/clothes/model"))
    """
    above = path.resolve().parents
    return next((one.parent for one in above if one.name in OWN_FOLDERS and Run(one.parent).exists), None)


def newest_run(folder: Path = RUNS) -> Run:
    """The run in `folder` whose model was written last. A NevoaError if no run has one.

    Example:
        >>> model = newest_run(Path("runs")).model()
    """
    runs = [Run(path) for path in folder.glob("*") if Run(path).has_model]
    if not runs:
        raise NevoaError(f"There is no run with a model in {folder}/. Make one with 'nevoa train'.")
    return max(runs, key=lambda run: run.weights_file.stat().st_mtime)
