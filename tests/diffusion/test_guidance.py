"""Guidance is a line through two predictions: of a class and of none, or of a network and of a worse one."""

import pytest
import torch
from torch import Tensor, nn

from nevoa.diffusion import (
    Autoguided,
    Blended,
    Condition,
    Denoiser,
    Estimate,
    GaussianProcess,
    Guided,
    NoiseSchedule,
    PredictionName,
    RectifiedFlow,
    at,
    by_kind,
    guide_weights,
    sparing,
)

SCHEDULE = NoiseSchedule.linear(100)
KINDS: list[PredictionName] = ["epsilon", "x0", "v", "flow"]
T = torch.tensor([1, 30, 100])
LABEL, NULL = torch.tensor([0, 1, 1]), torch.full((3,), 2)
X_T = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class Network:
    """Any function of image, timestep and label; it counts its calls and the images in each."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, x_t: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        self.calls.append(len(x_t))
        label = torch.full_like(t, 2) if label is None else label
        return torch.sin(3 * x_t + t.view(-1, 1, 1, 1)) * (1 + label.view(-1, 1, 1, 1)) + 0.3 * x_t


def guided(weight: float, kind: PredictionName = "epsilon", clip: bool = False) -> Guided:
    return Guided(Denoiser(Network(), SCHEDULE, kind, clip), NULL, (LABEL, weight))


def calls(guided: Guided) -> list[int]:
    assert isinstance(guided.denoiser, Denoiser)
    assert isinstance(guided.denoiser.network, Network)
    return guided.denoiser.network.calls


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_weight_1_is_the_conditional_denoiser_for_one_evaluation(kind: PredictionName, clip: bool) -> None:
    one = guided(1.0, kind, clip)
    expected = Denoiser(lambda x_t, t: Network()(x_t, t, LABEL), SCHEDULE, kind, clip)(X_T, T)
    for found, wanted in zip(one(X_T, T), expected, strict=True):
        assert torch.equal(found, wanted)
    assert calls(one) == [3]


@pytest.mark.parametrize("kind", KINDS)
def test_weight_0_is_the_unconditional_denoiser_for_one_evaluation(kind: PredictionName) -> None:
    zero = guided(0.0, kind)
    for found, wanted in zip(zero(X_T, T), Denoiser(Network(), SCHEDULE, kind)(X_T, T), strict=True):
        assert torch.equal(found, wanted)
    assert calls(zero) == [3]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [0.3, 2.0, 7.5])
def test_the_noise_is_on_the_line_through_both(kind: PredictionName, weight: float) -> None:
    """In epsilon, whatever the network predicts; both halves in one call."""
    denoiser = guided(weight, kind)
    estimate = denoiser(X_T, T)
    null, label = guided(0.0, kind)(X_T, T).epsilon, guided(1.0, kind)(X_T, T).epsilon
    torch.testing.assert_close(estimate.epsilon, null + weight * (label - null), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(denoiser.process.forward(estimate.x_0, T, estimate.epsilon), X_T, rtol=1e-9, atol=1e-9)
    assert calls(denoiser) == [6]
    assert (estimate.epsilon - label).abs().max() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_clipping_comes_after_guidance(kind: PredictionName) -> None:
    free, clipped = guided(3.0, kind)(X_T, T), guided(3.0, kind, clip=True)(X_T, T)
    assert free.x_0.abs().max() > 1
    torch.testing.assert_close(clipped.x_0, free.x_0.clamp(-1, 1), rtol=0, atol=0)


def test_equal_weights_of_several_steps_are_those_of_one() -> None:
    """Bit for bit, for as few evaluations."""
    other = torch.tensor([1, 0, 0])
    network = Network()
    several = Guided(Denoiser(network, SCHEDULE, "v"), NULL, (other, 2.5), (LABEL, 2.5))(X_T, T)
    for found, wanted in zip(several, guided(2.5, "v")(X_T, T), strict=True):
        assert torch.equal(found, wanted)
    assert network.calls == [6]


@pytest.mark.parametrize("kind", KINDS)
def test_steps_of_several_weights_add_up(kind: PredictionName) -> None:
    """Brooks et al. 2023, equation 3, in epsilon; all conditions in one call."""
    network, other = Network(), torch.tensor([1, 0, 0])
    found = Guided(Denoiser(network, SCHEDULE, kind), NULL, (other, 1.5), (LABEL, 3.0))(X_T, T).epsilon
    null, first, second = (
        Guided(Denoiser(Network(), SCHEDULE, kind), one)(X_T, T).epsilon for one in (NULL, other, LABEL)
    )
    expected = null + 1.5 * (first - null) + 3.0 * (second - first)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    assert network.calls == [9]


@pytest.mark.parametrize(
    ("weights", "evaluated"),
    [((1.0, 3.0), 6), ((1.5, 1.0), 9), ((2.0, 0.0), 6), ((1.0, 1.0), 3), ((0.0, 0.0), 3), ((0.0, 2.0), 9)],
)
def test_only_conditions_that_count_are_evaluated(weights: tuple[float, float], evaluated: int) -> None:
    network, other = Network(), torch.tensor([1, 0, 0])
    Guided(Denoiser(network, SCHEDULE, "v"), NULL, (other, weights[0]), (LABEL, weights[1]))(X_T, T)
    assert network.calls == [evaluated]


def gaussian(*means: float) -> Denoiser:
    """The exact denoiser of pixels of a variance of 0.04 and, by the label, such a mean."""

    def x_0_mean(x_t: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        signal, noise = (at(table, t, x_t) for table in (SCHEDULE.signal, SCHEDULE.noise))
        mean = torch.tensor(means, dtype=x_t.dtype)[torch.zeros_like(t) if label is None else label].view(-1, 1, 1, 1)
        return mean + 0.04 * signal / (0.04 * signal**2 + noise**2) * (x_t - signal * mean)

    return Denoiser(x_0_mean, SCHEDULE, "x0")


def labels(*each: int) -> tuple[Tensor, ...]:
    return tuple(torch.full((3,), label) for label in each)


def test_guidance_of_gaussians_of_the_same_variance_moves_their_mean() -> None:
    """As their scores differ by a constant: away from what is not asked, and by the weight of each kind."""
    nothing, red, red_hat, blue = labels(0, 1, 2, 3)
    denoiser = gaussian(0.1, 0.4, 0.2, -0.3)
    for found, mean in (
        (Guided(denoiser, nothing, (red, 1.5), (red_hat, 3.0)), 0.1 + 1.5 * (0.4 - 0.1) + 3.0 * (0.2 - 0.4)),
        (Guided(denoiser, blue, (red, 2.0)), -0.3 + 2.0 * (0.4 + 0.3)),
    ):
        torch.testing.assert_close(found(X_T, T), gaussian(mean)(X_T, T), rtol=1e-9, atol=1e-9)


def test_a_blend_of_gaussians_of_the_same_variance_has_the_mean_between() -> None:
    """The geometric mean of their densities; a mixture would have two means."""
    red, blue = (Guided(gaussian(0.4, -0.3), one) for one in labels(0, 1))
    shares = torch.tensor([0.0, 0.25, 1.0])
    means = torch.tensor([0.4, 0.4 - 0.25 * 0.7, -0.3], dtype=torch.float64)
    found, expected = Blended(red, blue, shares)(X_T, T), Guided(gaussian(*means.tolist()), torch.arange(3))(X_T, T)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    for image, end in ((0, red), (2, blue)):
        for part, alone in zip(found, end(X_T, T), strict=True):
            assert torch.equal(part[image], alone[image])


def test_kinds_join_in_the_order_of_their_weights_and_those_not_asked_take_no_step() -> None:
    """No number is NaN, which equals nothing; not to ask for one takes no step either."""
    null = {"class": torch.tensor([2]), "text": torch.zeros(1, 3), "tags": torch.tensor([[-1]])}
    null = {**null, "number:age": torch.tensor([torch.nan])}
    asked = {**null, "class": torch.tensor([0]), "text": torch.ones(1, 3)}
    steps = by_kind(null, asked, {"number:age": 2.0, "text": 3.0, "class": 1.5, "tags": 7.0})
    assert [weight for _, weight in steps] == [3.0, 1.5]
    torch.testing.assert_close(steps[0][0], {**null, "text": asked["text"]}, equal_nan=True)
    torch.testing.assert_close(steps[1][0], asked, equal_nan=True)
    (step,) = by_kind(null, null | {"number:age": torch.tensor([30.0])}, {"number:age": 2.0, "text": 3.0})
    assert step[1] == 2.0
    assert by_kind(null, asked, 2.0) == [(asked, 2.0)]


class Brighter(Denoiser):
    """A subclass with a call of its own: it brightens what the network estimates."""

    def __call__(self, x_t: Tensor, t: Tensor, condition: Condition | None = None) -> Estimate:
        x_0 = super().__call__(x_t, t, condition).x_0 + 0.25
        signal, noise = self._scales(x_t, t)
        return Estimate(x_0, (x_t - signal * x_0) / noise)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0, 2.0])
def test_a_subclass_with_its_own_call_is_guided_by_what_that_returns(weight: float) -> None:
    plain, brighter = Denoiser(Network(), SCHEDULE, "v"), Brighter(Network(), SCHEDULE, "v")
    expected = Guided(plain, NULL, (LABEL, weight))(X_T, T).x_0 + 0.25
    torch.testing.assert_close(Guided(brighter, NULL, (LABEL, weight))(X_T, T).x_0, expected, rtol=1e-9, atol=1e-9)


def test_clipping_comes_after_guidance_in_a_subclass_too() -> None:
    free = Guided(Brighter(Network(), SCHEDULE, "v"), NULL, (LABEL, 3.0))(X_T, T)
    clipping = Brighter(Network(), SCHEDULE, "v", clip=True)
    clipped = Guided(clipping, NULL, (LABEL, 3.0))(X_T, T)
    assert free.x_0.abs().max() > 1
    torch.testing.assert_close(clipped.x_0, free.x_0.clamp(-1, 1), rtol=0, atol=0)
    made = GaussianProcess(SCHEDULE).forward(clipped.x_0, T, clipped.epsilon)
    torch.testing.assert_close(made, X_T, rtol=1e-9, atol=1e-9)
    assert clipping.clip


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0, 2.0])
def test_any_callable_with_a_process_is_guided_as_a_denoiser_is(weight: float) -> None:
    denoiser = Denoiser(Network(), SCHEDULE, "v")

    class Other:
        process = denoiser.process

        def __call__(self, x_t: Tensor, t: Tensor, label: Tensor) -> Estimate:
            return denoiser(x_t, t, label)

    found = Guided(Other(), NULL, (LABEL, weight))(X_T, T)
    torch.testing.assert_close(found, Guided(denoiser, NULL, (LABEL, weight))(X_T, T), rtol=1e-9, atol=1e-9)


class Scaled(nn.Module):
    """A network and, with another scale, a worse one."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x_t: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        return self.scale * Network()(x_t, t, label)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [0.0, 1.0, 1.75])
def test_a_guide_moves_both_estimates_along_the_line_from_its_own(kind: PredictionName, weight: float) -> None:
    """Equation 3 of Karras et al. 2024 is of x_0; here the networks predict anything."""
    good, worse = (Denoiser(Scaled(scale), SCHEDULE, kind)(X_T, T) for scale in (1.0, 0.8))
    found = Denoiser(Autoguided(Scaled(1.0), Scaled(0.8), torch.full((101,), weight)), SCHEDULE, kind)(X_T, T)
    for name in ("x_0", "epsilon"):
        ours, theirs = getattr(good, name), getattr(worse, name)
        torch.testing.assert_close(getattr(found, name), theirs + weight * (ours - theirs), rtol=1e-9, atol=1e-9)


def test_a_guide_of_a_class_guides_what_the_class_guides() -> None:
    """Both are lines, so their order does not matter."""

    def asked(scale: float) -> Guided:
        return Guided(Denoiser(Scaled(scale), SCHEDULE, "v"), NULL, (LABEL, 2.5))

    good, worse = asked(1.0)(X_T, T).x_0, asked(0.8)(X_T, T).x_0
    network = Autoguided(Scaled(1.0), Scaled(0.8), torch.full((101,), 1.75))
    both = Guided(Denoiser(network, SCHEDULE, "v"), NULL, (LABEL, 2.5))
    torch.testing.assert_close(both(X_T, T).x_0, worse + 1.75 * (good - worse), rtol=1e-9, atol=1e-9)


def test_a_guide_has_a_weight_where_noise_is_a_tenth_to_twice_of_the_signal() -> None:
    """Of rectified flow, whose noise is t / T and whose signal is the rest, that is from T / 11 to 2 T / 3."""
    weights = guide_weights(RectifiedFlow(1000), 1.75)
    assert (weights != 1).nonzero().flatten().tolist() == list(range(91, 667))
    assert set(weights.tolist()) == {1.0, 1.75}


def test_a_guide_is_evaluated_only_where_it_has_a_weight() -> None:
    """With the same outcome, also for timesteps of which some are guided."""
    weights, evaluated = guide_weights(NoiseSchedule.cosine(100), 1.75), list[int]()
    network = Autoguided(Scaled(1.0), Scaled(0.8), weights)
    network.guide.register_forward_hook(lambda *_: evaluated.append(1))
    for t, expected in ((T, 1), (torch.tensor([100, 99, 98]), 0)):
        evaluated.clear()
        found = sparing(network)(X_T, t)
        assert len(evaluated) == expected
        torch.testing.assert_close(found, network(X_T, t), rtol=0, atol=0)
