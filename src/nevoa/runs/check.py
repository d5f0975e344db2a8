"""Whether everything in a run folder is whole."""

from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from nevoa.runs.lock import refuse_if_claimed
from nevoa.errors import NevoaError
from nevoa._util.files import read_json, read_text, scratch_below, sha256
from nevoa.networks import network_shapes
from nevoa.runs.run import Run, about_model
from nevoa._util.tensors import check_shapes
from nevoa.runs.checkpoint import checkpoints
from nevoa.runs.manifest import faults


def check(run: Run) -> Iterator[tuple[str, str]]:
    """Each part of a run, and what is wrong with it: "" if nothing.

    A NevoaError if there is no run, or it is being trained: its files come and go.
    """
    if not run.config_file.is_file():
        raise NevoaError(f"{run.folder} is no run: there is no {run.config_file}.")
    refuse_if_claimed(run)
    yield run.config_file.name, _problem(run.config)
    yield run.metrics_file.name, _problem(lambda: _check_metrics(run))
    yield run.status_file.name, _problem(lambda: read_json(run.status_file))
    for path in checkpoints(run.checkpoints):
        yield _name(run, path), _problem(lambda path=path: _check_checkpoint(path))
    if run.weights_file.exists():
        yield _name(run, run.weights_file), _problem(lambda: _check_model(run))
    for path in sorted((*run.samples.glob("*.png"), *run.evaluations.glob("*.png"))):
        yield _name(run, path), _problem(lambda path=path: _check_picture(path))
    for path in sorted(run.evaluations.glob("*.json")):
        yield _name(run, path), _problem(lambda path=path: read_json(path))
    for path in scratch_below(run.folder):
        yield _name(run, path), "left by a process that was killed; the next training removes it"


def _problem(examine: Callable[[], object]) -> str:
    try:
        examine()
    except NevoaError as error:
        return str(error)
    return ""


def _check_checkpoint(path: Path) -> None:
    if wrong := faults(path):
        raise NevoaError(f"damaged: {', '.join(wrong)}")


def _check_metrics(run: Run) -> None:
    lines = read_text(run.metrics_file).splitlines()
    seen = [line["images_seen"] for line in run.metrics()]
    if len(seen) < len(lines):
        raise NevoaError(f"line {len(seen) + 1} of {len(lines)} is torn or no line of metrics")
    if seen != sorted(set(seen)):
        raise NevoaError("its lines are not in order")


def _check_model(run: Run) -> None:
    config, shape = about_model(run.model_config_file)
    check_shapes(run.weights_file, network_shapes(config.network, shape[0], len(config.classes)))
    about = read_json(run.model_config_file)
    if sha256(run.weights_file) not in (about.get("sha256"), about.get("before")):
        raise NevoaError(f"damaged, or from another moment than {run.model_config_file.name}")


def _check_picture(path: Path) -> None:
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NevoaError(f"not a whole picture: {error}") from error


def _name(run: Run, path: Path) -> str:
    return str(path.relative_to(run.folder))
