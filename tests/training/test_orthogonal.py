"""Muon's steps: orthogonal, and those of Jordan et al. 2024."""

import pytest
import torch
from torch import Tensor

from nevoa.training.orthogonal import A, B, C, orthogonal

SHAPES = (16, 16), (8, 40), (40, 8)


def matrices(dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Of several shapes, with singular values from 0.001 to 1."""
    generator = torch.Generator().manual_seed(0)
    drawn = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in (*SHAPES, *SHAPES[::-1]))
    parts = (torch.linalg.svd(matrix, full_matrices=False) for matrix in drawn)
    return [(u @ torch.logspace(-3, 0, len(vh)).double().diag() @ vh).to(dtype) for u, _, vh in parts]


@pytest.mark.parametrize(("dtype", "leak"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)])
@pytest.mark.parametrize("shape", SHAPES)
def test_muons_steps_are_orthogonal(shape: tuple[int, int], dtype: torch.dtype, leak: float) -> None:
    """Their singular values are near one, whatever the gradient's were, and their directions are the gradient's."""
    generator = torch.Generator().manual_seed(0)
    u, _, vh = torch.linalg.svd(torch.randn(shape, generator=generator), full_matrices=False)
    (result,) = orthogonal([u @ torch.linspace(0.02, 1, len(vh)).diag() @ vh], dtype)
    ours = u.T @ result @ vh.T
    assert bool(((ours.diagonal() > 0.6) & (ours.diagonal() < 1.3)).all())
    assert (ours - ours.diagonal().diag()).abs().max() < leak


def five_steps(matrix: Tensor) -> Tensor:
    """Return what Jordan et al. 2024 compute, in float64."""
    x = matrix.double() / matrix.double().norm()
    for _ in range(5):
        x = A * x + B * (x @ x.T @ x) + C * (x @ x.T @ x @ x.T @ x)
    return x


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 1e-3), (torch.bfloat16, 0.15)])
def test_the_steps_are_those_of_the_paper_for_matrices_of_several_shapes(dtype: torch.dtype, tolerance: float) -> None:
    inputs = matrices(torch.float64 if dtype == torch.float64 else torch.float32)
    for matrix, result in zip(inputs, orthogonal(inputs, dtype), strict=True):
        torch.testing.assert_close(result.double(), five_steps(matrix), rtol=0, atol=tolerance)


def test_a_matrix_of_zeros_stays_zero() -> None:
    (result,) = orthogonal([torch.zeros(4, 6)])
    assert torch.equal(result, torch.zeros(4, 6))
