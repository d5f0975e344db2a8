"""Load torch: the longest wait of everything that computes."""

import gc
import sys
from importlib import import_module


def load_torch() -> None:
    """Import torch without searches for garbage, of which it has none; they took 0.15 s of 1.3 s.

    Later searches leave out its 250,000 objects.
    """
    if "torch" not in sys.modules:
        gc.disable()
        import_module("torch")
        gc.freeze()
        gc.enable()
