"""The forward process on one picture."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import UInt8

from nevoa._util.plain import whole
from nevoa._util.random import Stream, generator
from nevoa.data import to_bytes, to_unit
from nevoa.diffusion import GaussianProcess, Schedule


def noised(
    pixels: UInt8[np.ndarray, "H W C"], schedules: Sequence[Schedule], timesteps: Sequence[int], seed: int = 0
) -> UInt8[np.ndarray, "schedule t H W C"]:
    """Return x_t of each schedule at each timestep.

    The noise is the same everywhere, so that only its share differs.
    """
    x_0 = to_unit(pixels[None]).repeat(len(timesteps), 1, 1, 1)
    rng = generator(whole("seed", seed), Stream.PICTURE, 0)
    epsilon = torch.from_numpy(rng.standard_normal(x_0.shape[1:], dtype=np.float32))
    t = torch.tensor(timesteps)
    return np.stack([to_bytes(GaussianProcess(one).forward(x_0, t, epsilon.expand_as(x_0))) for one in schedules])


def telling(schedules: Sequence[Schedule], count: int) -> list[int]:
    """Return timesteps between which the images change equally.

    They are even steps of arctan(noise / signal), the mean of the schedules. Where `signal² + noise² = 1`, x_t moves
    along a quarter of a circle from x_0 to epsilon, and this is its angle.
    """
    angles = np.mean([np.arctan2(one.noise.numpy(), one.signal.numpy()) for one in schedules], axis=0)
    wanted = np.linspace(0, angles[-1], count)
    return np.interp(wanted, angles, np.arange(len(angles))).round().astype(int).tolist()
