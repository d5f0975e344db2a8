"""The gradient of a batch on several cores: the batch is cut into parts, and each is computed on a thread of its own.

oneDNN's backward convolutions have their OpenMP threads meet at barriers that spin without ever sleeping. On a busy
machine one of them waits for its turn while the other spins its own away: beside a second trainer, two threads in one
convolution came to 30 % of their speed and in another run to 7 %, two parts on a thread each to 64 %
(docs/benchmarks.md, docs/experiments.md).
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn

Result = TypeVar("Result")

# Python's lock lets one thread at a time say what is to be computed.
MOST = 4


def parts_for(threads: int, batch_size: int) -> int:
    """Into how many parts a batch is cut: the largest number up to four that shares out the threads evenly."""
    return max(n for n in range(1, min(MOST, threads, batch_size) + 1) if threads % n == 0)


def backward(
    loss: Callable[[slice], Tensor],
    count: int,
    parameters: Sequence[nn.Parameter],
    threads: int,
    lanes: int,
    pieces: int = 1,
) -> Tensor:
    """Put the gradient of the mean loss of `count` images into `parameters`; returns that mean.

    The result is a function of the number of lanes and pieces: gradients are added in the order of the parts.

    Args:
        loss: losses `[n]` of the images in a slice of the batch.
        threads: on the CPU, shared by the lanes.
        lanes: parts; with one everything happens on the calling thread.
        pieces: of each part, one after the other: so much less memory.
    """

    def share(part: slice) -> tuple[Tensor, tuple[Tensor, ...]]:
        mean = loss(part).sum() / count
        return mean.detach(), torch.autograd.grad(mean, parameters, materialize_grads=True)

    def lane(number: int) -> tuple[Tensor, tuple[Tensor, ...]]:
        return _added(map(share, parts[number * pieces : (number + 1) * pieces]))

    pieces = max(1, min(pieces, count // lanes))
    edges = [place * count // (lanes * pieces) for place in range(lanes * pieces + 1)]
    parts = [slice(*ends) for ends in pairwise(edges)]
    mean, gradients = _added(_on_threads(lane, range(lanes), threads, lanes))
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = _laid_out(gradient, parameter)
    return mean


def aside(work: Callable[[], Result], threads: int, lanes: int) -> Result:
    """Do some work on one of the lanes' threads: in a small network's optimizer two threads mostly wait for each other.

    Beside another training `quick` with Muon ran at 76 % of its speed with one thread in the optimizer, 33 % with two.
    """
    return _on_threads(lambda _: work(), range(1), threads, lanes)[0]


def _added(shares: Iterable[tuple[Tensor, tuple[Tensor, ...]]]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Means and gradients, added in order."""
    rest = iter(shares)
    mean, gradients = next(rest)
    for more, gradients_too in rest:
        mean += more
        torch._foreach_add_(gradients, gradients_too)  # pyright: ignore[reportPrivateImportUsage]
    return mean, gradients


def _laid_out(gradient: Tensor, parameter: Tensor) -> Tensor:
    """Fused optimizers walk through weights and gradients side by side, whatever their strides say."""
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def _on_threads(work: Callable[[int], Result], numbers: range, threads: int, lanes: int) -> list[Result]:
    """Results of `work` for each number, with several lanes each on a thread that has its share of `threads`.

    How a product is cut up, and so how its sums are rounded, depends on the number of threads, which MKL has one of for
    the whole process: it is set anew every time, or a run would not be the same twice.
    """
    if lanes == 1:
        return [work(number) for number in numbers]

    def apart(number: int) -> Result:
        torch.set_num_threads(threads // lanes)
        return work(number)

    try:
        return list(_pool(lanes).map(apart, numbers))
    finally:
        torch.set_num_threads(threads)


@lru_cache
def _pool(lanes: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(lanes, "nevoa-lane")
