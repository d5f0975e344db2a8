"""Record a stream of training steps in a run folder: metrics, previews and checkpoints when they are due."""

import math
import warnings
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from nevoa._util.files import explained
from nevoa.errors import NevoaError, reason
from nevoa.pictures import class_grid
from nevoa.runs import card, decisions
from nevoa.runs.decisions import Decision
from nevoa.runs.run import Run
from nevoa.training.course import Course
from nevoa.training.levels import by_level
from nevoa.training.loop import Step
from nevoa.training.snapshot import save_checkpoint
from nevoa.training.state import Mean, TrainingState
from nevoa.training.unseen import Unseen, memorises_since

PREVIEW_COUNT = 36


@dataclass(frozen=True)
class Recorder:
    """Writes a training into its run folder.

    Attributes:
        images: number of images in the data set.
        resumed_from: the checkpoint that training started from; it is kept.
        unseen: compared with training images as often as a preview is drawn; None if no images are set aside.
    """

    run: Run
    state: TrainingState
    images: int
    resumed_from: Path | None = None
    unseen: Unseen | None = None

    def record(self, steps: Iterable[Step]) -> Generator[Step, None, None]:
        """Pass the steps on and record them. A reader that stops early leaves a complete, usable run."""
        course, since = self.state.course, memorises_since(self.run.metrics())
        try:
            for step in steps:
                finished = step.step == step.steps
                if self.state.course != course:
                    course = self.state.course
                    self._keep_decision(course)
                if finished or (step.is_finite and self._due("report_every_images")):
                    compared = self._report(step)
                    since = memorises_since(self.run.metrics()) if compared else since
                if finished or (step.is_finite and self._due("preview_every_images")):
                    self._preview(step)
                if finished or self._cools_next() or (step.is_finite and self._due("checkpoint_every_images")):
                    self.keep()
                if finished:
                    self._draw_loss()
                yield replace(step, memorises_since=since)
        except GeneratorExit:
            self.keep()
            raise

    def keep(self) -> None:
        """Save model, card and, last, the checkpoint: if the process dies in between, the resumed run saves all again.

        A NevoaError if a weight is not finite; nothing is saved then.
        """
        networks = {*self.state.trained, self.state.average}
        if not all(bool(weight.isfinite().all()) for network in networks for weight in network.parameters()):
            raise NevoaError(
                f"Weights are not finite at step {self.state.step:,}. Nothing was saved; older checkpoints are intact. "
                "Try a lower training.learning_rate in another --out."
            )
        with explained("write", self.run.folder):
            self.run.publish_model(self.state.model())
            card.write(self.run, self.state.model(), self.images, self.state.images_seen, self.state.seconds)
            self.run.flush_metrics()
            save_checkpoint(self.state, self.run.checkpoints, self.resumed_from)

    def _keep_decision(self, course: Course) -> None:
        decisions.append(self.run, Decision(step=course.since, steps=course.steps, spent=self.state.spent))
        self.run.write_config(self.state.config)

    def _cools_next(self) -> bool:
        """Whether the cool-down begins with the next step: a longer training goes on from here."""
        return self.state.cooled() == 0 < self.state.cooled(ahead=1)

    def _due(self, key: str) -> bool:
        config, seen = self.state.config.training, self.state.images_seen
        every = getattr(config, key)
        return every is not None and seen // every != (seen - config.known_batch_size) // every

    def _report(self, step: Step) -> bool:
        """Append a line to the metrics. Return whether it has losses on unseen images."""
        unseen_losses = self._unseen_losses(step)
        loss, self.state.report_loss = self.state.report_loss, Mean()
        levels, self.state.report_levels = self.state.report_levels, {}
        seconds, self.state.report_seconds = self.state.report_seconds, 0.0
        self.run.append_metrics(
            {
                "images_seen": step.images_seen,
                "step": step.step,
                "loss": loss.value if loss.count else None,
                "loss_by_log_snr": by_level(levels),
                **unseen_losses,
                "grad_norm": step.grad_norm if math.isfinite(step.grad_norm) else None,
                "learning_rate": step.learning_rate,
                "images_per_second": loss.count * self.state.config.training.known_batch_size / seconds,
                "seconds": step.seconds,
            }
        )
        return bool(unseen_losses)

    def _unseen_losses(self, step: Step) -> dict[str, float]:
        """The losses by `Unseen` in the first report after each preview, and in the last."""
        training, every = self.state.config.training, self.state.config.training.preview_every_images
        if self.unseen is None or every is None:
            return {}
        batch = training.known_batch_size
        before = report_before(step.images_seen, batch, training.report_every_images or batch)
        is_due = step.images_seen // every != before // every or step.step == step.steps
        return self.unseen.losses(self.state) if is_due else {}

    def _draw_loss(self) -> None:
        try:
            self.run.save_loss_curve()
        except Exception as error:  # of whatever kind: the run itself is complete
            warnings.warn(f"{self.run.loss_file} could not be drawn: {reason(error)}.", stacklevel=2)

    def _preview(self, step: Step) -> None:
        training = self.state.config.training
        try:
            images = step.model.sample(PREVIEW_COUNT, seed=training.seed, steps=training.preview_steps)
        except NevoaError as error:  # training goes on: later weights may make images
            warnings.warn(f"No preview after {step.images_seen:,} images: {error}", stacklevel=2)
            return
        self.run.save_preview(step.images_seen, class_grid(images, step.model.classes))


def report_before(seen: int, batch: int, interval: int) -> int:
    """Return after how many images the report before that of `seen` came: at the first batch past an interval."""
    return math.ceil((seen - batch) // interval * interval / batch) * batch
