"""What the other tests rely on: wrong shapes and types are errors while tests run."""

import pytest
import torch

from nevoa.diffusion import GaussianProcess, NoiseSchedule
from nevoa.errors import reason


def test_sizes_of_arrays_that_disagree_are_an_error() -> None:
    """PyTorch would repeat the one image of noise for both."""
    x_0, t, epsilon = torch.zeros(2, 1, 4, 4), torch.tensor([1, 2]), torch.zeros(1, 1, 4, 4)
    with pytest.raises(TypeError, match="epsilon"):
        GaussianProcess(NoiseSchedule.cosine()).forward(x_0, t, epsilon)


def test_a_value_of_another_type_is_an_error_without_arrays_too() -> None:
    with pytest.raises(TypeError, match="error"):
        reason("no exception")  # pyright: ignore[reportArgumentType]
