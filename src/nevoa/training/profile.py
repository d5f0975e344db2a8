"""A throw-away training that measures how long things take on this machine."""

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.objects import NAMES, Objects
from nevoa.parallel.device import timed
from nevoa.runs.decisions import Costs
from nevoa.runs.run import Run
from nevoa.training.budget import steady_seconds
from nevoa.training.course import Course
from nevoa.training.loop import learner, training_steps
from nevoa.training.memory import check_activations, check_weights, count_parameters
from nevoa.training.operations import flop_of
from nevoa.training.recorder import PREVIEW_COUNT, Recorder
from nevoa.training.state import TrainingState
from nevoa.training.student import Student

# This share of the minutes goes into timing steps, within limits. It is little, because a training decides again on the
# way how many steps fit: 8 s of five minutes were 2 % of the images.
TIMING_SHARE, SHORTEST, LONGEST = 0.01, 1.0, 2.0
# From the last step's files to the end of the process. Measured on two busy cores: the picture of the loss takes 0.7 s,
# the end of a command 0.16 s of computing; each takes two or three times as long if others compute too.
END_SECONDS = 1.0


class Profile:
    """A throw-away network of a config, trained on its images to measure how long things take.

    Nothing of it outlives the measurement: a `Job` keeps only the settled config and the seconds.
    """

    def __init__(self, config: Config, images: ImageSet, objects: Objects = NAMES, costs: Costs | None = None):
        self.config, self.images, self.objects, self.measured_costs = config, images, objects, costs

    def settle(self, **values: Any) -> None:
        """Set open keys of the training config. Measurements that no longer hold are dropped."""
        self.config = self.config.updated("training", **values)
        self.__dict__.pop("state", None)
        if values.get("precision") or values.get("compile"):
            self.__dict__.pop("step_seconds", None)
            self.measured_costs = None

    @cached_property
    def state(self) -> TrainingState:
        state = TrainingState.fresh(self.config, self.images.shape, self.objects)
        state.processes = state.processes.silent()  # process 0 measures its share while the others wait
        return state

    @cached_property
    def step_seconds(self) -> float:
        """Seconds of a step at its steady pace, data included, on average over the training."""
        seconds = min(LONGEST, max(SHORTEST, TIMING_SHARE * 60 * (self.config.training.minutes or 0)))
        return steady_seconds(self.seconds(), seconds / 3, seconds) * self.state.cost_ahead

    def seconds(self) -> Iterator[float]:
        """Seconds of one training step after another, without end."""
        with closing(self._steps()) as stream:
            while True:
                start = time.perf_counter()
                next(stream)
                yield time.perf_counter() - start

    def check_memory(self) -> None:
        """Build the network if there is memory for training it. A NevoaError otherwise."""
        config, images = self.config, self.images
        check_weights(count_parameters(config, images.shape[0], self.objects), config.training)
        check_activations(self.state.network, images.shape, bool(config.classes), config.training)

    @property
    def costs(self) -> Costs:
        """Seconds of the parts of a run."""
        if self.measured_costs is None:
            steps = self.state.model().settings().steps or 1
            parts = self._preview_seconds(steps), steps, self._checkpoint_seconds()
            self.measured_costs = Costs(self.step_seconds, *parts, END_SECONDS)
        return self.measured_costs

    @cached_property
    def flop_per_image(self) -> int:
        """Floating-point operations of training on one image: three times those of evaluating the network.

        The gradient takes two products for each one forward (Kaplan et al. 2020, section 2.1). Distillation evaluates
        the networks more often.
        """
        state, x = self.state, torch.zeros(1, *self.images.shape, device=self.state.device)
        denoiser, t = state.model().denoiser(), torch.ones(1, dtype=torch.int64, device=state.device)
        trained = learner(state)
        evaluations = trained.evaluations * state.cost_ahead if isinstance(trained, Student) else 3
        return round(evaluations * flop_of(lambda: denoiser(x, t)))

    def _preview_seconds(self, steps: int) -> float:
        """Seconds of a preview, extrapolated from two of its steps."""
        model, few = self.state.model(), min(2, steps)

        def preview() -> None:
            with suppress(NevoaError):  # fresh weights may make no images
                model.sample(PREVIEW_COUNT, steps=few)

        return timed(preview, self.state.device, 0.2) * steps / few

    def _checkpoint_seconds(self) -> float:
        with TemporaryDirectory() as folder:
            start = time.perf_counter()
            Recorder(Run(Path(folder)), self.state, len(self.images)).keep()
            return time.perf_counter() - start

    def _steps(self):
        """Endless training steps."""
        self.state.follow(Course(10**9))
        return training_steps(self.state, self.images)
