"""Feature vectors to measure distances between."""

import numpy as np


def vectors(count: int, width: int = 6, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    """Correlated Gaussian vectors."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, width)) @ np.random.default_rng(9).standard_normal((width, width)) + shift
