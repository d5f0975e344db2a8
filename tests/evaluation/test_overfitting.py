"""Losses on held-out and on training images."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from nevoa.data import ImageSet, to_unit
from nevoa.diffusion import Denoiser, NoiseSchedule
from nevoa.errors import NevoaError
from nevoa.evaluation import Protocol, Reference, Report, Samples, measure
from nevoa.evaluation.overfitting import LEVELS, overfitting
from tests.evaluation.toy import bands

SCHEDULE = NoiseSchedule.cosine(steps=100)


def noise(count: int, seed: int) -> ImageSet:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 1), dtype=np.uint8)
    return ImageSet.of("noise", pixels, np.zeros(count, int), ())


def memory_of(images: ImageSet) -> Denoiser:
    """The denoiser with the least training loss of all: E[x_0 | x_t] over the training images."""
    known = to_unit(images.images).flatten(1)

    def x_0(x_t: Tensor, t: Tensor) -> Tensor:
        signal, sigma = SCHEDULE.signal[t[0]].float(), SCHEDULE.noise[t[0]].float()
        distance = ((x_t.flatten(1)[:, None] - signal * known) ** 2).sum(2)
        return ((-distance / (2 * sigma**2)).softmax(1) @ known).view_as(x_t)

    return Denoiser(x_0, SCHEDULE, "x0")


def linear(x_t: Tensor, t: Tensor) -> Tensor:
    """What knows no image: E[x_0 | x_t] for white noise of the variance of uniform pixels."""
    signal, sigma = SCHEDULE.signal[t[0]].float(), SCHEDULE.noise[t[0]].float()
    return signal / (signal**2 + 3 * sigma**2) * x_t


def test_a_memory_overfits_and_its_loss_falls_with_the_images_it_knows() -> None:
    training, held_out = noise(40, 0), noise(40, 1)
    found = overfitting(lambda _: memory_of(training), training, held_out)
    assert found.gap > 5 * found.gap_error > 0
    # Where there is little noise, the nearest image is the right one.
    assert found.training[:, 0].mean() < 1e-3 < found.held_out[:, 0].mean()
    larger = replace(training, images=np.concatenate([training.images, held_out.images]), labels=np.zeros(80, int))
    assert abs(overfitting(lambda _: memory_of(larger), training, held_out).gap) < 0.2


def test_what_knows_no_image_has_no_gap_and_its_error_is_the_spread_of_gaps() -> None:
    denoiser = Denoiser(linear, SCHEDULE, "x0")
    found = [overfitting(lambda _: denoiser, noise(60, 2 * i), noise(60, 2 * i + 1), seed=i) for i in range(40)]
    gaps = np.array([each.gap for each in found])
    spread, error = gaps.std(ddof=1), np.mean([each.gap_error for each in found])
    assert abs(gaps.mean()) < 3 * spread / np.sqrt(len(gaps))
    assert error == pytest.approx(spread, rel=0.4)  # the spread itself is known to 11 %


def test_each_image_gets_its_label_and_every_level() -> None:
    training, seen = bands(300), list[int]()

    def denoise(labels: Tensor) -> Denoiser:
        seen.extend(labels.tolist())
        return Denoiser(linear, SCHEDULE, "x0")

    found = overfitting(denoise, training, bands(600, seed=1))
    assert found.training.shape == found.held_out.shape == (300, LEVELS)
    assert seen[1:301] == training.labels.tolist()  # the first is asked for the schedule
    assert found.timesteps.tolist() == [11, 31, 51, 71, 91]


@pytest.mark.slow
def test_images_without_a_model_have_no_loss(reference: Reference) -> None:
    images = bands(150).images
    with pytest.raises(NevoaError, match=r"Losses need a model. Name a run, or leave overfitting out of --metrics"):
        list(measure(Samples("these", images), Protocol(reference, 150), ["overfitting"]))
    *_, report = measure(Samples("these", images), Protocol(reference, 150))
    assert isinstance(report, Report)
    assert report.overfitting is None
    assert torch.is_grad_enabled()
