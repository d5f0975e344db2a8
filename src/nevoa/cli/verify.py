"""`nevoa verify`."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from nevoa.cli.loading import load_torch
from nevoa.cli.measuring import Subject, last_of, opened
from nevoa.cli.options import Json, Plugin
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.config import Config
    from nevoa.config.names import DeviceName
    from nevoa.evaluation import Reference, Report
    from nevoa.evaluation.receipt import RepeatableReport
    from nevoa.evaluation.verify import Check, Fact

# The exit code if a score differs.
DIFFERS = 1


def verify(
    report: Path,
    /,
    *,
    run: str | None = None,
    inception_weights: Path | None = None,
    plugin: Plugin = (),
    as_json: Json = False,
) -> None:
    """Measure again what a report says, and say what agrees. Exit code 1 means that a score differs.

    Args:
        report: A JSON file that 'nevoa evaluate' wrote.
        run: The run, model or images that it is about. [default: the run whose folder holds the report, or the place
            that the report names]
        inception_weights: File of torch-fidelity's Inception weights, if the report has Inception scores.
        as_json: Print the facts and scores as JSON.
    """
    from nevoa._util.files import read_json

    read_json(report)  # No report: refused before torch is loaded.
    load_torch()
    from nevoa.evaluation.receipt import read_report
    from nevoa.evaluation.verify import check_intact, checks, facts, facts_of_images

    saved = read_report(report)
    check_intact(saved)
    subject = _subject(saved, report, run)
    reference = _reference(saved, subject)
    found = list(facts(saved, reference, *_here(subject)))
    scores: list[Check] = []
    if all(fact.agrees for fact in found if fact.decisive):
        again = _measured_again(saved, subject, reference, inception_weights)
        found += facts_of_images(saved, again)
        scores = list(checks(saved, again, found))
    agrees = bool(scores) and all(check.agrees for check in scores)
    if as_json:
        rows = {"facts": found, "scores": scores}
        listed = {key: [asdict(row) | {"agrees": row.agrees} for row in part] for key, part in rows.items()}
        print(json.dumps({"agrees": agrees, **listed}))
    else:
        _print(saved, found, scores)
    if not agrees:
        sys.exit(DIFFERS)


def _subject(saved: "RepeatableReport", report: Path, named: str | None) -> Subject:
    """The run, the model of diffusers or of the Hub, or the images in files that a report is about."""
    from nevoa.commands.load import is_model
    from nevoa.runs import run_around

    place = named or str(run_around(report) or saved.subject)
    if not (named or Path(place).exists() or is_model(place)):
        raise NevoaError(f"The report is about {place}, which is not here. Name the run, model or images with --run.")
    subject = opened(place, saved.receipt.reference.source).read(Path(place), saved.protocol.count)
    if (saved.weights is None, saved.protocol.sampler is None) != (subject.run is None, subject.files is not None):
        kind = "a run" if saved.weights else "images in files" if saved.protocol.sampler is None else "a model"
        raise NevoaError(f"The report is about {kind}, which {place} is not. Name {kind} with --run.")
    return subject


def _here(subject: Subject) -> "tuple[str | None, Config | None, DeviceName]":
    """The sha256 of the weights and the config of the model that is here, and the device that it computes on."""
    from nevoa._util.files import sha256
    from nevoa.parallel.device import choose_device
    from nevoa.runs.model_files import read_config

    if run := subject.run:
        return sha256(run.weights_file), read_config(run.model_config_file)[0], choose_device()
    return None, subject.model and subject.model.config, subject.model.device if subject.model else "cpu"


def _reference(saved: "RepeatableReport", subject: Subject) -> "Reference":
    """The run's reference, unless the report was compared with another source."""
    wanted = saved.receipt.reference
    if subject.run:
        own = subject.reference(None)
        if wanted.digest == own.digest:
            return own
    return subject.reference(wanted.source)


def _measured_again(
    saved: "RepeatableReport", subject: Subject, reference: "Reference", inception_weights: Path | None
) -> "Report":
    """Make the images again with the report's settings, and measure the report's metrics."""
    from nevoa.cli.terminal import progress_bar
    from nevoa.evaluation import Protocol, measure
    from nevoa.evaluation.verify import metrics_of, options_of

    options = options_of(saved.protocol.sampler) if saved.protocol.sampler else {}
    with progress_bar() as progress:
        made = subject.images(reference, saved.protocol.count, saved.protocol.seed, **options)
        samples = last_of(made, progress)
        protocol = Protocol(reference, len(samples.images), saved.protocol.seed, samples.sampler)
        return last_of(measure(samples, protocol, metrics_of(saved.scores), inception_weights), progress)


def _print(saved: "RepeatableReport", facts: "Sequence[Fact]", scores: "Sequence[Check]") -> None:
    from nevoa.cli.terminal import Records, console

    out = console()
    out.print(f"{saved.title}: {saved.subject}")
    rows = [(fact.name, fact.reported, fact.here, _word(fact.agrees)) for fact in facts]
    out.print(Records(("", "report", "here", ""), rows))
    if not scores:
        out.print("\nThe scores cannot be compared, so no images were made.")
        return
    rows = [
        (check.name, f"{check.reported:.6g}", f"{check.again:.6g}", f"{check.tolerance:.1g}", _word(check.agrees))
        for check in scores
    ]
    columns = "score", "report", "again", "tolerance"
    out.print()
    out.print(Records((*columns, ""), rows, right=columns[1:]))
    out.print(f"\n{_conclusion(facts, scores)}")


def _conclusion(facts: "Sequence[Fact]", scores: "Sequence[Check]") -> str:
    """What agrees within which tolerance, and what may explain a difference."""
    others = [fact.name for fact in facts if not fact.agrees]
    differing = [check.name for check in scores if not check.agrees]
    said = f"These scores differ: {', '.join(differing)}." if differing else "All scores agree."
    if not others:
        return f"{said} Nothing else differs, so the tolerance is that of rounding."
    listed = ", ".join(others)
    return f"{said} The tolerance is that of other images of the same quality, because this differs: {listed}."


def _word(agrees: bool) -> str:
    return "agrees" if agrees else "differs"
