"""Record a stream of training steps in a run folder: metrics, previews and checkpoints when they are due."""

import math
import warnings
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nevoa._util.files import explained
from nevoa.conditions import conditions_of
from nevoa.conditions.picture import Picture
from nevoa.config import ModelPlan
from nevoa.config.condition import TagsPlan, TextPlan
from nevoa.config.names import TAGS, TEXT
from nevoa.data import ImageSet, opaque, picture_of, pixels_of
from nevoa.data.words import example_captions, tags_in, words_in
from nevoa.errors import NevoaError, reason
from nevoa.model import Model
from nevoa.networks.adapters import Adapted
from nevoa.pictures import class_grid, grid
from nevoa.runs import card, journal
from nevoa.runs.horizon import Horizon
from nevoa.runs.run import Run
from nevoa.training.checkpoint import save_checkpoint
from nevoa.training.held_out import HeldOut, memorises_since
from nevoa.training.state import TrainingState
from nevoa.training.step import Step

PREVIEW_COUNT, PREVIEW_PROMPTS = 36, 6


@dataclass(frozen=True)
class Recorder:
    """Writes a training into its run folder.

    Attributes:
        resumed_from: the checkpoint that training started from; it is kept.
        held_out: compared with training images as often as a preview is drawn; None if no images are held out.
        asked: what previews are asked for, in turn: an option of sampling and its values, or pictures by kind.
    """

    run: Run
    state: TrainingState
    resumed_from: Path | None = None
    held_out: HeldOut | None = None
    asked: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def report(self, steps: Iterable[Step]) -> Generator[Step, None, None]:
        """Pass the steps on and append to the metrics, by which the state knows its best model."""
        every, horizon = self.state.plan.training.report_every_images, self.state.horizon
        since = self._memorises_since()
        for step in steps:
            horizon = self._note_move(horizon)
            if step.is_due(every):
                compared = self._report(step)
                since = self._memorises_since() if compared else since
                horizon = self._note_move(horizon)
            yield replace(step, memorises_since=since)

    def record(self, steps: Iterable[Step]) -> Generator[Step, None, None]:
        """Pass the steps of `report` on and record them. A reader that stops early leaves a complete, usable run."""
        plan = self.state.plan.training
        try:
            for step in steps:
                if step.is_due(plan.preview_every_images):
                    self._preview(step.images_seen, step.model)
                if step.is_last and (best := self.state.best) and not self.state.publishes_last:
                    self._preview(best.images_seen, self.state.published())
                if self.state.cools_next:
                    self._note("cool-down", step.images_seen)
                if self.state.cools_next or step.is_due(plan.checkpoint_every_images):
                    self.keep()
                if self.state.autoguidance is not None:
                    self._note("weighed", step.images_seen, autoguidance=self.state.autoguidance)
                if step.is_last:
                    self._draw_loss()
                yield step
        except GeneratorExit:
            self.keep()
            raise

    def keep(self) -> None:
        """Save model, card and, last, the checkpoint: if the process dies in between, the resumed run saves all again.

        A NevoaError if a weight is not finite; nothing is saved then.
        """
        state = self.state
        networks = {*(state.networks[name] for name in state.trained), state.average}
        if not all(bool(weight.isfinite().all()) for network in networks for weight in network.parameters()):
            raise NevoaError(
                f"Weights are not finite after {state.images_seen:,} images. Nothing was saved; older checkpoints are "
                "intact. Try a lower training.learning_rate in another --out."
            )
        with explained("write", self.run.folder):
            model, best = publish(self.run, state), state.best and state.best.images_seen
            card.write(self.run, state.plan, model, state.horizon.images, state.images_seen, state.seconds, best)
            self.run.flush_metrics()
            save_checkpoint(state, self.run.checkpoints, self.resumed_from)

    def _note_move(self, before: Horizon) -> Horizon:
        """Note the horizon if it has moved, and return it."""
        horizon = self.state.horizon
        if horizon != before:
            self._note("moved", horizon.since, horizon=horizon, seconds=self.state.spent)
        return horizon

    def _note(self, event: journal.Event, images_seen: int, **values: Any) -> None:
        """Append to the journal, unless a training that was interrupted has done so since the budget was given."""
        since = takewhile(lambda entry: entry.event not in journal.BUDGETED, reversed([*journal.read(self.run)]))
        if not any(entry.event == event and entry.images_seen == images_seen for entry in since):
            journal.write(self.run, event, images_seen, **values)

    def _report(self, step: Step) -> bool:
        """Append a line to the metrics. Return whether it has held-out losses, which choose the model."""
        held_out = self._held_out_losses(step)
        self.run.append_metrics(
            {
                "images_seen": step.images_seen,
                "loss": step.report_loss if math.isfinite(step.report_loss) else None,
                "loss_by_log_snr": dict(step.loss_by_log_snr),
                **held_out,
                "grad_norm": step.grad_norm if math.isfinite(step.grad_norm) else None,
                "learning_rate": step.learning_rate,
                "images_per_second": step.report_images_per_second,
                "seconds": step.seconds,
            }
        )
        if held_out and self.held_out:
            self.state.keep_best(held_out["held_out_loss"], self.held_out.held_out.fingerprint)
            self.state.heed_patience()
        return bool(held_out)

    def _memorises_since(self) -> int | None:
        """Where the held-out loss was lowest, if it rises; losses from before may be those of other images."""
        first = math.inf if self.state.best is None else self.state.best.images_seen
        return memorises_since(line for line in self.run.metrics() if line["images_seen"] >= first)

    def _held_out_losses(self, step: Step) -> dict[str, float]:
        """The losses by `HeldOut` in the first report after each preview, and in the last."""
        training = self.state.plan.training
        if self.held_out is None:
            return {}
        every = training.preview_every_images
        before = report_before(step.images_seen, step.batch_size, training.report_every_images)
        is_due = step.images_seen // every != before // every or step.is_last
        return self.held_out.losses(self.state) if is_due else {}

    def _draw_loss(self) -> None:
        try:
            self.run.save_loss_curve()
        except Exception as error:  # of whatever kind: the run itself is complete
            warnings.warn(f"{self.run.loss_file} could not be drawn: {reason(error)}.", stacklevel=2)

    def _preview(self, images_seen: int, model: Model) -> None:
        training, asked = self.state.plan.training, self.asked
        options: Any = {"steps": training.preview_steps, **asked}
        try:
            images = model.sample(PREVIEW_COUNT, training.seed, **options)
        except NevoaError as error:  # training goes on: later weights may make images
            warnings.warn(f"No preview after {images_seen:,} images: {error}", stacklevel=2)
            return
        by_itself = () if model.plan.conditions else model.classes
        said = next(iter(asked.values()), by_itself)
        drawn = _with_pictures(images, *said.values()) if isinstance(said, Mapping) else class_grid(images, said)
        self.run.save_preview(images_seen, drawn)


def publish(run: Run, state: TrainingState) -> Model:
    """Write the model of a state for `load`, and apart from it the adapters if it has some. Return the model."""
    model = state.published()
    run.publish_model(model)
    if isinstance(adapted := state.chosen, Adapted):
        run.write_adapters(*adapted.files(state.plan.training.start or ""))
    return model


def preview_asked(plan: ModelPlan, images: ImageSet) -> dict[str, Any]:
    """Return what previews are asked for, of images here and there, under the name of its option.

    Pictures by kind; otherwise prompts or tags, of the captions that the model reads whole. Nothing is asked of a model
    that takes none of these.
    """
    kinds = conditions_of(plan).kinds
    if pictures := {name: kind for name, kind in kinds.items() if isinstance(kind, Picture)}:
        some = np.arange(len(images))[:: -(-len(images) // PREVIEW_PROMPTS)]
        chance = np.arange(len(some)) / len(some)
        return {"condition": {name: kind.values(images, some, chance) for name, kind in pictures.items()}}
    text, tags = plan.conditions.get(TEXT), plan.conditions.get(TAGS)
    asked = {}
    if isinstance(text, TextPlan):
        asked["prompt"] = example_captions(
            images.captions, PREVIEW_PROMPTS, lambda one: len(words_in(one)) <= text.words
        )
    elif isinstance(tags, TagsPlan):
        asked["tags"] = example_captions(images.captions, PREVIEW_PROMPTS, lambda one: {*tags_in(one)} <= {*tags.tags})
    return {option: captions for option, captions in asked.items() if captions}


def _with_pictures(images: np.ndarray, pictures: Sequence[np.ndarray], *_: object) -> Image.Image:
    """Draw a row for each picture: it, then the images that were made from it, which came in turn."""
    channels = images.shape[-1]
    shown = [pixels_of(opaque(picture_of(one), "gray"), channels) for one in pictures]
    rows = [np.concatenate([one[None], images[first :: len(shown)]]) for first, one in enumerate(shown)]
    columns = min(map(len, rows))
    return grid(np.concatenate([row[:columns] for row in rows]), columns)


def report_before(seen: int, batch: int, interval: int) -> int:
    """Return after how many images the report before that of `seen` came: at the first batch past an interval."""
    return math.ceil((seen - batch) // interval * interval / batch) * batch
