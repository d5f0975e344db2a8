"""Guidance by conditions (Ho and Salimans 2022), a denoiser around a denoiser; and by a worse network."""

import copy
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from nevoa.diffusion.condition import Condition, SomeCondition, mapped
from nevoa.diffusion.denoiser import AnyDenoiser, Denoiser, Estimate, Images, Timesteps
from nevoa.diffusion.process import GaussianProcess
from nevoa.diffusion.schedule import Schedule

# Noise / signal where a guide takes part; docs/benchmarks.md compares.
GUIDED = 0.1, 2.0


class Guided:
    """A denoiser for images of a given condition, such as a class.

    Steps lead from the condition that means "none" to what is asked, each with a weight:

        D(null) + sum_k weight_k (D(condition_k) - D(condition_{k-1})),    condition_0 = null,

    where D is epsilon, and likewise x_0. One step is classifier-free guidance (Ho and Salimans 2022, equation 6, with
    their w = weight - 1): a weight of 1 samples the condition, 0 samples all images, above 1 exaggerates the condition.
    A null that asks for something is what images do not show. Several steps weigh one kind of condition after the other
    (Brooks et al. 2023, equation 3). A condition whose weight is that of the next step drops out of the sum, and is not
    evaluated; the others are, in one call. Where the denoiser clips, the clipping comes after the guidance.

    Args:
        denoiser: a conditional `Denoiser`, or another callable of (x_t, t, condition) with a `process` that returns an
            Estimate.
        null: what the condition is guided away from: labels `[B]`, or a tensor for each kind of condition.
        steps: conditions of that form with their weights; without any, the images are those of `null`.

    Example:
        >>> label = torch.full((16,), 8)
        >>> bags = Guided(Denoiser(network, schedule, "v"), torch.full_like(label, 10), (label, 2.0))
    """

    def __init__(self, denoiser: Any, null: SomeCondition, *steps: tuple[SomeCondition, float]):
        self.process: GaussianProcess = denoiser.process
        self.denoiser = denoiser
        chain, following = [(null, 1.0), *steps], [*(weight for _, weight in steps), 0.0]
        self.chain = [step for step, after in zip(chain, following, strict=True) if step[1] != after]

    def __call__(self, x_t: Images, t: Timesteps) -> Estimate:
        """Return the guided estimates at timesteps t `[B]`, 1…T."""
        conditions, denoiser = [condition for condition, _ in self.chain], self.denoiser
        if len(conditions) == 1:
            return denoiser(x_t, t, conditions[0])
        images, timesteps = (torch.cat([each] * len(conditions)) for each in (x_t, t))
        batch = images, timesteps, mapped(lambda *each: torch.cat(each), *conditions)
        if type(denoiser).__call__ is Denoiser.__call__:
            # Outputs are affine in x_0 and epsilon, so combining them is the same and converts only once.
            return denoiser.estimate(self._sum(denoiser.output(*batch)), x_t, t)
        if clips := isinstance(denoiser, Denoiser) and denoiser.clip:
            denoiser = copy.copy(denoiser)
            denoiser.clip = False
        x_0, epsilon = map(self._sum, denoiser(*batch))
        return denoiser.clipped(x_0, x_t, t) if clips else Estimate(x_0, epsilon)

    def _sum(self, outputs: Tensor) -> Tensor:
        """The sum over the chain, whose outputs are beside each other."""
        found = outputs.chunk(len(self.chain))
        total = found[0]
        for (_, weight), (before, after) in zip(self.chain[1:], pairwise(found), strict=True):
            total = total + weight * (after - before)
        return total


def by_kind(
    null: SomeCondition, condition: SomeCondition, weights: float | Mapping[str, float]
) -> list[tuple[SomeCondition, float]]:
    """Return the steps of `Guided` from null to a condition: one, or one for each kind that has a weight of its own.

    Args:
        weights: one for all kinds, or of each kind, in the order in which they are added.

    Example:
        >>> null = {"class": torch.tensor([2]), "tags": torch.tensor([[-1, -1]])}
        >>> dog_in_hat = {"class": torch.tensor([1]), "tags": torch.tensor([[0, 1]])}
        >>> [weight for _, weight in by_kind(null, dog_in_hat, {"class": 2.0, "tags": 1.5})]
        [2.0, 1.5]
    """
    if not isinstance(weights, Mapping):
        return [(condition, weights)]
    assert isinstance(null, Mapping) and isinstance(condition, Mapping)
    reached, steps = {**null}, []
    for kind, weight in weights.items():
        if not torch.allclose(condition[kind], null[kind], rtol=0, atol=0, equal_nan=True):  # NaN is no number
            reached = {**reached, kind: condition[kind]}
            steps.append((reached, weight))
    return steps


class Blended:
    """A denoiser between two others: `(1 - share) D_1 + share D_2`, where D is x_0, and likewise epsilon.

    At each level of noise it follows the geometric mean `p_1^(1 - share) p_2^share` of the densities of both, up to a
    factor (Liu et al. 2022, "Compositional Visual Generation with Composable Diffusion Models"). At the shares 0 and 1
    the estimates are exactly those of one of them.

    Args:
        first, second: denoisers with the same process.
        shares: of the second, for each image, 0 to 1.

    Example:
        >>> cat, dog = (Guided(Denoiser(network, schedule, "v"), torch.full((3,), label)) for label in (0, 1))
        >>> between = Blended(cat, dog, torch.tensor([0, 0.5, 1]))
    """

    def __init__(self, first: AnyDenoiser, second: AnyDenoiser, shares: Float[Tensor, " B"]):
        self.process: GaussianProcess = first.process
        self.first, self.second, self.shares = first, second, shares

    def __call__(self, x_t: Images, t: Timesteps) -> Estimate:
        """Return the estimates at timesteps t `[B]`, 1…T."""
        shares = self.shares.to(x_t).view(-1, *[1] * (x_t.ndim - 1))
        both = zip(self.first(x_t, t), self.second(x_t, t), strict=True)
        return Estimate(*(torch.lerp(first, second, shares) for first, second in both))


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
