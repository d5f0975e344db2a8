"""A batch in parts has the gradient of the whole."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.networks import Dropout
from nevoa.networks.dropout import masks_from
from nevoa.objects import Objects
from nevoa.training.gradient import Gradient, dropout_masks
from nevoa.training.loop import training_steps
from nevoa.training.state import TrainingState
from nevoa.training.threads import backward, cut, parts_for
from tests.small_runs import planned, replanned, state_of


@pytest.mark.parametrize("parts", [2, 3, 4])
def test_parts_add_up_to_the_whole(parts: int) -> None:
    """Eleven images do not divide: each still counts once, and alike."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.SiLU(), nn.Conv2d(3, 1, 3)).double()
    parameters, x = list(network.parameters()), torch.randn(11, 2, 6, 6, dtype=torch.float64)
    loss = lambda part: network(x[part]).square().mean((1, 2, 3))  # noqa: E731
    whole = backward(loss, 11, parameters, 1, cut(11, 1))
    expected = [parameter.grad for parameter in parameters]
    torch.testing.assert_close(backward(loss, 11, parameters, parts, cut(11, parts)), whole)
    torch.testing.assert_close([parameter.grad for parameter in parameters], expected)


def test_gradients_lie_as_their_parameters_do() -> None:
    """Fused optimizers do not look at strides."""
    weight = nn.Parameter(torch.randn(6, 4, 3, 3).to(memory_format=torch.channels_last))
    x = torch.randn(4, 6, 4, 3, 3)
    backward(lambda part: (x[part] * weight.contiguous()).flatten(1).sum(1), 4, [weight], 2, cut(4, 2))
    assert weight.grad is not None
    assert weight.grad.stride() == weight.stride()
    torch.testing.assert_close(weight.grad, x.mean(0))


def test_an_unused_parameter_stays_where_it_is() -> None:
    used, unused = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    x = torch.arange(4.0)
    backward(lambda part: x[part] * used, 4, [used, unused], 2, cut(4, 2))
    assert (used.grad, unused.grad) == (torch.tensor([1.5]), torch.zeros(1))


def test_an_error_in_a_part_is_seen() -> None:
    parameter = nn.Parameter(torch.ones(1))

    def loss(part: slice) -> torch.Tensor:
        if part.start:
            raise MemoryError("no room")
        return parameter * torch.ones(2)

    with pytest.raises(MemoryError, match="no room"):
        backward(loss, 4, [parameter], 2, cut(4, 2))


@pytest.mark.parametrize(
    ("threads", "batch", "expected"),
    [(1, 64, 1), (2, 64, 2), (2, 1, 1), (3, 64, 3), (5, 64, 1), (6, 64, 3), (16, 64, 4)],
)
def test_parts_share_the_threads_out(threads: int, batch: int, expected: int) -> None:
    assert parts_for(threads, batch) == expected


@pytest.mark.slow
@pytest.mark.numerical
def test_training_in_parts_is_training(tiny: Config, few_images: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to rounding two threads learn what one does, and with the same number of threads it is the same to the bit."""
    before, losses = torch.get_num_threads(), {}
    try:
        for name, threads in (("one", 1), ("two", 2), ("again", 2)):
            config = tiny.model_copy(update={"training": tiny.training.model_copy(update={"threads": threads})})
            state = state_of(config, few_images)
            assert Gradient(state).parts == threads
            losses[name] = [step.loss for step in training_steps(state, few_images)]
    finally:
        torch.set_num_threads(before)
    assert losses["two"] == losses["again"]
    assert losses["two"] == pytest.approx(losses["one"], rel=1e-3)
    assert losses["two"] != losses["one"]


def with_dropout(config: Config, **training: Any) -> Config:
    return config.updated("network", dropout=0.5).updated("training", device="cpu", threads=2, **training)


@pytest.mark.slow
def test_dropout_is_computed_in_parts_and_does_not_depend_on_which_comes_first(
    tiny: Config, few_images: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last_first(_: ThreadPoolExecutor, work: Callable[[int], Any], numbers: range) -> list[Any]:
        return [work(number) for number in reversed(numbers)][::-1]

    losses = list[list[float]]()
    for order in (ThreadPoolExecutor.map, last_first):
        monkeypatch.setattr(ThreadPoolExecutor, "map", order)
        state = state_of(with_dropout(tiny), few_images)
        assert Gradient(state).parts == 2
        losses.append([step.loss for step in training_steps(state, few_images)])
    assert losses[0] == losses[1]


@pytest.mark.slow
def test_parts_and_steps_have_their_own_masks(tiny: Config, few_images: ImageSet) -> None:
    state = state_of(with_dropout(tiny), few_images)
    draws = list[Tensor]()
    for state.images_seen in (0, 8):
        for [part] in Gradient(state).slices:
            with masks_from(dropout_masks(state, part.start)):
                draws.append(Dropout(0.5)(torch.ones(64)))
    assert len({tuple(draw.tolist()) for draw in draws}) == 4


def test_dropout_in_a_compiled_network_draws_in_order(tiny: Config, few_images: ImageSet) -> None:
    made = replanned(planned(with_dropout(tiny), few_images), compile=True)  # where there may be no compiler
    assert Gradient(TrainingState.fresh(made, few_images.shape)).parts == 1


class Dropping(nn.Module):
    """Parts of a batch must not race for what it has: torch's generator, and the statistics of its normalization."""

    def __init__(self, dropout: float, norm: nn.Module) -> None:
        super().__init__()
        self.dropout, self.layers = dropout, nn.Sequential(nn.Conv2d(1, 1, 1), norm)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return nn.functional.dropout(self.layers(x_t), self.dropout, self.training)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dropout", "norm", "parts"),
    [
        (0.5, nn.GroupNorm(1, 1), 1),
        (0.0, nn.BatchNorm2d(1), 1),
        (0.0, nn.BatchNorm2d(1, track_running_stats=False), 2),
        (0.0, nn.GroupNorm(1, 1), 2),
    ],
)
def test_whatever_draws_or_counts_does_so_in_order(
    tiny: Config, few_images: ImageSet, dropout: float, norm: nn.Module, parts: int
) -> None:
    made = planned(tiny.updated("training", threads=2, device="cpu"), few_images)
    network, before = Dropping(dropout, norm), torch.get_rng_state()
    state = TrainingState.fresh(made, few_images.shape, Objects(network))
    assert Gradient(state).parts == parts
    assert torch.equal(torch.get_rng_state(), before)
    assert [*state.network.buffers()] == [*network.buffers()]


def test_parts_take_their_share_of_threads_each_time_and_give_it_back() -> None:
    """Whatever other threads, or the tests before this one, have told torch in between."""
    parameter, seen = nn.Parameter(torch.ones(1)), []

    def loss(part: slice) -> torch.Tensor:
        seen.append(torch.get_num_threads())
        return parameter * torch.ones(part.stop - part.start)

    for told in (2, 1, 3):
        torch.set_num_threads(told)
        backward(loss, 4, [parameter], 4, cut(4, 2))
        assert torch.get_num_threads() == 4
    torch.set_num_threads(1)
    assert seen == [2] * 6
