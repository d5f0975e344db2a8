"""Windows that cover an image with weights of 1 in all, and what a denoiser estimates in them."""

import itertools
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import Denoiser, NoiseSchedule, Window, Windowed, spans

SCHEDULE = NoiseSchedule.cosine(100)
SIDES = [(8, 8, 1), (8, 8, 4), (9, 8, 1), (20, 8, 2), (31, 8, 1), (100, 28, 4), (64, 4, 4), (12, 2, 1), (5, 1, 1)]
T = torch.tensor([1, 60])


def windows(height: int, width: int, side: int, unit: int = 1) -> list[Window]:
    return [Window(rows, columns) for rows in spans(height, side, unit) for columns in spans(width, side, unit)]


def images(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("side", "length", "unit"), SIDES)
def test_weights_are_a_partition_of_unity(side: int, length: int, unit: int) -> None:
    total = torch.zeros(side)
    for pixels, weights in spans(side, length, unit):
        assert (weights > 0).all()
        total[pixels] += weights
    torch.testing.assert_close(total, torch.ones(side), rtol=1e-6, atol=0)


@pytest.mark.parametrize(("side", "length", "unit"), SIDES)
def test_spans_reach_both_ends_and_overlap_by_half_from_one_unit_to_the_next(side: int, length: int, unit: int) -> None:
    parts = [span.pixels for span in spans(side, length, unit)]
    assert parts[0].start == 0 and parts[-1].stop == side
    for before, after in itertools.pairwise(parts):
        assert 0 < after.start - before.start <= max(unit, length // 2)
    assert all(part.start % unit == 0 and part.stop - part.start == length for part in parts)


def test_weights_rise_and_fall_smoothly() -> None:
    """A pixel at the edge of a window counts least there: its estimate has seen the fewest neighbours."""
    _, (_, weights), *_ = spans(64, 16)
    torch.testing.assert_close(weights, torch.sin(torch.pi * (torch.arange(16) + 0.5) / 16) ** 2)


def pointwise(x_t: Tensor, t: Tensor) -> Tensor:
    """A network without neighbours."""
    return torch.tanh(0.7 * x_t) + 0.01 * t.view(-1, 1, 1, 1)


@pytest.mark.parametrize("at_once", [1, 5, 1000])
def test_windows_of_a_pointwise_denoiser_leave_no_seam(at_once: int) -> None:
    denoiser, x_t = Denoiser(pointwise, SCHEDULE, "v"), images(2, 3, 20, 31)
    windowed = Windowed(denoiser.process, windows(20, 31, 8), lambda some: denoiser, at_once)
    torch.testing.assert_close(windowed(x_t, T), denoiser(x_t, T), rtol=1e-5, atol=1e-6)


def test_one_window_is_the_denoiser_itself() -> None:
    """Bit for bit."""
    denoiser, x_t = Denoiser(pointwise, SCHEDULE, "v"), images(2, 3, 8, 8)
    for found, wanted in zip(
        Windowed(denoiser.process, windows(8, 8, 8), lambda some: denoiser)(x_t, T), denoiser(x_t, T), strict=True
    ):
        assert torch.equal(found, wanted)


def test_estimates_make_up_x_t() -> None:
    """Of any network, here one that sees each window's mean."""
    denoiser = Denoiser(lambda x_t, t: x_t.mean((1, 2, 3), keepdim=True).expand_as(x_t), SCHEDULE, "v")
    x_t = images(2, 3, 20, 31)
    x_0, epsilon = Windowed(denoiser.process, windows(20, 31, 8), lambda some: denoiser)(x_t, T)
    torch.testing.assert_close(denoiser.process.forward(x_0, T, epsilon), x_t, rtol=1e-5, atol=1e-5)


def test_each_window_of_each_image_has_its_own_condition() -> None:
    """A batch holds all windows of the first image, then those of the next: the denoiser of windows gets them so."""
    seen: list[int] = []
    sheet = torch.arange(2 * 3 * 12 * 20).view(2, 3, 12, 20).float()

    def of(some: Sequence[Window]) -> Denoiser:
        seen.append(len(some))

        def network(x_t: Tensor, t: Tensor) -> Tensor:
            parts = [sheet[n, :, rows.pixels, columns.pixels] for n in range(2) for rows, columns in some]
            assert torch.equal(x_t, torch.stack(parts)) and t.tolist() == [1] * len(some) + [60] * len(some)
            return x_t

        return Denoiser(network, SCHEDULE, "x0")

    found = Windowed(Denoiser(pointwise, SCHEDULE).process, windows(12, 20, 8, 4), of, at_once=6)(sheet, T)
    torch.testing.assert_close(found.x_0, sheet)
    assert seen == [3, 3, 2]
