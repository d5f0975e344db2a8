"""A small run that was never trained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from nevoa.runs import Run, card
from tests.formats.small_models import CLASSES, FOLDED, small_model


def run_of(folder: Path, source: str = "fashion_mnist", **options: Any) -> Run:
    """A run with a model, a preview and a card, as if it had been trained on a source."""
    model = small_model(**({"network": FOLDED, "classes": CLASSES, "sampling": {"steps": 3}} | options))
    model = replace(model, config=model.config.updated("data", source=source))
    run = Run(folder)
    run.append_metrics({"images_seen": 8, "loss": 0.25})
    run.save_loss_curve()
    run.save_preview(4, Image.new("L", (2, 2)))
    run.save_preview(8, Image.new("L", (2, 2)))
    run.write_config(model.config, {"nevoa": "0.1.0", "changed": "after 8 images: data.source /home/me to /home/you"})
    run.publish_model(model)
    card.write(run, model, images=10_000, images_seen=8, seconds=3.0)
    return run
