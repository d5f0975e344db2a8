"""The plan of a training, printed before it starts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from nevoa.cli.preparation import left_out, size_advice
from nevoa.parallel.launched import world_size

if TYPE_CHECKING:
    from nevoa.training import Plan

# A network that is trained on fewer images sees each of them a thousand times within minutes.
FEW_IMAGES = 100
# With as many or more, nevoa sets images aside by itself, unless there is a test split.
MEASURED_IMAGES = 1_000
UNMEASURED = "not measured for such images, settings and budgets"
FIXED = "keep it with -o network.dim={} -o training.batch_size={}"
ASIDE = "To see when the model only memorises, set images aside: -o data.holdout={}."


def print_plan(plan: "Plan", folder: Path, as_json: bool, done: int = 0) -> None:
    """Print a plan, as a table or as JSON.

    Args:
        done: how many of its steps are done.
    """
    from nevoa.cli.terminal import console, fields

    if as_json:
        print(json.dumps(plan.as_dict()))
    else:
        console().print(fields(_plan_rows(plan, folder, done)))


def _plan_rows(plan: "Plan", folder: Path, done: int) -> dict[str, str]:
    from nevoa.cli.terminal import duration

    channels, height, width = plan.shape
    batch_size = plan.config.training.known_batch_size
    classes = plan.config.classes
    conditional = f", class-conditional, {len(classes)} classes" if classes else ""
    rows = {
        "data": f"{plan.source}: {plan.images:,} images, {height}x{width}, {channels} channel{'s' * (channels > 1)}"
        f"{', mirrored at random' * bool(plan.config.data.flip)}{left_out(plan.notes)}",
        "network": f"{plan.network}, {plan.parameters:,} parameters{conditional}",
        **({"width": f"{plan.width}; {FIXED.format(plan.width.dim, batch_size)}"} if plan.width else {}),
        **({"start": start} if (start := plan.config.training.start) else {}),
        "device": f"{plan.device}, {plan.precision}, {plan.threads} thread{'s' * (plan.threads > 1)}"
        f"{f' in each of {world_size()} processes' * (world_size() > 1)}",
        "steps": f"{plan.steps:,} with {batch_size} images each{f', {done:,} done' * bool(done)}",
        "time": f"about {duration(plan.seconds * max(0, 1 - done / plan.steps))} ({plan.step_seconds:.3g} s per step)",
        "quality": f"{plan.expected} expected" if plan.expected else UNMEASURED,
        "compute": f"{plan.flop_per_image / 1e9:.3g} GFLOP per image, {plan.flop_per_second / 1e9:,.0f} GFLOP/s",
        "memory": f"about {plan.memory_bytes / 1e9:.1f} GB",
        "disk": f"up to {plan.disk_bytes / 1e6:,.0f} MB",
        "folder": str(folder),
    }
    if advice := size_advice(plan.notes):
        rows["advice"] = advice
    if plan.images < FEW_IMAGES:
        rows["warning"] = f"{plan.images} images are few: expect the model to memorise them and to produce near copies"
    elif plan.images < MEASURED_IMAGES and not plan.notes.held_out:
        rows["advice"] = " ".join(filter(None, [rows.get("advice"), ASIDE.format(plan.images // 10)]))
    return rows
