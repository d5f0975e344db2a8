"""A network that is told classes: which labels it hears, what it learns of them, and what its run knows of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

import nevoa
from nevoa.config import Config
from nevoa.config.presets import configure
from nevoa.data import Batches, ImageSet, load_images
from nevoa.errors import NevoaError
from nevoa.runs.run import load
from nevoa.training import prepare
from nevoa.training.feed import dropped_labels
from nevoa.training.loop import training_steps
from nevoa.training.noise import TrainingNoise, uniform
from tests.small_runs import state_of
from tests.training.test_training import LEARNER, fresh, options_of


def test_labels_are_withheld_by_place_alone_and_as_often_as_said() -> None:
    dropped = TrainingNoise(0, uniform(10), (1, 2, 2), label_dropout=0.3).dropped(100, 20_000)
    # 20,000 draws: a standard error of 0.0032.
    assert abs(float(dropped.float().mean()) - 0.3) < 0.015
    again = TrainingNoise(0, uniform(10), (1, 2, 2), label_dropout=0.3)
    assert torch.equal(torch.cat([again.dropped(first, 100) for first in range(100, 1100, 100)]), dropped[:1000])
    other = TrainingNoise(1, uniform(10), (1, 2, 2), label_dropout=0.3)
    assert not torch.equal(other.dropped(100, 1000), dropped[:1000])
    assert not TrainingNoise(0, uniform(10), (1, 2, 2), label_dropout=0.0).dropped(0, 20_000).any()


def test_whether_a_label_is_withheld_has_nothing_to_do_with_the_rest(few_images: ImageSet) -> None:
    """Not with the timestep, the noise or the mirror: half of the images agree with each, standard error 0.007."""
    draws, first, count = TrainingNoise(0, uniform(1000), (1, 2, 2), label_dropout=0.5), 100, 5000
    dropped, (t, epsilon) = draws.dropped(first, count), draws.take(first, count)
    plain, seen = (Batches(few_images, 0, flip).batch(first, count) for flip in (False, True))
    for other in (t > 500, epsilon[:, 0, 0, 0] > 0, (plain != seen).flatten(1).any(1)):
        assert abs(float((dropped == other).float().mean()) - 0.5) < 0.04


def test_a_network_is_told_the_label_or_the_null_label(few_images: ImageSet) -> None:
    batches = Batches(few_images, 0, flip=False)
    draws = TrainingNoise(0, uniform(10), few_images.shape, label_dropout=0.4)
    told, dropped = dropped_labels(batches, draws, 3, 300), draws.dropped(3, 300)
    assert torch.equal(told[~dropped], batches.labels(3, 300)[~dropped])
    assert set(told[dropped].tolist()) == {4}


@pytest.mark.slow
def test_dropout_decides_which_rows_of_the_table_learn(tiny: Config) -> None:
    """Without it the null label's row stays where it began; it is the only row that no image has of itself."""
    images = load_images("fashion_mnist_10k")
    learned = {}
    for dropout in (0.0, 0.9):
        state = fresh(conditional(tiny, f"training.label_dropout={dropout}", "training.weight_decay=0"))
        table = state.network.get_parameter("time.labels.weight")
        before = table.detach().clone()
        list(training_steps(state, images))
        learned[dropout] = (table != before).any(1).tolist()
    assert learned[0.0] == [True] * 10 + [False]
    assert learned[0.9][-1]


def conditional(config: Config, *options: str) -> Config:
    return configure(
        "fashion_mnist_10k", steps=12, options=(*options_of(config), "training.conditional=true", *options)
    )


@pytest.mark.slow
def test_a_data_set_without_labels_cannot_condition(tiny: Config) -> None:
    plain = load_images("fashion_mnist_10k")
    unlabelled = ImageSet.of("snow", plain.images[:20], np.zeros(20, np.int64), [])
    assert prepare(tiny, unlabelled).plan.classes == ()
    with pytest.raises(NevoaError, match="snow has no classes"):
        prepare(conditional(tiny), unlabelled)


@pytest.mark.slow
def test_a_saved_model_knows_its_classes(tiny: Config, tmp_path: Path) -> None:
    config = configure("fashion_mnist_10k", steps=2, options=(*options_of(tiny), "training.conditional=true"))
    list(nevoa.fit(config, tmp_path / "r"))
    model = load(tmp_path / "r")
    assert model.classes == load_images("fashion_mnist_10k").classes
    assert model.network.get_parameter("time.labels.weight").shape == (11, 32)
    assert "Ankle boot" in (tmp_path / "r/README.md").read_text()
    list(nevoa.fit(tiny, tmp_path / "plain"))
    assert load(tmp_path / "plain").classes == ()
    assert "unconditional" in (tmp_path / "plain/README.md").read_text()


@pytest.mark.slow
def test_a_class_is_made_on_demand() -> None:
    """Black images and white ones: each when it is asked for, and no other."""
    pixels = np.repeat(np.array([0, 255], np.uint8), 32)[:, None, None, None].repeat(8, axis=1).repeat(8, axis=2)
    images = ImageSet.of("night and day", pixels, np.repeat([0, 1], 32), ["night", "day"])
    options = (*LEARNER, "data.size=8", "training.ema_decay=0.9", "training.conditional=true")
    config = configure("fashion_mnist_10k", steps=200, options=options)
    config = config.model_copy(update={"data": config.data.model_copy(update={"classes": images.classes})})
    state = state_of(config, images)
    list(training_steps(state, images))
    for guidance in (1.0, 2.0):
        made = state.model().sample(8, sampler="ddim", steps=10, labels=["day", "night", 1], guidance=guidance)
        np.testing.assert_allclose(made.mean((1, 2, 3)), [255, 0, 255, 255, 0, 255, 255, 0], atol=40)
