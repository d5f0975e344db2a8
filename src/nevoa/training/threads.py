"""The gradient of a batch on several cores: each part of the batch is computed on a thread of its own.

oneDNN's backward convolutions synchronize their OpenMP threads by barriers that spin and never sleep. On a busy machine
one thread waits for a core while the other spins: beside a second trainer, two threads in one convolution reached 30 %
of their speed, in another run 7 %; two parts on one thread each reached 64 % (docs/speed.md,
docs/experiments.md).
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn

from nevoa.parallel.group import ALONE, Group

Result = TypeVar("Result")

# Python's lock lets one thread at a time launch operations.
MOST_PARTS = 4


def parts_for(threads: int, batch_size: int) -> int:
    """Number of parts of a batch: the largest divisor of `threads` up to four."""
    return max(n for n in range(1, min(MOST_PARTS, threads, batch_size) + 1) if threads % n == 0)


def cut(count: int, parts: int, pieces: int = 1, group: Group = ALONE) -> list[list[slice]]:
    """Return the pieces of each part that this process computes of a batch of `count` images.

    Two processes with one part each get the same slices as one process with two parts.

    Args:
        parts: of a process, computed side by side.
        pieces: of each part, computed one after the other to save memory.
    """
    all_parts = parts * group.count
    pieces = max(1, min(pieces, count // all_parts))
    edges = [place * count // (all_parts * pieces) for place in range(all_parts * pieces + 1)]
    slices = [slice(*ends) for ends in pairwise(edges)]
    first = group.rank * parts
    return [slices[part * pieces : (part + 1) * pieces] for part in range(first, first + parts)]


def backward(
    loss: Callable[[slice], Tensor],
    count: int,
    parameters: Sequence[nn.Parameter],
    threads: int,
    parts: Sequence[Sequence[slice]],
) -> Tensor:
    """Write the gradient of the mean loss of `count` images into `parameters` and return that mean.

    The result depends on the parts and their pieces only: gradients are added in their order.

    Args:
        loss: losses `[n]` of the images in a slice of the batch.
        count: of images in the batch. If the parts are not all of it, the results are a summand.
        threads: CPU threads, shared by the parts.
        parts: pieces of the batch; one part is computed on the calling thread.
    """

    def share(images: slice) -> tuple[Tensor, tuple[Tensor, ...]]:
        mean = loss(images).sum() / count
        gradients = torch.autograd.grad(mean, parameters, materialize_grads=True)
        # In torch 2.6 the zeros of an unused parameter require gradients themselves.
        return mean.detach(), tuple(gradient.detach() for gradient in gradients)

    def part(number: int) -> tuple[Tensor, tuple[Tensor, ...]]:
        return _added(map(share, parts[number]))

    mean, gradients = _added(_on_threads(part, range(len(parts)), threads, len(parts)))
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = _laid_out(gradient, parameter)
    return mean


def on_one_thread(work: Callable[[], Result], threads: int, parts: int) -> Result:
    """Run `work` on one part's thread: in the optimizer of a small network two threads mostly wait for each other.

    Beside another training, `quick` with Muon ran at 76 % of its speed with one thread in the optimizer, 33 % with two.
    """
    return _on_threads(lambda _: work(), range(1), threads, parts)[0]


def _added(shares: Iterable[tuple[Tensor, tuple[Tensor, ...]]]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Add means and gradients in order."""
    rest = iter(shares)
    mean, gradients = next(rest)
    for more, gradients_too in rest:
        mean += more
        torch._foreach_add_(gradients, gradients_too)  # pyright: ignore[reportPrivateImportUsage]
    return mean, gradients


def _laid_out(gradient: Tensor, parameter: Tensor) -> Tensor:
    """The gradient in its parameter's memory layout: fused optimizers ignore strides."""
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def _on_threads(work: Callable[[int], Result], numbers: range, threads: int, parts: int) -> list[Result]:
    """Results of `work` for each number; with several parts each runs on a thread with its share of `threads`.

    The number of threads decides how a product is split and so how its sums round. MKL has one number for the whole
    process: it is set anew every time, or a run would not be reproducible.
    """
    if parts == 1:
        return [work(number) for number in numbers]

    def on_thread(number: int) -> Result:
        torch.set_num_threads(threads // parts)
        return work(number)

    try:
        return list(_pool(parts).map(on_thread, numbers))
    finally:
        torch.set_num_threads(threads)


@lru_cache
def _pool(parts: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(parts, "nevoa-gradient")
