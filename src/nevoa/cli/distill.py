"""`nevoa distill`."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from nevoa.cli.options import BudgetFlags, Options, Out, PluginFlags, Source, options_named
from nevoa.cli.processes import ProcessFlags
from nevoa.cli.train import ReportFlags, train_into


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DistillFlags(BudgetFlags, PluginFlags):
    """For how long to train, and how.

    Attributes:
        minutes: Train for this many minutes, including start-up and saving. [default: a quarter of the time that the
            model was trained]
        epochs: Train for this many passes over the images.
        steps: Train for this many steps.
        seed: Seed of every random choice. [default: 0]
        options: Set a config key, as in training.learning_rate=5e-4; may be repeated.
    """

    seed: int | None = None
    options: Options = ()


def distill(
    run: str | None = None,
    source: Annotated[Source | None, Parameter(show_default="the run's own")] = None,
    /,
    *,
    training: DistillFlags = DistillFlags(),
    out: Out = None,
    accept_changes: bool = False,
    processes: ProcessFlags = ProcessFlags(),
    report: ReportFlags = ReportFlags(),
) -> None:
    """Teach a copy of a model to make its images in two steps. Run the same command again to resume.

    Up to 32x32 the last tenth of the training uses another loss, so the curve jumps there.

    Args:
        run: Run folder, folder of diffusers, or hf:OWNER/NAME. [default: a model of clothes that comes with nevoa]
        source: Images to train on.
        out: Run folder. [default: runs/NAME-distilled]
        accept_changes: Resume even if settings, images or the torch version have changed.
    """
    processes.start()
    from nevoa.commands.load import load
    from nevoa.runs import PACKAGED

    given = training.keywords()
    model = load(PACKAGED if run is None else run, "cpu")
    from nevoa.distillation import distill_config, distilled_folder
    from nevoa.training import Wish

    with options_named(given):
        config = distill_config(model, source, **given)
    folder = out or distilled_folder(model.place)
    train_into(config, folder, report, Wish(start=model, accept_changes=accept_changes))
