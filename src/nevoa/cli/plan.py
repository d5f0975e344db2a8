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

# With fewer images than these, and none held out, the plan says how to see that the model memorises; a tenth of the
# least are ten.
MEASURED_IMAGES, LEAST_ASIDE = 1_000, 100
UNMEASURED = "not measured for such images, settings and budgets"
# Emoji at 128x128 were blots after 15,000 and 20,000 images, and figures after 58,000 (docs/experiments.md).
LARGE_SIDE, FIGURES = 64, 50_000
BLOTS = "expect colours and blots: figures take about {:,} images"
FIXED = "keep it with -o network.dim={} -o training.batch_size={}"
STRONG = "Each image is seen {:,.0f} times, so often that a model memorises it: add --augment strong."
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


def _samples(job: "Job") -> str:
    """The sampling steps that nevoa chose for a long training; empty for others."""
    from nevoa.training.draft import LONG_STEPS, STEPS

    chosen = job.config.sampling.steps == "auto" and job.plan.sampling.steps == LONG_STEPS
    return (
        f"in {LONG_STEPS} steps, which pay after so many images (-o sampling.steps={STEPS}: faster)" if chosen else ""
    )


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


def _data(job: "Job") -> str:
    """The images, and what is done to them."""
    images, data = job.images, job.plan.data
    channels, height, width = images.shape
    drawn = augmented(data) + ", classes drawn evenly" * data.balance
    size = f"{height}x{width}, {channels} channel{'s' * (channels > 1)}"
    return f"{images.name}: {len(images):,} images, {size}{drawn}{left_out(images.notes)}"


def _network(job: "Job", forecast: "Forecast") -> str:
    plan = job.plan
    patch = getattr(plan.network, "patch", 1)
    patches = f", patches of {patch}x{patch} pixels" if patch > 1 else ""
    conditional = f", class-conditional, {len(plan.classes)} classes" if plan.classes else ""
    conditional += "".join(f", learns {name}" for name in plan.conditions)
    conditional += f", captions of the column {column}" if (column := plan.data.caption_column) else ""
    predicts = f"predicts {plan.diffusion.prediction}"
    return f"{plan.network.kind}{patches}, {forecast.parameters:,} parameters{conditional}, {predicts}"


def _device(training: "TrainingPlan") -> str:
    threads = f"{training.threads} thread{'s' * (training.threads > 1)}"
    group = f" in each of {world_size()} processes" * (world_size() > 1)
    return f"{training.device}, {training.precision}, {threads}{group}"


def _chosen(job: "Job", done: int) -> dict[str, str]:
    """Return what nevoa chose for few images, and why; a row is empty if it chose nothing."""
    from nevoa.training.few import augmentation_in_words, in_words

    start, plan = in_words(job.config.training, job.plan, job.images), job.plan
    augment = augmentation_in_words(job.config.data, plan)
    return {"augment": augment, "start": start if plan.training.start or not done else ""}


def _expectation(job: "Job", done: int) -> dict[str, str]:
    """Return what a new training should add to its command, and how many near copies to expect of its model."""
    from nevoa.training.few import near_copies_in_words

    if job.plan.training.is_distillation:  # it learns no images
        return {}
    return {"advice": "" if done else _advice(job), "copies": near_copies_in_words(job.plan)}


def _advice(job: "Job") -> str:
    from nevoa.training.checks import learns_augmentation
    from nevoa.training.few import is_memorised

    count, notes, seen = len(job.images), job.images.notes, job.plan.training.images
    advice = [size_advice(notes)]
    if LEAST_ASIDE <= count < MEASURED_IMAGES and not notes.held_out:
        advice.append(ASIDE.format(count // 10))
    can_learn = learns_augmentation(job.config, job.objects) and not job.plan.data.conditioned
    if is_memorised(count, seen) and can_learn:
        advice.append(STRONG.format(seen / count))
    return " ".join(filter(None, advice))


def _rows(job: "Job", forecast: "Forecast", folder: Path, done: int) -> dict[str, str]:
    from nevoa.cli.terminal import duration

    plan, training = job.plan, job.plan.training
    left = max(0.0, 1 - done / training.images)
    rows = {
        "data": _data(job),
        **(in_words(as_learned(job.images, plan.kinds), plan.kinds) if plan.conditions else {}),
        "network": _network(job, forecast),
        **({} if done else _width(job, forecast)),
        **_chosen(job, done),
        "lora": _adapters(job) if training.lora else "",
        "guide": guide_in_words(training) if training.guide else "",
        "samples": "" if done else _samples(job),
        "device": _device(training),
        "images": f"{training.images:,} to see, {training.batch_size} at a time{f', {done:,} done' * bool(done)}",
        "time": f"about {duration(forecast.seconds * left)} ({1 / forecast.image_seconds:,.3g} images/s)",
        "quality": _quality(job, forecast),
        "compute": f"{forecast.flop_per_image / 1e9:.3g} GFLOP per image, "
        f"{forecast.flop_per_second / 1e9:,.0f} GFLOP/s",
        "memory": f"about {forecast.memory_bytes / 1e9:.1f} GB",
        "disk": f"up to {forecast.disk_bytes / 1e6:,.0f} MB",
        "folder": str(folder),
        **_expectation(job, done),
    }
    return {name: row for name, row in rows.items() if row}
