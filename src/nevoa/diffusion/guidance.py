"""Guidance by a condition (Ho and Salimans 2022), a denoiser around a denoiser; and by a worse network."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from nevoa.diffusion.condition import Condition, SomeCondition, mapped
from nevoa.diffusion.denoiser import Denoiser, Estimate, Images, Timesteps
from nevoa.diffusion.process import GaussianProcess
from nevoa.diffusion.schedule import Schedule

# Noise / signal where a guide takes part; docs/benchmarks.md compares.
GUIDED = 0.1, 2.0


class Guided:
    """A denoiser for images of a given condition, such as a class.

    Its epsilon is `epsilon(null) + weight (epsilon(condition) - epsilon(null))`, and likewise its x_0 (equation 6, with
    their w = weight - 1). A weight of 1 samples the condition, 0 samples all images, above 1 exaggerates the condition.
    Weights 0 and 1 evaluate each image once, all others twice, in one call of twice the batch. Where the denoiser
    clips, the clipping comes after the guidance.

    Args:
        denoiser: a conditional `Denoiser`, or another callable of (x_t, t, condition) with a `process` that returns an
            Estimate.
        condition: of each image: labels `[B]`, or a tensor for each kind of condition.
        null: the condition that means "none": labels, or tensors, that the condition is guided away from.
        weight: strength of the guidance.

    Example:
        >>> label = torch.full((16,), 8)
        >>> bags = Guided(Denoiser(network, schedule, "v"), label, torch.full_like(label, 10), weight=2.0)
    """

    def __init__(self, denoiser: Any, condition: SomeCondition, null: SomeCondition, weight: float = 1.0):
        self.process: GaussianProcess = denoiser.process
        self.denoiser, self.weight = denoiser, weight
        self.condition, self.null = condition, null

    def __call__(self, x_t: Images, t: Timesteps) -> Estimate:
        """Return the guided estimates at timesteps t `[B]`, 1…T."""
        if self.weight in (0, 1):
            return self.denoiser(x_t, t, self.condition if self.weight else self.null)
        denoiser = self.denoiser
        batch = torch.cat([x_t, x_t]), torch.cat([t, t]), mapped(lambda *two: torch.cat(two), self.condition, self.null)
        if type(denoiser).__call__ is Denoiser.__call__:
            # Outputs are affine in x_0 and epsilon, so combining them is the same and converts only once.
            return denoiser.estimate(self._between(denoiser.output(*batch)), x_t, t)
        if clips := isinstance(denoiser, Denoiser) and denoiser.clip:
            denoiser = copy.copy(denoiser)
            denoiser.clip = False
        x_0, epsilon = map(self._between, denoiser(*batch))
        return denoiser.clipped(x_0, x_t, t) if clips else Estimate(x_0, epsilon)

    def _between(self, both: Tensor) -> Tensor:
        conditional, unconditional = both.chunk(2)
        return unconditional + self.weight * (conditional - unconditional)


class Autoguided(nn.Module):
    """A network that is guided by a worse one (Karras et al. 2024, "Guiding a Diffusion Model with a Bad Version of
    Itself", equation 3).

    Its output is `guide + weight (network - guide)`: where the guide is further from the truth in the same direction, a
    weight above 1 makes up for the error that is left. Both networks get the same condition. Outputs are affine
    in x_0 and epsilon, so the estimates are guided alike.

    Args:
        network: takes (x_t, t) or (x_t, t, condition).
        guide: another network with the same prediction, such as an early average of the weights.
        weights: at each timestep, 0 to T, as from `guide_weights`; 1 is the network alone.

    Example:
        >>> guided = Autoguided(network, guide, guide_weights(schedule, 1.5))
        >>> denoiser = Denoiser(guided, schedule, "v")
    """

    extra: Tensor

    def __init__(self, network: nn.Module, guide: nn.Module, weights: Float[Tensor, " T"]):
        super().__init__()
        self.network, self.guide = network, guide
        self.register_buffer("extra", (weights - 1)[:, None].float(), persistent=False)

    def forward(self, x_t: Tensor, t: Tensor, condition: Condition | None = None) -> Tensor:
        """Return the guided prediction."""
        inputs = (x_t, t) if condition is None else (x_t, t, condition)
        # In the type of the image: in bfloat16, the difference of two similar predictions is mostly rounding.
        good, worse = (network(*inputs).to(x_t.dtype) for network in (self.network, self.guide))
        extra = functional.embedding(t, self.extra).to(x_t.dtype).view(-1, *[1] * (x_t.ndim - 1))
        return good + (good + -1 * worse) * extra

    def sparing(self, x_t: Tensor, t: Tensor, *condition: Condition) -> Tensor:
        """Return the same, without evaluating the guide where it has no weight. An export cannot follow this choice."""
        return (self if self.extra[t].any() else self.network)(x_t, t, *condition)


def sparing(network: nn.Module) -> Callable[..., Tensor]:
    """Return a network as a function; one that is guided spares evaluations of its guide.

    Example:
        >>> denoiser = Denoiser(sparing(network), schedule, "v")
    """
    return network.sparing if isinstance(network, Autoguided) else network


def guide_weights(schedule: Schedule, weight: float) -> Float[Tensor, " T"]:
    """Return the weight of a guide at each timestep: 1, which is no guidance, unless noise / signal is in GUIDED.

    Above, a guide shifts brightness and colours; below, it exaggerates single pixels (Kynkäänniemi et al. 2024,
    "Applying Guidance in a Limited Interval", equation 5).

    Example:
        >>> guide_weights(NoiseSchedule.cosine(), 1.5)[[16, 173, 592, 868]].tolist()
        [1.0, 1.5, 1.5, 1.0]
    """
    least, most = GUIDED
    inside = (schedule.noise >= least * schedule.signal) & (schedule.noise <= most * schedule.signal)
    return torch.where(inside, weight, 1.0)
