"""Errors for a folder that is no run or has no model: they name the run that may be meant."""

from difflib import get_close_matches

from nevoa.errors import NevoaError
from nevoa.runs.layout import RUNS, RunFiles
from nevoa.runs.packaged import packaged_names


def check_has_model(run: RunFiles) -> None:
    """Raise a NevoaError unless a run has a model.

    Example:
        >>> check_has_model(nevoa.Run("photos"))
        Traceback (most recent call last):
        nevoa.errors.NevoaError: ...
    """
    if not run.has_model:
        raise NevoaError(f"{run.folder} is not a run with a model: {run.weights_file} is missing.{meant(run)}")


def not_a_run(run: RunFiles) -> NevoaError:
    """The error for a folder that is not a run, or one of the version before.

    Example:
        >>> raise not_a_run(nevoa.Run("photos"))
        Traceback (most recent call last):
        nevoa.errors.NevoaError: ...
    """
    if run.is_older:
        return NevoaError(
            f"{run.folder} is a run of the version before, which this one cannot resume. Its model still opens: make "
            f"images with 'nevoa sample {run.folder}', or train it further with 'nevoa train SOURCE --from "
            f"{run.folder}'."
        )
    return NevoaError(f"{run.folder} is not a run: {run.plan_file} is missing.{meant(run)}")


def meant(run: RunFiles) -> str:
    """A sentence that names the run beside it, in runs/ or in nevoa whose name is nearest; else, how to list the runs.

    Example:
        >>> meant(nevoa.Run("runs/cloths"))
        ' Did you mean runs/clothes?'
    """
    beside = [path for place in (run.folder.parent, RUNS) for path in place.glob("*") if path != run.folder]
    names = {path.name: str(path) for path in beside if RunFiles(path).exists or RunFiles(path).has_model}
    names = {name: name for name in packaged_names()} | names
    near = get_close_matches(run.folder.name, names, n=1)
    return f" Did you mean {names[near[0]]}?" if near else " 'nevoa runs' lists the runs."
