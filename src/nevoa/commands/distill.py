"""Distil a model: from one of many steps to a run of two."""

from collections.abc import Sequence
from os import PathLike
from typing import Unpack

from nevoa._util.arguments import path_of, yes_or_no
from nevoa.commands.load import load
from nevoa.commands.train import trained
from nevoa.config.presets import TrainingOptions
from nevoa.distillation import distill_config, distilled_folder
from nevoa.model import Model
from nevoa.runs import PACKAGED, Run
from nevoa.training import Wish


def distill(
    teacher: Model | Run | str | PathLike[str] = PACKAGED,
    source: str | PathLike[str] | None = None,
    *,
    out: str | PathLike[str] | None = None,
    accept_changes: bool = False,
    progress: bool = True,
    options: str | Sequence[str] = (),
    **keywords: Unpack[TrainingOptions],
) -> Run:
    """Teach a copy of a model to make its images in two steps, and return the run. The same call resumes it.

    It learns its teacher's paths and, up to 32x32 in the last tenth, its distribution too: another loss, so the curve
    jumps there.

    Args:
        teacher: a model, a run or its folder; the packaged model if not given.
        source: images to train on; those of the teacher if None.
        out: the run folder; runs/NAME-distilled if None.
        options: "section.key=value", as on the command line.
        keywords: minutes, seed and more: `nevoa.config.TrainingOptions`. Without a budget it takes a quarter of the
            teacher's training time.

    Example:
        >>> run = nevoa.distill("runs/fashion_mnist-quick", minutes=5)
        >>> images = run.model().sample(64)
    """
    accept_changes, progress = yes_or_no("accept_changes", accept_changes), yes_or_no("progress", progress)
    model = _model(teacher)
    config = distill_config(model, source, options=options, **keywords)
    run = Run(distilled_folder(model.place or "model") if out is None else path_of("out", out))
    return trained(config, Wish(start=model, accept_changes=accept_changes), run, progress)


def _model(teacher: Model | Run | str | PathLike[str]) -> Model:
    if isinstance(teacher, Model):
        return teacher
    if isinstance(teacher, Run):
        return teacher.model("cpu")
    return load(teacher, "cpu")
