"""Whether torch can compile a network on this machine."""

from functools import cache

import torch


@cache
def compiler_fault(device: str) -> str | None:
    """Return what keeps torch from compiling for a device, as a sentence; None if nothing does. Only a trial shows it.

    It needs a C++ compiler, and Triton for a GPU, which torch for Windows comes without.
    """
    try:
        torch.compile(lambda x: x + 1)(torch.zeros(2, device=device))
    except RuntimeError as error:
        return f"torch cannot compile a network here ({str(error).strip().splitlines()[0]})."
    return None
