"""A throwaway training that shows how long things take here."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from nevoa._util.device import PrecisionName, timed
from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.runs.run import Run
from nevoa.training.budget import Costs, steady_seconds
from nevoa.training.loop import training_steps
from nevoa.training.recorder import PREVIEW_COUNT, Recorder
from nevoa.training.state import TrainingState

# bf16 on a CPU without units for it is slow enough to be seen on sixteen images.
PRECISION_BATCH = 16
PRECISION_SECONDS = 0.3
# This share of the minutes given goes into timing steps, within limits: less is too little for a noisy machine.
TIMING_SHARE, SHORTEST, LONGEST = 0.03, 1.0, 8.0
# From the last step's files to the end of the process.
END_SECONDS = 0.6


@dataclass
class Profile:
    """A throwaway network of the config, put to work on its images to see how long things take."""

    config: Config
    images: ImageSet

    def settle(self, **values: Any) -> None:
        """Give values to open keys of the training's config. What was built by the old ones is built anew."""
        training = self.config.training.model_copy(update=values)
        self.config = self.config.model_copy(update={"training": training})
        self.__dict__.pop("state", None)

    @cached_property
    def state(self) -> TrainingState:
        return TrainingState.fresh(self.config, self.images.shape)

    @cached_property
    def step_seconds(self) -> float:
        """A step as the run will take it, with its data, once the machine is warm."""
        at_least = min(LONGEST, max(SHORTEST, TIMING_SHARE * 60 * (self.config.training.minutes or 0)))
        return steady_seconds(self._seconds(), at_least / 3, at_least)

    @cached_property
    def costs(self) -> Costs:
        """What the parts of the run cost."""
        steps = self.state.model().settings().steps or 1
        return Costs(self.step_seconds, self._preview_seconds(steps), steps, self._checkpoint_seconds(), END_SECONDS)

    @cached_property
    def flop_per_image(self) -> int:
        """Floating-point operations of training on one image: three times those of the network's evaluation.

        The gradient takes two products for each one forward (Kaplan et al. 2020, section 2.1).
        """
        state, x = self.state, torch.zeros(1, *self.images.shape, device=self.state.device)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            state.network(x, torch.ones(1, dtype=torch.int64, device=state.device))
        return 3 * counter.get_total_flops()

    def seconds_in_precision(self, precision: PrecisionName) -> float:
        """A step on a few images, in a precision."""
        stream = self._steps(precision=precision, batch_size=min(PRECISION_BATCH, self.config.training.batch_size))
        return timed(lambda: next(stream), self.state.device, PRECISION_SECONDS)

    def _preview_seconds(self, steps: int) -> float:
        """A preview of so many steps, by the time that two of them take."""
        model, few = self.state.model(), min(2, steps)
        return timed(lambda: model.sample(PREVIEW_COUNT, steps=few), self.state.device, 0.2) * steps / few

    def _checkpoint_seconds(self) -> float:
        with TemporaryDirectory() as folder:
            start = time.perf_counter()
            Recorder(Run(Path(folder)), self.state, len(self.images)).keep()
            return time.perf_counter() - start

    def _seconds(self) -> Iterator[float]:
        stream = self._steps()
        while True:
            start = time.perf_counter()
            next(stream)
            yield time.perf_counter() - start

    def _steps(self, **values: Any) -> Iterator[object]:
        """Endless steps of training, of the config with some of its values changed."""
        training = self.config.training.model_copy(update={"steps": 10**9, **values})
        self.state.config = self.config.model_copy(update={"training": training})
        return training_steps(self.state, self.images)
