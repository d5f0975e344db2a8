"""Everything that training changes; a checkpoint holds all of it and nothing else."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.func import functional_call

from nevoa._util.random import Stream, generator
from nevoa.config import Config
from nevoa.config.names import DeviceName
from nevoa.model import Model, Shape, fresh_network
from nevoa.networks.dropout import masks_from
from nevoa.objects import NAMES, Objects
from nevoa.parallel.device import choose_device
from nevoa.parallel.group import Processes, joined
from nevoa.training.course import Course
from nevoa.training.matching import MATCHING_COST, MATCHING_FROM, SECOND_RATE
from nevoa.training.optimizer import make_optimizers
from nevoa.training.threaded_gradient import cut, parts_for

RECENT = 0.98


@dataclass
class Mean:
    """A running mean."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1

    @property
    def value(self) -> float:
        return self.total / self.count if self.count else math.nan


@dataclass
class RecentMean:
    """An exponential mean over about the last 50 values, corrected for its start."""

    total: float = 0.0
    weight: float = 0.0

    def add(self, value: float) -> None:
        self.weight = RECENT * self.weight + 1 - RECENT
        self.total = RECENT * self.total + (1 - RECENT) * value

    @property
    def value(self) -> float:
        return self.total / self.weight if self.weight else math.nan


@dataclass
class TrainingState:
    """The networks, the optimizers and their progress.

    Attributes:
        average: the network of averaged weights; `network` itself if the config averages nothing.
        teacher: the network that training starts from and learns from, if the objective is path or match.
        second: learns to denoise the images of `network`, if the objective is match; at first like the teacher.
        scaler: keeps float16's gradients in range; does nothing in other precisions.
        updates: number of steps with a finite gradient: the others change nothing.
        matched: number of those that trained the second network too.
        not_finite: number of steps in a row, up to the last, whose loss or gradient was not finite.
        course: the number of steps, and how the learning rate falls.
        spent: seconds that the training has taken; with a budget of minutes, also between its steps.
        report_levels: means since the last report, by noise level.
        report_loss, epoch_loss, recent_loss: means since the last report, since the epoch began, over the last steps.
        objects: given in place of names.
        processes: those that train together; each holds the whole state.
    """

    config: Config
    shape: Shape
    device: DeviceName
    network: nn.Module
    average: nn.Module
    teacher: nn.Module | None
    second: nn.Module | None
    optimizers: tuple[torch.optim.Optimizer, ...]
    scaler: torch.amp.GradScaler
    course: Course
    step: int = 0
    images_seen: int = 0
    updates: int = 0
    matched: int = 0
    not_finite: int = 0
    seconds: float = 0.0
    spent: float = 0.0
    report_seconds: float = 0.0
    report_loss: Mean = field(default_factory=Mean)
    report_levels: dict[str, Mean] = field(default_factory=dict)
    epoch_loss: Mean = field(default_factory=Mean)
    recent_loss: RecentMean = field(default_factory=RecentMean)
    objects: Objects = NAMES
    processes: Processes = field(default_factory=joined)

    @classmethod
    def fresh(cls, config: Config, shape: Shape, objects: Objects = NAMES) -> "TrainingState":
        """The state before the first step: a function of the config and the objects alone."""
        device = choose_device(config.training.device)
        network = fresh_network(config, shape, objects.network).to(device)
        average = copy.deepcopy(network).requires_grad_(False) if config.training.ema_decay else network
        training = config.training
        teacher = copy.deepcopy(network).eval().requires_grad_(False) if training.is_distillation else None
        second = copy.deepcopy(network).eval() if training.objective == "match" else None
        scaler = torch.amp.GradScaler(device, enabled=config.training.precision == "float16")  # pyright: ignore
        optimizers = make_optimizers(network, config.training)
        if second is not None:
            optimizers += make_optimizers(second, config.training, SECOND_RATE)
        course = Course(config.training.steps or 0)
        networks = network, average, teacher, second
        return cls(config, shape, device, *networks, optimizers, scaler, course, objects=objects)

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Begin with these weights, in every network."""
        for network in filter(None, (self.network, self.average, self.teacher, self.second)):
            network.load_state_dict(weights)

    def follow(self, course: Course) -> None:
        """Set the number of steps, in the config too."""
        self.course = course
        self.config = self.config.updated("training", steps=course.steps)

    def cooled(self, ahead: int = 0) -> float:
        """The share of the cool-down that has passed, now or some steps ahead; 0 if the rate does not decay."""
        training = self.config.training
        decays = self.course.at_once or training.learning_rate_decay != "none"
        return self.course.cooled_at(self.step + ahead, training.cooldown) if decays else 0.0

    @property
    def matches(self) -> bool:
        """Whether the next step matches distributions."""
        return self.second is not None and self.cooled() >= MATCHING_FROM

    @property
    def work(self) -> float:
        """What the steps until now cost, if one that does not match costs 1."""
        return self.step + (MATCHING_COST - 1) * self.matched

    @property
    def cost_ahead(self) -> float:
        """What the steps that are left cost on average, if one that does not match costs 1."""
        if self.second is None:
            return 1.0
        share = self.course.share_left(self.step, self.config.training.cooldown, MATCHING_FROM)
        return 1 + (MATCHING_COST - 1) * share

    @property
    def trained(self) -> list[nn.Module]:
        """The networks that the next step trains."""
        return [self.network, self.second] if self.second is not None and self.matches else [self.network]

    @cached_property
    def parts(self) -> int:
        """Number of parts of the share, each computed on a thread; 1 if the network draws from torch's generator."""
        training = self.config.training
        parts = parts_for(training.threads or 1, training.known_batch_size // self.processes.count)
        return 1 if self.device != "cpu" or (parts > 1 and self._draws) else parts

    @property
    def _draws(self) -> bool:
        """Whether the network draws from torch's generator while it is trained: found out on two images."""
        network = self.network.train()  # as every step does
        x, t = torch.zeros(2, *self.shape), torch.ones(2, dtype=torch.int64)
        label = [torch.zeros_like(t)] if self.config.classes else []
        buffers = {name: tensor.clone() for name, tensor in network.named_buffers()}  # of batch normalization
        with torch.no_grad(), torch.random.fork_rng(devices=[]), masks_from(self.dropout_masks(0)):
            before = torch.get_rng_state()
            functional_call(network, buffers, (x, t, *label))
            return not torch.equal(torch.get_rng_state(), before)

    def dropout_masks(self, first: int) -> torch.Generator | None:
        """The generator of masks for a part of the batch that begins with image `first` of it.

        None, for torch's own, where nothing is computed in parts, and in a compiled network.
        """
        training = self.config.training
        if self.device != "cpu" or training.compile:
            return None
        seed = generator(training.seed, Stream.MASKS, self.images_seen + first).integers(2**63)
        return torch.Generator().manual_seed(int(seed))

    @cached_property
    def slices(self) -> list[list[slice]]:
        """The pieces of each part of the batch that this process computes."""
        training = self.config.training
        return cut(training.known_batch_size, self.parts, training.accumulation, self.processes)

    @property
    def share(self) -> slice:
        """The part of the batch that this process computes."""
        slices = self.slices
        return slice(slices[0][0].start, slices[-1][-1].stop)

    def model(self) -> Model:
        """The averaged network as a model. It changes as training continues."""
        precision = self.config.training.known_precision
        return Model(self.config, self.average, self.shape, self.device, precision, self.objects)
