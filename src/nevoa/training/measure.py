"""Measures how long the parts of a training take on this machine, in a throw-away training."""

import math
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from nevoa.config import Plan
from nevoa.data import ImageSet, choosing_count
from nevoa.errors import NevoaError
from nevoa.objects import NAMES, Objects
from nevoa.parallel.device import timed
from nevoa.parallel.environment import world_size
from nevoa.runs.horizon import Horizon
from nevoa.runs.journal import Costs
from nevoa.runs.run import Run
from nevoa.training.gradient import learner
from nevoa.training.guide import COUNT, TRIED
from nevoa.training.held_out import DRAWS
from nevoa.training.loop import training_steps
from nevoa.training.memory import check_activations, check_weights, count_parameters
from nevoa.training.objective import keeps_best
from nevoa.training.operations import flop_of
from nevoa.training.recorder import PREVIEW_COUNT, Recorder
from nevoa.training.state import TrainingState
from nevoa.training.threads import MOST_PARTS
from nevoa.training.timing import steady_seconds

# This share of the minutes goes into timing steps, within limits. It is little, because a training decides again on the
# way how many images fit: 8 s of five minutes were 2 % of the images.
TIMING_SHARE, SHORTEST, LONGEST = 0.01, 1.0, 2.0
# On a processor, a batch of more pixels than 32 images of 64x64 takes as long per image, and a step of 32 images of
# 256x256 takes 10 s.
BRIEF_PIXELS = 32 * 64 * 64
# From the last step's files to the end of the process. Measured on two busy cores: the picture of the loss takes 0.7 s,
# the end of a command 0.16 s of computing; each takes two or three times as long if others compute too.
END_SECONDS = 1.0
# An evaluation without a gradient, as a share of training on an image: 1,024 of 64x64 at width 32 take as long as 545
# images on two cores (AMD EPYC, AVX-512 with bf16).
EVALUATION = 0.5


class Trial:
    """A throw-away training, to measure how long things take. Nothing of it outlives the measurement."""

    def __init__(self, plan: Plan, images: ImageSet, objects: Objects = NAMES) -> None:
        self.plan, self.images, self.objects = plan, images, objects

    @cached_property
    def state(self) -> TrainingState:
        """A fresh state; process 0 measures its share while the others wait."""
        state = TrainingState.fresh(self.plan, self.images.shape, self.objects)
        state.group = state.group.silent()
        if self.plan.training.guide:
            state.guide = state.frozen_average()  # a preview takes longer with it
        if keeps_best(self.plan):
            state.keep_best(0.0)  # and so does a checkpoint
        return state

    @cached_property
    def brief(self) -> "Trial":
        """This trial, or one with batches that do not take so long to time."""
        training, most = self.plan.training, BRIEF_PIXELS // math.prod(self.images.shape[1:])
        few = min(training.batch_size, max(most, MOST_PARTS * world_size()))
        if training.device != "cpu" or few == training.batch_size:
            return self
        smaller = training.model_copy(update={"batch_size": few})
        return Trial(self.plan.model_copy(update={"training": smaller}), self.images, self.objects)

    @cached_property
    def image_seconds(self) -> float:
        """Seconds for an image at a steady rate, data included, on average over the training."""
        training = self.brief.plan.training
        seconds = min(LONGEST, max(SHORTEST, TIMING_SHARE * 60 * (training.minutes or 0)))
        return steady_seconds(self.brief.seconds(), seconds / 3, seconds) * self.state.cost_ahead / training.batch_size

    def seconds(self) -> Iterator[float]:
        """Seconds of one training step after another, without end."""
        state = self.state
        state.horizon = Horizon(10**15)
        with closing(training_steps(state, self.images)) as stream:
            while True:
                start = time.perf_counter()
                next(stream)
                yield time.perf_counter() - start

    def check_memory(self) -> None:
        """Build the network if there is memory for training it. A NevoaError otherwise."""
        plan, images = self.plan, self.images
        check_weights(count_parameters(plan, images.shape[0], self.objects), plan)
        check_activations(self.state.network, images.shape, plan)

    @cached_property
    def costs(self) -> Costs:
        """Seconds of the parts of a run."""
        steps = self.state.model().settings().steps or 1
        preview = self._preview_seconds(steps)
        weight = preview / PREVIEW_COUNT * COUNT * TRIED if self.plan.training.weigh_guide else 0.0
        beside = self._checkpoint_seconds(), END_SECONDS, weight, self._held_out_seconds()
        return Costs(self.image_seconds, preview, steps, *beside)

    @cached_property
    def flop_per_image(self) -> int:
        """Floating-point operations of training on one image."""
        state, x = self.state, torch.zeros(1, *self.images.shape, device=self.state.device)
        denoiser, t = state.model().denoiser(), torch.ones(1, dtype=torch.int64, device=state.device)
        evaluations = state.objective.evaluations(learner(state)) * state.cost_ahead
        return round(evaluations * flop_of(lambda: denoiser(x, t)))

    def _preview_seconds(self, steps: int) -> float:
        """Seconds of a preview, extrapolated from two of its steps."""
        model, few = self.state.model(), min(2, steps)

        def preview() -> None:
            with suppress(NevoaError):  # fresh weights may make no images
                model.sample(PREVIEW_COUNT, steps=few)

        return timed(preview, self.state.device, 0.2) * steps / few

    def _held_out_seconds(self) -> float:
        """Seconds of the held-out loss, measured on each image that chooses the model and on as many others."""
        count = choosing_count(self.images.notes.held_out) if keeps_best(self.plan) else 0
        return 2 * DRAWS * count * self.image_seconds * EVALUATION

    def _checkpoint_seconds(self) -> float:
        with TemporaryDirectory() as folder:
            start = time.perf_counter()
            Recorder(Run(Path(folder)), self.state).keep()
            return time.perf_counter() - start
