"""A trained model: a network with everything that is needed to make images with it."""

import copy
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod
from typing import Any, SupportsIndex, Unpack

import numpy as np
from jaxtyping import UInt8
from torch import Tensor, nn

from nevoa._util.arguments import counted, whole
from nevoa._util.random import Stream, generator
from nevoa.conditions import CLASS, conditions_of
from nevoa.config import ModelPlan
from nevoa.config.names import DeviceName, PrecisionName
from nevoa.data import ImageSet, labels_of, size_in_words, to_bytes
from nevoa.diffusion import (
    AnyDenoiser,
    Autoguided,
    Condition,
    Denoiser,
    Guided,
    Schedule,
    by_kind,
    guide_weights,
    mapped,
    sparing,
    steps_of,
)
from nevoa.errors import NevoaError, WrongValue
from nevoa.networks import null_condition
from nevoa.objects import NAMES, Objects, schedule_of
from nevoa.parallel.device import DeviceWish, choose_device, computing, in_precision, keeping_memory, within
from nevoa.sampling import (
    ImageNoise,
    SamplingOptions,
    SamplingSettings,
    State,
    as_sampler,
    asked_in,
    check_taught,
    last,
    settings_of,
    timestep_grid,
)
from nevoa.sampling.start import FROM_NOISE, Process, Start

# Enough for full speed on two cores, and small enough that 1000-step sampling at 64x64 fits in 1 GiB; larger images
# are made fewer at a time, with as many pixels in all.
IMAGES_AT_ONCE, LARGEST_AT_ONCE = 256, 64**2
# Far more than anybody has the time for.
MOST_IMAGES = 1_000_000_000

# For the picture in a notebook, which must appear within seconds.
SHOWN_IMAGES, SHOWN_STEPS = 16, 10

Shape = tuple[int, int, int]
# Whole numbers of Python, numpy or torch.
Whole = SupportsIndex


@dataclass(frozen=True)
class Model:
    """Makes images.

    Attributes:
        plan: what was decided about it; of a model that nevoa trained, all of its training.
        network: float32; in evaluation mode while images are made.
        shape: (C, H, W) of an image.
        objects: given in place of names.
        guide: a worse network, which guides the other one.
        start: how the reverse process starts; `nevoa.variations` and others start it from images.
        place: where it was loaded from; empty for a model in memory.
        like: images that a model of more than classes imitates if nothing is asked: each new image is asked to be what
            the data say about one of these.

    Example:
        >>> model = nevoa.load()
        >>> images = model.sample(16, seed=0, steps=7)
    """

    plan: ModelPlan
    network: nn.Module
    shape: Shape
    device: DeviceName = "cpu"
    precision: PrecisionName = "float32"
    objects: Objects = NAMES
    guide: nn.Module | None = None
    start: Start = FROM_NOISE
    place: str = ""
    like: ImageSet | None = None

    @property
    def schedule(self) -> Schedule:
        """The noise schedule it was trained with."""
        return schedule_of(self.plan.diffusion, self.objects)

    @property
    def parameters(self) -> int:
        """Number of learned parameters."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes it can be asked for, in the order of their labels; empty if it is unconditional."""
        return self.plan.classes

    @property
    def images_at_once(self) -> int:
        """How many images are made side by side."""
        _, height, width = self.shape
        return max(1, min(IMAGES_AT_ONCE, IMAGES_AT_ONCE * LARGEST_AT_ONCE // (height * width)))

    def guided(self, autoguidance: float) -> nn.Module:
        """The network, guided at middling noise (`guide_weights`); alone without a guide or at weight 1."""
        if self.guide is None or autoguidance == 1:
            return self.network
        return Autoguided(self.network, self.guide, guide_weights(self.schedule, autoguidance).to(self.device))

    def denoiser(
        self,
        clip: bool = False,
        condition: Condition | None = None,
        guidance: float | Mapping[str, float] = 1.0,
        autoguidance: float = 1.0,
        null: Condition | None = None,
    ) -> AnyDenoiser:
        """The network as a denoiser, in the model's precision; unconditional without a condition.

        Args:
            guidance: a weight, or one of each kind of condition.
            null: what the condition is guided away from; by default no condition.
        """
        network = in_precision(sparing(self.guided(autoguidance)), self.device, self.precision)
        denoiser = Denoiser(self._unasked(network), self.schedule, self.plan.diffusion.prediction, clip)
        if condition is None:
            return denoiser
        count = len(next(iter(condition.values())) if isinstance(condition, Mapping) else condition)
        away = self._null(count) if null is None else null
        return Guided(denoiser, away, *by_kind(away, condition, guidance))

    def asked(self, count: Whole, first: Whole = 0, **options: Unpack[SamplingOptions]) -> AnyDenoiser:
        """The denoiser of images number first to first + count - 1, of which options say what they are asked to be."""
        settings, condition, null = self.settings(**options), self.condition(count, first, **options), None
        if (unwanted := options.get("not_")) is not None:
            null = self._instead_of_null(unwanted, _counted(count))
            condition = self._null(_counted(count)) if condition is None else condition
        if condition is None and options.get("guidance") not in (None, 1):
            raise NevoaError(
                "guidance takes something to guide to: give a class or a prompt, too, or leave it out, as an "
                "interpolation must."
            )
        if condition is None and not self.plan.works_without_condition:
            raise NevoaError(
                "This model was trained with training.label_dropout=0, so it needs a class or a prompt: give one. An "
                "interpolation takes none: use another model for it."
            )
        return self.denoiser(settings.clip, condition, settings.guidance, settings.autoguidance, null)

    def condition(self, count: Whole, first: Whole = 0, **options: Unpack[SamplingOptions]) -> Condition | None:
        """What images number first to first + count - 1 are asked to be: each kind by its values in turn.

        Of a model that knows classes alone these are all classes in turn, if none is asked for. None if nothing is.
        """
        conditions, start, size = conditions_of(self.plan), whole("first", first), _counted(count)
        cycles = {
            name: labels_of(self.classes, values) if name == CLASS else conditions.asked(name, values)
            for name, values in asked_in(self.plan, options).items()
        }
        if not cycles and conditions.labels_alone and self.start.all_classes:
            cycles = {CLASS: range(len(self.classes))} if self.classes else {}
        numbers = range(start, start + size)
        if not cycles and self.like is not None and self.plan.conditions:
            order = generator(0, Stream.IMITATION, 0).permutation(len(self.like))
            found = conditions.as_in(self.like.take(order[[n % len(order) for n in numbers]]))
            return None if found is None else mapped(lambda tensor: tensor.to(self.device), found)
        if not cycles:
            return None
        values = {name: [cycle[n % len(cycle)] for n in numbers] for name, cycle in cycles.items()}
        return mapped(lambda tensor: tensor.to(self.device), conditions.of(values, size))

    def settings(self, **options: Unpack[SamplingOptions]) -> SamplingSettings:
        """The model's sampling settings, overridden by the options given. Options that are None are not given."""
        settings = settings_of(self.plan, **options)
        if self.guide is None and options.get("autoguidance") not in (None, 1):
            advice = "train with -o training.guide=0.2."
            if self.plan.distilled_from:
                advice = "that of the teacher is in the weights of this one. Leave it out."
            raise WrongValue("autoguidance", f" needs a model with a guide: {advice}")
        return settings.model_copy(update={"autoguidance": 1.0}) if self.guide is None else settings

    def timesteps(self, settings: SamplingSettings) -> list[int]:
        """The timesteps of the states of a trajectory, strictly decreasing to 0."""
        last = steps_of(self.schedule)
        grid = timestep_grid(self.schedule, settings.steps or last, settings.spacing, prod(self.shape[1:]))
        first = max(1, round(self.start.strength * last))
        return grid if self.start.strength == 1 else [first, *(t for t in grid if t < first)]

    def trajectory(
        self,
        count: Whole,
        seed: Whole = 0,
        first: Whole = 0,
        **options: Unpack[SamplingOptions],
    ) -> Generator[State, None, None]:
        """The reverse process of images number first to first + count - 1 of a seed, from noise to images.

        There are `steps + 1` states, and fewer of variations, which start on the way.

        `x_t` is `[count, C, H, W]`. Options not given are the model's own; classes are made in turn.
        """
        settings = self.settings(**options)
        size, number = _counted(count), whole("first", first)
        noise = ImageNoise(whole("seed", seed), number, size, self.shape, self.device)
        grid = self.timesteps(settings)
        self.network.eval()
        sampler = as_sampler(settings.sampler, settings.variance, settings.eta)
        taught = replace(self, start=FROM_NOISE).timesteps(self.settings())
        check_taught(self.plan, taught, grid, settings.sampler)

        def asked(changed: SamplingOptions) -> AnyDenoiser:
            return self.asked(size, number, **changed)

        return self._computed(self.start.states(Process(asked, options, sampler, grid, noise, number, size)))

    def trajectories(
        self, count: Whole, seed: Whole = 0, **options: Unpack[SamplingOptions]
    ) -> Iterator[Generator[State, None, None]]:
        """`trajectory` for any count, in batches that fit in memory."""
        total = _counted(count)
        for first in range(0, total, self.images_at_once):
            yield self.trajectory(min(self.images_at_once, total - first), seed, first, **options)

    def sample(self, count: Whole, seed: Whole = 0, **options: Unpack[SamplingOptions]) -> UInt8[np.ndarray, "N H W C"]:
        """New images. Image n of a seed is the same picture whatever the count.

        Example:
            >>> images = model.sample(16, labels=["Bag", "Dress"], guidance=2)
        """
        return np.concatenate([to_bytes(last(states).x_t) for states in self.trajectories(count, seed, **options)])

    def to(self, device: DeviceWish) -> "Model":
        """A copy of the model on another device, in float32; the model itself stays where it is."""
        chosen = choose_device(device)
        if chosen == self.device:
            return self
        network, guide = copy.deepcopy((self.network, self.guide))
        guide = None if guide is None else guide.to(chosen)
        return replace(self, network=network.to(chosen), guide=guide, device=chosen, precision="float32")

    def __repr__(self) -> str:
        kind, size = self.plan.network.kind, size_in_words(*self.shape)
        known = [counted(len(self.classes), "class", "es")] * bool(self.classes) + [*self.plan.conditions]
        condition = ", ".join(known) or "unconditional"
        return f"Model({kind}, {self.parameters:,} parameters, {size}, {condition}, {self.device})"

    def _repr_png_(self) -> bytes | None:
        """The model in a notebook: a few images of seed 0, made in few steps; None if it cannot make images."""
        from nevoa.pictures import png_bytes, show

        count = min(SHOWN_IMAGES, len(self.classes) or SHOWN_IMAGES)
        with suppress(Exception):  # a display must not raise
            few: SamplingOptions = {"sampler": "dpm_solver", "steps": min(SHOWN_STEPS, steps_of(self.schedule))}
            images = self.sample(count, **({} if self.plan.distilled_from else few))
            return png_bytes(show(images, self.classes[:count] or None))
        return None

    def _null(self, count: int) -> Any:
        """The condition of images of which nothing is asked."""
        return null_condition(len(self.classes), self.plan.conditions, count, self.device)

    def _instead_of_null(self, unwanted: Any, count: int) -> Condition:
        """The condition of images that are what others should not be."""
        conditions, kind = conditions_of(self.plan), self.plan.spoken
        assert kind
        values = {kind: [*conditions.asked(kind, [unwanted])] * count}
        return mapped(lambda tensor: tensor.to(self.device), conditions.of(values, count))

    def _unasked(self, network: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """A network that may be called without a condition: it then predicts without one."""
        if not self.plan.conditional:
            return network

        def call(x_t: Tensor, t: Tensor, condition: Condition | None = None) -> Tensor:
            return network(x_t, t, self._null(len(x_t)) if condition is None else condition)

        return call

    def _computed(self, states: Iterator[State]) -> Generator[State, None, None]:
        with keeping_memory():
            yield from within(lambda: computing(self.device), states)


def _counted(count: Whole) -> int:
    return whole("count", count, 1, MOST_IMAGES)
