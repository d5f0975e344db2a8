"""Everything that training changes; a checkpoint holds all of it and nothing else."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean

import torch
from torch import Tensor, nn

from nevoa.config import Plan
from nevoa.config.names import DeviceName
from nevoa.data import ImageSet
from nevoa.diffusion import Autoguided
from nevoa.model import Model, Shape
from nevoa.networks import fresh_network
from nevoa.networks.adapters import Adapted, merged
from nevoa.objects import NAMES, Objects
from nevoa.parallel.device import computing
from nevoa.parallel.group import Group, process_group
from nevoa.runs.horizon import Horizon
from nevoa.runs.model_files import GUIDE_PREFIX
from nevoa.training.best import Best
from nevoa.training.guide import AFTER_IMAGES, measured_weight
from nevoa.training.objective import MODEL, Denoise, objective_of
from nevoa.training.optimizer import ADAPTER_RATE, make_optimizers

RECENT = 0.98
# Points of the images that are left at which their cost is asked for.
POINTS = 64


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
        network: the one that is trained.
        average: the network of averaged weights; `network` itself if the plan averages nothing.
        guide: the average as it was after `training.guide` of the training; None before, and without a guide.
        guide_seen: `images_seen` by the guide.
        autoguidance: the weight of the published model against its guide, as it was measured at the end; None before.
        best: the average as it was at the lowest held-out loss; None before that was measured, and if it never is.
        beside: the networks that the objective has beside it, by name, such as a teacher.
        scaler: keeps float16's gradients in range; does nothing in other precisions.
        horizon: where the training ends, as decided last.
        updates: number of steps with a finite gradient, by network: the others change nothing.
        not_finite: number of steps in a row, up to the last, whose loss or gradient was not finite.
        work: images seen, each with its cost relative to those of the start.
        spent: seconds that the training has taken; with a budget of minutes, also between its steps.
        report_levels: means since the last report, by noise level.
        report_loss, epoch_loss, recent_loss: means since the last report, since the epoch began, over the last steps.
        objects: given in place of names.
        group: the processes that train together; each holds the whole state.
    """

    plan: Plan
    shape: Shape
    objective: Denoise
    network: nn.Module
    average: nn.Module
    beside: dict[str, nn.Module]
    optimizers: tuple[torch.optim.Optimizer, ...]
    scaler: torch.amp.GradScaler
    horizon: Horizon
    images_seen: int = 0
    updates: dict[str, int] = field(default_factory=dict)
    not_finite: int = 0
    work: float = 0.0
    seconds: float = 0.0
    spent: float = 0.0
    report_seconds: float = 0.0
    report_loss: Mean = field(default_factory=Mean)
    report_levels: dict[str, Mean] = field(default_factory=dict)
    epoch_loss: Mean = field(default_factory=Mean)
    recent_loss: RecentMean = field(default_factory=RecentMean)
    objects: Objects = NAMES
    guide: nn.Module | None = None
    guide_seen: int = 0
    autoguidance: float | None = None
    best: Best | None = None
    group: Group = field(default_factory=process_group)

    @classmethod
    def fresh(cls, plan: Plan, shape: Shape, objects: Objects = NAMES) -> "TrainingState":
        """The state before the first step: a function of the plan and the objects alone."""
        training, objective = plan.training, objective_of(plan)
        config, classes = plan.network, len(plan.classes)
        network = fresh_network(config, shape[0], classes, training.seed, objects.network, plan.learned)
        if training.lora:
            network = Adapted(network, training.lora, training.seed)
        network = network.to(training.device)
        average = copy.deepcopy(network).requires_grad_(False) if training.ema_decay else network
        optimizers = make_optimizers(network, training, ADAPTER_RATE if training.lora else 1.0)
        beside = dict[str, nn.Module]()
        for name, rate in objective.beside.items():
            beside[name] = objective.network_beside(name, network)
            if rate:
                optimizers += make_optimizers(beside[name], training, rate)
            else:
                beside[name].requires_grad_(False)
        scaler = torch.amp.GradScaler(training.device, enabled=training.precision == "float16")  # pyright: ignore
        horizon = Horizon(training.images)
        return cls(plan, shape, objective, network, average, beside, optimizers, scaler, horizon, objects=objects)

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Begin with these weights, in every network; those of a guide are for one that is guided."""
        own = {name: tensor for name, tensor in weights.items() if not name.startswith(GUIDE_PREFIX)}
        for network in (self.network, self.average, *self.beside.values()):
            if isinstance(network, Autoguided):
                network.network.load_state_dict(own)
                network.guide.load_state_dict({name: weights[GUIDE_PREFIX + name] for name in own})
            elif isinstance(network, Adapted):
                network.start_from(own)
            else:
                network.load_state_dict(own)

    @property
    def device(self) -> DeviceName:
        """The device that computes."""
        return self.plan.training.device

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The networks that the objective knows, by name."""
        return {MODEL: self.network, **self.beside}

    @property
    def cooled(self) -> float:
        """The share of the cool-down that has passed; 0 if the rate does not decay."""
        return self.cooled_at(self.images_seen)

    def cooled_at(self, images_seen: int) -> float:
        """The share of the cool-down that has passed after so many images, by the present horizon."""
        training = self.plan.training
        decays = self.horizon.cooling or training.learning_rate_decay != "none"
        return self.horizon.cooled_at(images_seen, training.cooldown) if decays else 0.0

    @property
    def cools_next(self) -> bool:
        """Whether the cool-down begins with the next batch: a longer training goes on from here."""
        return self.cooled == 0 < self.cooled_at(self.images_seen + self.plan.training.batch_size)

    @property
    def trained(self) -> tuple[str, ...]:
        """Names of the networks that learn from the next batch."""
        return self.objective.trained(self.cooled)

    @property
    def cost_ahead(self) -> float:
        """Average cost of an image that is left, relative to one at the start."""
        left = max(0, self.horizon.images - self.images_seen)
        places = (self.images_seen + left * point // POINTS for point in range(POINTS))
        return fmean(self.objective.cost(self.cooled_at(place)) for place in places)

    def keep_guide(self) -> None:
        """Keep the average as the guide, if the last batch led to the images after which the plan wants it.

        A horizon that moves may leave them behind between two batches, or ahead of a guide that was kept already.
        """
        wanted, batch_size = self.plan.training.guide * self.horizon.images, self.plan.training.batch_size
        if self.horizon.cooling and self.guide is None:
            return  # the average of a cool-down is no worse version of what it becomes
        if wanted and self.images_seen >= wanted and (self.guide is None or self.images_seen - batch_size < wanted):
            self.guide, self.guide_seen = self.frozen_average(), self.images_seen

    def keep_best(self, held_out_loss: float, measured_on: str = "") -> None:
        """Keep the average if its held-out loss is the lowest so far; else count that it is not.

        Args:
            measured_on: the fingerprint of the held-out images. Losses on others do not count.
        """
        best = self.best
        if held_out_loss < (best.loss if best and best.measured_on in ("", measured_on) else math.inf):
            self.best = Best(self.frozen_average(), held_out_loss, self.images_seen, measured_on=measured_on)
        elif best is not None:
            best.worse += 1

    def heed_patience(self) -> None:
        """Begin the cool-down if the plan's patience has ended, and the training would end later without that.

        It takes that share of the images seen so far that the plan's cool-down takes of all.
        """
        training, seen = self.plan.training, self.images_seen
        if self.best is None or training.patience is None or self.best.worse < training.patience:
            return
        end = seen + training.batch_size * math.ceil(training.cooldown * seen / training.batch_size)
        if end < self.horizon.images and not self.horizon.cooling:
            self.horizon, self.best.worse = Horizon(end, seen, self.cooled, cooling=True), 0

    def frozen_average(self) -> nn.Module:
        """A copy of the averaged network, which stays as it is."""
        return copy.deepcopy(self.average).requires_grad_(False).eval()

    def model(self) -> Model:
        """The averaged network as a model, with its guide once there is one. It changes as training continues."""
        return self._model(self.average, self.guide, self.autoguidance if self.publishes_last else None)

    @property
    def publishes_last(self) -> bool:
        """Whether the published model is the present one."""
        return self.best is None or self.best.images_seen == self.images_seen

    @property
    def chosen(self) -> nn.Module:
        """The average of the lowest held-out loss; the present one if that is not measured."""
        return self.average if self.best is None else self.best.network

    def published(self) -> Model:
        """The model of the chosen average, complete: adapters are added to the weights that they are for.

        It has no guide that was kept after it.
        """
        model = self._chosen()
        return replace(model, network=merged(model.network), guide=model.guide and merged(model.guide))

    def _chosen(self) -> Model:
        best = self.best
        if best is None:
            return self.model()
        guide = self.guide if self.guide_seen < best.images_seen else None
        return self._model(best.network, guide, self.autoguidance)

    def _model(self, network: nn.Module, guide: nn.Module | None, autoguidance: float | None) -> Model:
        plan, precision = self.plan, self.plan.training.precision
        if autoguidance is not None:
            sampling = plan.sampling.model_copy(update={"autoguidance": autoguidance})
            plan = plan.model_copy(update={"sampling": sampling})
        return Model(plan, network, self.shape, self.device, precision, self.objects, guide)

    def weigh_guide(self, images: ImageSet) -> None:
        """Measure the weight of the published model against its guide, if the plan wants it and the training was long.

        Process 0 alone knows the model, which has no guide if it is older than that would be.
        """
        training = self.plan.training

        def measured() -> float | None:
            model = replace(self.published(), like=images)
            with computing(self.device, training.threads):
                return None if model.guide is None else measured_weight(model, images, training.preview_steps)

        if training.weigh_guide and self.images_seen >= AFTER_IMAGES:
            self.autoguidance = self.group.broadcast(measured, patient=True)
