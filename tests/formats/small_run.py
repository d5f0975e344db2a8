"""A small run that was never trained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from nevoa.config import Plan, parse
from nevoa.model import Model
from nevoa.runs import Run, card, journal
from nevoa.runs.horizon import Horizon
from tests.formats.small_models import CLASSES, FOLDED, small_model

TRAINING = {"images": 8, "batch_size": 4, "device": "cpu", "precision": "float32", "threads": 1, "preview_steps": 3}
TRAINING |= {f"{event}_every_images": 4 for event in ("report", "preview", "checkpoint")}


def plan_of(model: Model, source: str = "fashion_mnist") -> Plan:
    """The plan of a small model's training."""
    data = {
        **model.plan.data.model_dump(),
        "source": source,
        "images": 10_000,
        "fingerprint": "f" * 64,
        "augment": "flip",
    }
    return parse({**model.plan.model_dump(), "data": data, "training": TRAINING}, Plan)


def run_of(folder: Path, source: str = "fashion_mnist", **options: Any) -> Run:
    """A run with a model, a preview and a card, as if it had been trained on a source."""
    model = small_model(**({"network": FOLDED, "classes": CLASSES, "sampling": {"steps": 3}} | options))
    plan = plan_of(model, source)
    model = replace(model, plan=plan)
    run = Run(folder)
    run.append_metrics({"images_seen": 8, "loss": 0.25})
    run.save_loss_curve()
    run.save_preview(4, Image.new("L", (2, 2)))
    run.save_preview(8, Image.new("L", (2, 2)))
    sections = {"diffusion": plan.diffusion, "network": plan.network, "sampling": plan.sampling}
    asked = parse({"training": {"condition": "class" if plan.classes else "none"}}).updated("data", source=source)
    run.write(asked.model_copy(update=sections), plan)
    journal.write(run, "planned", 0, horizon=Horizon(8))
    run.publish_model(model)
    card.write(run, plan, model, horizon=8, images_seen=8, seconds=3.0)
    return run
