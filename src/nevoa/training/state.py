"""What training changes: all of it, and nothing else, is in a checkpoint."""

import copy
import math
from dataclasses import dataclass, field

import torch
from torch import nn

from nevoa._util.device import DeviceName, choose_device, prepare
from nevoa.config import Config, TrainingConfig
from nevoa.model import Model, fresh_network
from nevoa.training.optimizer import make_optimizers
from nevoa.training.threaded_gradient import parts_for

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
    """An exponential mean over about the last 50 values, without the bias of its beginning."""

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
    """The networks, the optimizers, and how far they have come.

    Attributes:
        average: the network whose weights are averaged; `network` itself where the config averages nothing.
        scaler: keeps float16's gradients in its range; does nothing in other precisions.
        updates: steps whose gradient was finite: the others change nothing.
        not_finite: how many steps in a row, up to the last, had a loss or gradient that was not.
        report_loss, epoch_loss, recent_loss: means since the last report, since the epoch began, of the last steps.
    """

    config: Config
    shape: tuple[int, int, int]
    device: DeviceName
    network: nn.Module
    average: nn.Module
    optimizers: tuple[torch.optim.Optimizer, ...]
    scaler: torch.amp.GradScaler
    step: int = 0
    images_seen: int = 0
    updates: int = 0
    not_finite: int = 0
    seconds: float = 0.0
    report_seconds: float = 0.0
    report_loss: Mean = field(default_factory=Mean)
    epoch_loss: Mean = field(default_factory=Mean)
    recent_loss: RecentMean = field(default_factory=RecentMean)

    @classmethod
    def fresh(cls, config: Config, shape: tuple[int, int, int]) -> "TrainingState":
        """The state before the first step: a function of the config alone."""
        device = choose_device(config.training.device)
        prepare(device, config.training.threads)
        network = fresh_network(config, shape).to(device)
        average = copy.deepcopy(network).requires_grad_(False) if config.training.ema_decay else network
        scaler = torch.amp.GradScaler(device, enabled=config.training.precision == "float16")  # pyright: ignore
        return cls(config, shape, device, network, average, make_optimizers(network, config.training), scaler)

    @property
    def lanes(self) -> int:
        """In how many parts, on as many threads, a batch is computed. Dropout draws from one generator, in order."""
        training = self.config.training
        alone = self.device != "cpu" or getattr(self.config.network, "dropout", 0.0) > 0
        return 1 if alone else parts_for(training.threads or 1, training.batch_size)

    def model(self) -> Model:
        """The averaged network as a model. It goes on changing as training goes on."""
        return Model(self.config, self.average, self.shape, self.device, self.config.training.known_precision)


def learning_rate_at(images_seen: int, total_images: int, config: TrainingConfig) -> float:
    """Linear from 0 over `warmup_images`; then constant, or along a line or half a cosine down to 0 at the end."""
    warmup = min(1.0, images_seen / config.warmup_images) if config.warmup_images else 1.0
    done = min(1.0, images_seen / total_images)
    decay = {"none": 1.0, "linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}
    return config.learning_rate * warmup * decay[config.learning_rate_decay]
