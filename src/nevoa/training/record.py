"""Training into a run folder: the same stream of steps, with a line, a preview or a checkpoint where one is due."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass

from nevoa.files import published
from nevoa.pictures import grid
from nevoa.run import Run
from nevoa.training import card, checkpoint
from nevoa.training.loop import Step
from nevoa.training.state import Mean, TrainingState

PREVIEW_COUNT = 36


@dataclass(frozen=True)
class Recorder:
    """Writes what the run folder is to hold."""

    run: Run
    state: TrainingState
    images: int

    def record(self, steps: Iterable[Step]) -> Generator[Step, None, None]:
        """Pass the steps on. When the stream ends, or its reader stops reading, the run is left whole and usable."""
        seconds_reported = self.state.seconds
        try:
            for step in steps:
                finished = step.step == self.state.config.training.steps
                if finished or self._due("report_every_images"):
                    self._report(step, step.seconds - seconds_reported)
                    seconds_reported = step.seconds
                if finished or self._due("preview_every_images"):
                    self._preview(step)
                if finished or self._due("checkpoint_every_images"):
                    self.keep()
                yield step
        except GeneratorExit:
            self.keep()
            raise

    def keep(self) -> None:
        """Save a checkpoint, the model and the card of this moment."""
        checkpoint.save(self.state, self.run.checkpoints)
        self.run.publish_model(self.state.model())
        card.write(self.run, self.state, self.images)

    def _due(self, key: str) -> bool:
        config, seen = self.state.config.training, self.state.images_seen
        every = getattr(config, key)
        return every is not None and seen // every != (seen - config.batch_size) // every

    def _report(self, step: Step, seconds: float) -> None:
        loss, self.state.report_loss = self.state.report_loss, Mean()
        self.run.append_metrics(
            {
                "images_seen": step.images_seen,
                "step": step.step,
                "loss": loss.value,
                "grad_norm": step.grad_norm,
                "learning_rate": step.learning_rate,
                "images_per_second": loss.count * self.state.config.training.batch_size / seconds,
                "seconds": step.seconds,
            }
        )

    def _preview(self, step: Step) -> None:
        training = self.state.config.training
        images = step.model.sample(PREVIEW_COUNT, seed=training.seed, steps=training.preview_steps)
        with published(self.run.samples / f"{step.images_seen:012d}.png") as temporary:
            grid(images).save(temporary)
