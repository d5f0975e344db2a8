"""Check every file of a run folder for damage."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from PIL import Image

from nevoa._util.files import explained, read_json, scratch_below
from nevoa.config.plan import edits
from nevoa.config.registry import UnregisteredError
from nevoa.errors import NevoaError
from nevoa.runs import journal
from nevoa.runs.checkpoint import checkpoints
from nevoa.runs.lock import refuse_if_training
from nevoa.runs.manifest import faults
from nevoa.runs.missing import not_a_run
from nevoa.runs.run import Run


def check(run: Run) -> Iterator[tuple[str, str]]:
    """Yield the name of each part of a run, and its problem: "" if there is none.

    A NevoaError if the folder is not a run, is being trained (its files change then), or needs a plugin.
    """
    if run.is_older or not (run.exists or checkpoints(run.checkpoints)):
        raise not_a_run(run)
    refuse_if_training(run)
    for path, examine in _parts(run):
        yield path.relative_to(run.folder).as_posix(), _problem(examine)
    for path in scratch_below(run.folder):
        yield path.relative_to(run.folder).as_posix(), "left by a killed process; the next training removes it"


def _parts(run: Run) -> Iterator[tuple[Path, Callable[[], object]]]:
    """Each part of a run, and a function that raises a NevoaError if the part is damaged."""
    yield run.config_file, run.config
    yield run.plan_file, partial(_check_plan, run)
    metrics = (line["images_seen"] for line in run.metrics())
    yield run.metrics_file, partial(_check_lines, run.metrics_file, metrics, "a line of metrics")
    entries = (number for number, _ in enumerate(journal.read(run)))
    yield run.journal_file, partial(_check_lines, run.journal_file, entries, "an entry of the journal")
    if run.tracking_file.exists():
        yield run.tracking_file, partial(read_json, run.tracking_file)
    yield from ((path, partial(_check_checkpoint, path)) for path in checkpoints(run.checkpoints))
    if run.has_model:
        yield run.weights_file, partial(_check_model, run)
    if _has_adapters(run):
        yield run.adapters_file, partial(check_adapters, run)
    folders = run.previews_folder, run.pictures_folder, run.evaluations_folder
    pictures = sorted(path for folder in folders for path in folder.glob("*.png"))
    for path in [*filter(Path.exists, [run.loss_file]), *pictures]:
        yield path, partial(_check_picture, path)
    for path in sorted(run.evaluations_folder.glob("*.json")):
        yield path, partial(read_json, path)


def _problem(examine: Callable[[], object]) -> str:
    try:
        examine()
    except UnregisteredError as error:
        raise NevoaError(
            "The run cannot be checked without --plugin FILE.py, the file that registers its parts."
        ) from error
    except NevoaError as error:
        return str(error)
    return ""


def _check_plan(run: Run) -> None:
    restored = "to restore it from the newest checkpoint, run the training command again"
    if not run.exists:
        raise NevoaError(f"missing; {restored}")
    edited = edits(run.last_plan(), run.plan())
    if edited:
        raise NevoaError(f"edited ({', '.join(edited)}); {restored}")


def _check_checkpoint(path: Path) -> None:
    if damaged := faults(path):
        raise NevoaError(f"damaged: {', '.join(damaged)}")


def _check_model(run: Run) -> None:
    from nevoa.runs import model_files  # imports torch

    model_files.check(run.weights_file, run.model_config_file)


def _has_adapters(run: Run) -> bool:
    with suppress(NevoaError):  # a damaged plan is reported by itself
        return run.has_model and run.plan().training.lora is not None
    return False


def check_adapters(run: Run) -> None:
    from nevoa._util.tensors import shapes_in  # imports torch

    read_json(run.adapters_config_file)
    shapes_in(run.adapters_file)


def _check_lines(path: Path, read: Iterable[int], what: str) -> None:
    """Raise a NevoaError unless all lines were read, in their order.

    Args:
        read: the positions of the lines that can be read.
        what: a line is.
    """
    with explained("read", path), path.open("rb") as file:
        count, positions = sum(1 for _ in file), list(read)
    if len(positions) < count:
        raise NevoaError(f"line {len(positions) + 1} of {count} is cut off or not {what}")
    if positions != sorted(set(positions)):
        raise NevoaError("its lines are not in order")


def _check_picture(path: Path) -> None:
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NevoaError(f"not a complete picture: {error}") from error
