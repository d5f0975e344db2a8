"""Which caption is it? The model that knows is right, and one that does not look at captions guesses."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from nevoa.config import Config
from nevoa.config.condition import TextPlan
from nevoa.data import ImageSet, as_image_set
from nevoa.diffusion import Denoiser, NoiseSchedule
from nevoa.errors import NevoaError
from nevoa.evaluation import Reference, choose_metrics, left_out
from nevoa.evaluation.right_captions import CAPTIONS, offers, right_captions
from tests.small_runs import model_plan

SCHEDULE = NoiseSchedule.linear(100)


def gray(levels: Sequence[int], classes: Sequence[str] | None = None) -> ImageSet:
    pixels = np.array(levels, np.uint8)[:, None, None, None].repeat(4, axis=1).repeat(4, axis=2)
    return as_image_set(pixels, list(classes) if classes else None, captions=[f"gray {level}" for level in levels])


def knowing(captions: Sequence[str]) -> Denoiser:
    """The denoiser that makes of any image what its caption says."""
    levels = torch.tensor([int(caption.split()[1]) for caption in captions]) / 127.5 - 1
    return Denoiser(lambda x_t, t: levels[:, None, None, None].expand_as(x_t), SCHEDULE, "x0")


def blind(captions: Sequence[str]) -> Denoiser:
    def network(x_t: Tensor, t: Tensor) -> Tensor:
        return torch.zeros_like(x_t)

    return Denoiser(network, SCHEDULE, "x0")


def test_who_knows_what_a_caption_says_is_always_right() -> None:
    images = gray(range(0, 240, 4))
    assert right_captions(knowing, images).all()
    assert np.array_equal(right_captions(knowing, images, at_once=30), right_captions(knowing, images))


def test_who_does_not_look_at_captions_guesses() -> None:
    """All errors are equal then: the place of an image's own caption must not give it away."""
    right = right_captions(blind, gray(range(200)))
    # 200 guesses: a standard error of 0.021.
    assert right.mean() == pytest.approx(1 / CAPTIONS, abs=0.08)


def test_captions_that_belong_to_other_images_are_wrong() -> None:
    images = gray(range(0, 240, 4))
    shuffled = as_image_set(images.images, captions=[of[0] for of in images.captions[::-1]])
    assert right_captions(knowing, shuffled).mean() < 0.2


def test_an_image_is_offered_ten_captions_of_its_class_and_its_own_is_one() -> None:
    images = gray(range(60), ["low", "high"] * 30)
    chosen, offered, own = offers(images, seed=0)
    for index, ten, place in zip(chosen.tolist(), offered, own.tolist(), strict=True):
        assert (len({*ten}), ten[place]) == (CAPTIONS, f"gray {index}")
        assert {int(caption.split()[1]) % 2 for caption in ten} == {index % 2}
    assert len({*own.tolist()}) > 5


def test_where_a_class_has_too_few_captions_those_of_others_are_offered() -> None:
    images = gray(range(20), ["one", *["many"] * 19])
    _, offered, _ = offers(images, seed=0)
    assert all(len({*ten}) == CAPTIONS for ten in offered)
    with pytest.raises(NevoaError, match="compared with 9 others, and the held-out images of images have fewer"):
        offers(gray(range(9)), seed=0)


def test_too_few_captions_leave_this_metric_out_before_images_are_made(reference: Reference) -> None:
    """As many as are offered are enough; those of one image, or none at all, are not."""
    plan = model_plan(Config(), conditions={"text": TextPlan()})
    none = as_image_set(np.zeros((20, 4, 4, 1), np.uint8))
    same = as_image_set(none.images, captions=[f"gray {level % 9}" for level in range(20)])
    for images in (none, same, gray(range(9))):
        few = replace(reference, found_test=images)
        assert "right_captions" not in choose_metrics(few, None, 20, plan)
        assert any("right_captions. Each caption is compared with 9 others" in one for one in left_out(few, 20, plan))
    assert "right_captions" in choose_metrics(replace(reference, found_test=gray(range(10))), None, 20, plan)
