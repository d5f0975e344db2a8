"""Measure again what a report says."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nevoa._util.arguments import path_of
from nevoa.commands.measuring import Subject, opened, results
from nevoa.commands.written import PathLike
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.evaluation import Reference, Report
    from nevoa.evaluation.receipt import RepeatableReport
    from nevoa.evaluation.verify import Check, Fact


@dataclass(frozen=True)
class Verification:
    """The facts and scores of a report, each beside its value here.

    Attributes:
        report: as it was read.
        facts: what decides the scores.
        scores: each beside the score measured again; none if they cannot be compared.
    """

    report: "RepeatableReport"
    facts: "Sequence[Fact]"
    scores: "Sequence[Check]"

    @property
    def agrees(self) -> bool:
        """Whether all scores were measured again and agree."""
        return bool(self.scores) and all(check.agrees for check in self.scores)

    @property
    def conclusion(self) -> str:
        """One sentence for the user: whether the scores agree, and which facts may explain a difference."""
        if not self.scores:
            return "The scores cannot be compared, so no images were made."
        others = ", ".join(fact.name for fact in self.facts if not fact.agrees)
        differing = ", ".join(check.name for check in self.scores if not check.agrees)
        said = f"These scores differ: {differing}." if differing else "All scores agree."
        if not others:
            return f"{said} Nothing else differs, so the tolerance is that of rounding."
        return f"{said} The tolerance is that of other images of the same quality, because this differs: {others}."

    def as_dict(self) -> dict[str, Any]:
        """The facts and scores as plain JSON values."""
        rows = {"facts": self.facts, "scores": self.scores}
        listed = {key: [asdict(row) | {"agrees": row.agrees} for row in part] for key, part in rows.items()}
        return {"agrees": self.agrees, **listed}


def verify(report: PathLike, *, run: PathLike | None = None, inception_weights: Path | None = None) -> Verification:
    """Measure again what a report says, and say what agrees. Exit code 1: a score differs, or none can be compared.

    Args:
        report: A JSON file that 'nevoa evaluate' wrote.
        run: The run, model or images that it is about. [default: the run whose folder holds the report, or the place
            that the report names]
        inception_weights: File of torch-fidelity's Inception weights, if the report has Inception scores.

    Raises:
        NevoaError: the file is not a report, or what it is about is not there.

    Example:
        >>> nevoa.verify("runs/clothes/evaluation/images-10000-seed0-fashion-2.json").agrees
        True
    """
    from nevoa._util.files import read_json

    path = path_of("report", report)
    inception_weights = None if inception_weights is None else path_of("inception_weights", inception_weights)
    if path.is_dir():
        raise NevoaError(f"{path} is a folder: name one of the reports that a run keeps in its folder evaluation.")
    read_json(path)  # No report: refused before torch is loaded.
    from nevoa.evaluation.receipt import facts_of, facts_of_images, read_report
    from nevoa.evaluation.verify import checks, facts

    saved = read_report(path)
    subject = _subject(saved, path, run)
    reference = reference_of(saved, subject)
    plan, _ = subject.described()
    here = facts_of(reference, subject.weights, plan, subject.device)
    found = list(facts(saved, here, plan))
    if not all(fact.agrees for fact in found if fact.decisive):
        return Verification(saved, found, ())
    again = _measured_again(saved, subject, reference, inception_weights)
    found = list(facts(saved, here | facts_of_images(again.samples), plan))
    return Verification(saved, found, list(checks(saved, again, found)))


def _subject(saved: "RepeatableReport", report: Path, named: PathLike | None) -> Subject:
    """The run, the model of diffusers or of the Hub, or the images in files that a report is about."""
    from nevoa.commands.load import is_model
    from nevoa.runs import is_packaged, run_around

    place = os.fspath(named or run_around(report) or saved.subject)
    if not (named or Path(place).exists() or is_model(place) or is_packaged(place)):
        raise NevoaError(f"The report is about {place}, which is not here. Name the run, model or images with --run.")
    subject = opened(place, saved.receipt.reference.source).read(Path(place), saved.protocol.count)
    if (saved.weights is None, saved.protocol.sampler is None) != (subject.run is None, subject.files is not None):
        kind = "a run" if saved.weights else "images in files" if saved.protocol.sampler is None else "a model"
        raise NevoaError(f"The report is about {kind}, which {place} is not. Name {kind} with --run.")
    return subject


def reference_of(saved: "RepeatableReport", subject: Subject) -> "Reference":
    """The run's reference, unless the report was compared with another source."""
    wanted = saved.receipt.reference
    if subject.run:
        with suppress(NevoaError):  # compared with others, its own images may be gone
            own = subject.reference(None)
            if wanted.digest == own.digest:
                return own
    return subject.reference(wanted.source)


def _measured_again(
    saved: "RepeatableReport", subject: Subject, reference: "Reference", inception_weights: Path | None
) -> "Report":
    """Make the images again with the report's settings, and measure the report's metrics."""
    from nevoa.evaluation import Protocol, measure
    from nevoa.evaluation.verify import metrics_of, options_of

    metrics = metrics_of(saved.scores)  # refuses before images are made
    options = options_of(saved.protocol.sampler) if saved.protocol.sampler else {}
    (samples,) = results(subject.images(reference, saved.protocol.count, saved.protocol.seed, **options))
    protocol = Protocol(reference, len(samples.images), saved.protocol.seed, samples.sampler)
    (report,) = results(measure(samples, protocol, metrics, inception_weights))
    return report
