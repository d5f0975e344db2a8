"""Count floating-point operations."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from nevoa._util.uncompiled import uncompiled


def flop_of(work: Callable[[], Any]) -> int:
    """Return the floating-point operations of convolutions and matrix products, computed without gradients."""
    with _Counter() as counter, torch.no_grad():
        work()
    return counter.flop


@uncompiled("__torch_dispatch__")
class _Counter(TorchDispatchMode):
    """Counts as torch's `FlopCounterMode`, whose `__torch_dispatch__` imports the compiler."""

    flop = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func.overloadpacket):
            self.flop += count(*args, **(kwargs or {}), out_val=result)
        return result
