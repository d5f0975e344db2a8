"""The plan of a training, printed before it starts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from nevoa.cli.preparation import left_out, size_advice
from nevoa.cli.said import as_learned, in_words
from nevoa.parallel.environment import world_size

if TYPE_CHECKING:
    from nevoa.config import DataConfig
    from nevoa.config.plan import TrainingPlan
    from nevoa.training import Forecast, Job

# A network that is trained on fewer images sees each of them a thousand times within minutes.
FEW_IMAGES = 100
# With fewer, and none held out, the plan says how to see that the model memorises.
MEASURED_IMAGES = 1_000
UNMEASURED = "not measured for such images, settings and budgets"
# Emoji at 128x128 were blots after 15,000 and 20,000 images, and figures after 58,000 (docs/experiments.md).
LARGE_SIDE, FIGURES = 64, 50_000
BLOTS = "expect colours and blots: figures take about {:,} images"
FIXED = "keep it with -o network.dim={} -o training.batch_size={}"
ASIDE = "To see when the model only memorises, set images aside: -o data.holdout={}."


def print_plan(job: "Job", forecast: "Forecast", folder: Path, as_json: bool, done: int = 0) -> None:
    """Print a plan and its forecast, as a table or as JSON.

    Args:
        done: how many of its images are done.
    """
    from nevoa.cli.terminal import console, fields
    from nevoa.training.forecast import as_dict

    if as_json:
        print(json.dumps(as_dict(job, forecast)))
    else:
        console().print(fields(_rows(job, forecast, folder, done)))


def _width(job: "Job", forecast: "Forecast") -> dict[str, str]:
    """The row of a width that the plan has chosen."""
    from nevoa.training.width import in_words

    if getattr(job.config.network, "dim", None) != "auto" or job.plan.training.start:
        return {}
    dim, training = job.plan.network.model_dump()["dim"], job.plan.training
    flop = in_words(forecast.flop_per_image * training.images)
    return {"width": f"{dim}, the best for {flop} FLOP; {FIXED.format(dim, training.batch_size)}"}


def _adapters(job: "Job") -> str:
    trained, of = job.trained, job.parameters
    return f"rank {job.plan.training.lora}: {trained:,} of {of:,} weights are trained, {4 * trained / 1e6:.2g} MB"


def guide_in_words(training: "TrainingPlan") -> str:
    """When the guide is kept, and how its weight is chosen."""
    from nevoa.training.guide import AFTER_IMAGES

    measured = training.weigh_guide and training.images >= AFTER_IMAGES
    return f"the average after {training.guide:.0%} of the training{'; its weight is measured at the end' * measured}"


def augmented(data: "DataConfig") -> str:
    """Describe the augmentation: each transformation and its chance, or one chance for all if they share it."""
    flipped, chances = ", mirrored at random" * ("flip" in data.augment), data.conditioned
    if not chances:
        return flipped
    shares = {f"{chance:.0%}" for chance in chances.values()}
    each = chances if len(shares) == 1 else [f"{name} {chance:.0%}" for name, chance in chances.items()]
    return f"{flipped}, augmented: {', '.join(each)}{f', {min(shares)} each' * (len(shares) == 1)}"


def _quality(job: "Job", forecast: "Forecast") -> str:
    if forecast.expected:
        return f"{forecast.expected} expected"
    has_figures = job.plan.training.start or job.plan.pictures
    is_few = job.plan.training.images < FIGURES and min(job.images.shape[1:]) >= LARGE_SIDE
    return BLOTS.format(FIGURES) if is_few and not has_figures else UNMEASURED


def _rows(job: "Job", forecast: "Forecast", folder: Path, done: int) -> dict[str, str]:
    from nevoa.cli.terminal import duration
    from nevoa.training.few import in_words as start_in_words

    plan, training, images = job.plan, job.plan.training, job.images
    channels, height, width = images.shape
    conditional = f", class-conditional, {len(plan.classes)} classes" if plan.classes else ""
    conditional += "".join(f", learns {name}" for name in plan.conditions)
    conditional += f", captions of the column {column}" if (column := plan.data.caption_column) else ""
    patch = getattr(plan.network, "patch", 1)
    patches = f", patches of {patch}x{patch} pixels" if patch > 1 else ""
    left, each = max(0.0, 1 - done / training.images), training.batch_size
    start = start_in_words(job.config.training, plan, images)
    drawn = augmented(plan.data) + ", classes drawn evenly" * plan.data.balance
    rows = {
        "data": f"{images.name}: {len(images):,} images, {height}x{width}, {channels} channel{'s' * (channels > 1)}"
        f"{drawn}{left_out(images.notes)}",
        **(in_words(as_learned(images, plan.kinds), plan.kinds) if plan.conditions else {}),
        "network": f"{plan.network.kind}{patches}, {forecast.parameters:,} parameters{conditional}, "
        f"predicts {plan.diffusion.prediction}",
        **({} if done else _width(job, forecast)),
        **({"start": start} if start and (training.start or not done) else {}),
        **({"lora": _adapters(job)} if training.lora else {}),
        **({"guide": guide_in_words(training)} if training.guide else {}),
        "device": f"{training.device}, {training.precision}, {training.threads} thread{'s' * (training.threads > 1)}"
        f"{f' in each of {world_size()} processes' * (world_size() > 1)}",
        "images": f"{training.images:,} to see, {each} at a time{f', {done:,} done' * bool(done)}",
        "time": f"about {duration(forecast.seconds * left)} ({1 / forecast.image_seconds:,.3g} images/s)",
        "quality": _quality(job, forecast),
        "compute": f"{forecast.flop_per_image / 1e9:.3g} GFLOP per image, "
        f"{forecast.flop_per_second / 1e9:,.0f} GFLOP/s",
        "memory": f"about {forecast.memory_bytes / 1e9:.1f} GB",
        "disk": f"up to {forecast.disk_bytes / 1e6:,.0f} MB",
        "folder": str(folder),
    }
    if advice := size_advice(images.notes):
        rows["advice"] = advice
    if len(images) < FEW_IMAGES:
        rows["warning"] = f"{len(images)} images are few: expect the model to memorise them and to produce near copies"
    elif len(images) < MEASURED_IMAGES and not images.notes.held_out:
        rows["advice"] = " ".join(filter(None, [rows.get("advice"), ASIDE.format(len(images) // 10)]))
    return rows
