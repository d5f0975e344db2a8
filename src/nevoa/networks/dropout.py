"""Dropout that draws its masks from the generator of whoever computes."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

# Each thread has a generator of its own, because it has a context of its own.
_generator = ContextVar[torch.Generator | None]("generator of masks", default=None)


@contextmanager
def masks_from(generator: torch.Generator | None) -> Iterator[None]:
    """Let each `Dropout` that this thread computes in the block draw its masks from a generator on the CPU.

    Args:
        generator: None for torch's own, which all threads share.
    """
    token = _generator.set(generator)
    try:
        yield
    finally:
        _generator.reset(token)


class Dropout(nn.Dropout):
    """`torch.nn.Dropout` for networks whose batches are computed in parts, each on a thread of its own.

    Masks drawn from torch's one generator would depend on which thread comes first.

    Example:
        >>> kept = Dropout(0.1)(x_0)
    """

    def forward(self, input: Tensor) -> Tensor:
        generator = None if torch.compiler.is_compiling() else _generator.get()
        if generator is None or not (self.training and self.p):
            return super().forward(input)
        kept = torch.empty_like(input).bernoulli_(1 - self.p, generator=generator)
        return input * kept.div_(1 - self.p)
