"""Measure the quality of images."""

import warnings
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from nevoa._util.arguments import path_of, whole
from nevoa.commands.measuring import Subject, opened, results, saved
from nevoa.commands.written import PathLike
from nevoa.config.options import SamplerOptions, given
from nevoa.config.registry import METRICS
from nevoa.errors import NevoaError
from nevoa.parallel.environment import rank

if TYPE_CHECKING:
    from nevoa.evaluation import Reference, Report
    from nevoa.evaluation.sweep import Row

COUNT = 10_000


def evaluate(
    subject: PathLike | None = None,
    *,
    against: str | None = None,
    count: int = COUNT,
    seed: int = 0,
    metrics: str | Sequence[str] | None = None,
    inception_weights: Path | None = None,
    **sampling: Unpack[SamplerOptions],
) -> "Report":
    """Measure the quality of a run's images or of images in files. The report of a run is saved in its folder.

    Args:
        subject: A run folder, a folder of diffusers, hf:OWNER/NAME, an .npy file, or a folder of images. [default: the
            newest run]
        against: Source of real images to compare with, resized to the size of the images. [default: the run's source;
            fashion_mnist for files; required for models of diffusers and the Hub]
        count: Number of images.
        seed: Seed of every random choice.
        metrics: Metrics, separated by commas. [default: all that can be measured but inception]
        inception_weights: File of torch-fidelity's Inception weights, for machines without a network connection.

    Example:
        >>> report = nevoa.evaluate("runs/fashion_mnist-quick", count=2048)
        >>> print(report.scores["fd_fashion"])
    """
    count, seed = whole("count", count, 1), whole("seed", seed)
    inception_weights = None if inception_weights is None else path_of("inception_weights", inception_weights)
    names = _metrics(metrics, inception_weights)
    options = given(evaluate, sampling, SamplerOptions)
    found, reference = _opened(subject, against, count, options)
    from nevoa.evaluation import Protocol, Report, choose_metrics, left_out, measure, save
    from nevoa.features.inception import check_inception
    from nevoa.parallel.group import process_group

    number, (config, _) = len(found.files.images) if found.files else count, found.described()
    choose_metrics(reference, names, number, config)  # refuses before images are made
    for sentence in () if names else left_out(reference, number, config):
        warnings.warn(f"{sentence}.", stacklevel=2)
    with process_group().sharing_errors():
        if "inception" in (names or ()) and not rank():
            check_inception(inception_weights)
        (samples,) = results(found.images(reference, count, seed, **options))
        protocol = Protocol(reference, len(samples.images), seed, samples.sampler)
        if rank():  # the first process measures
            return Report(samples, protocol, {}, {}, {}, {}, ())
        (report,) = results(measure(samples, protocol, names, inception_weights))
    run = found.run
    return replace(report, file=saved(lambda place: save(report, place), run)) if run else report


def sweep(
    subject: PathLike | None = None, *, against: str | None = None, count: int = COUNT, seed: int = 0
) -> "Generator[Row, None, Path | None]":
    """Compare the quality and speed of samplers, spacings and numbers of steps, as `nevoa evaluate --sweep` does.

    Yields a row for each as it is measured, saves all in the run folder, and returns the path of the file.

    Example:
        >>> for row in nevoa.sweep("runs/fashion_mnist-quick", count=2048):
        ...     print(row.options, row.distance, row.images_per_second)
    """
    count, seed = whole("count", count, 1), whole("seed", seed)
    found, reference = _opened(subject, against, count, {}, sweeps=True)
    from nevoa.evaluation import Protocol, save_sweep
    from nevoa.evaluation import sweep as measured

    assert found.run
    rows = []
    for row in measured(found.run.model(), reference, count, seed):
        rows.append(row)
        yield row
    return saved(lambda place: save_sweep(rows, place, Protocol(reference, count, seed)), found.run)


def _opened(
    subject: PathLike | None, against: str | None, count: int, options: dict[str, Any], sweeps: bool = False
) -> "tuple[Subject, Reference]":
    """The run, model or images to measure, and the reference to compare them with."""
    found = opened(subject, against)
    if found.run is None and (sweeps or (options and found.model is None)):
        raise NevoaError(f"{subject} is not a run: leave out --sweep, --sampler and the other sampling options.")
    found = found.read(Path(subject or ""), count)
    plan, _ = found.described()
    if options and plan:
        from nevoa.sampling import settings_of

        settings_of(plan, **options)  # refuses before the reference is measured
    return found, found.reference(against)


def _metrics(metrics: str | Sequence[str] | None, inception_weights: Path | None) -> list[str] | None:
    """The metrics named; None means not given."""
    names: list[str] = []
    if metrics:
        from nevoa.data.names import names_of

        names = [METRICS.checked(name) for name in names_of(metrics)]
    if inception_weights and "inception" not in names:
        raise NevoaError("--inception-weights needs --metrics inception: add it, or leave out the file.")
    return names or None
