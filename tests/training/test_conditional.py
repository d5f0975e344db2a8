"""A network that is told classes: which labels it hears, what it learns of them, and what its run knows of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

import nevoa
from nevoa.conditions import Conditions
from nevoa.conditions.classes import Classes
from nevoa.config import Config
from nevoa.config.presets import configure
from nevoa.data import Batches, ImageSet, load_images
from nevoa.errors import NevoaError
from nevoa.runs.run import load
from nevoa.training import prepare
from nevoa.training.loop import training_steps
from nevoa.training.noise import TrainingNoise, uniform
from tests.small_runs import state_of
from tests.training.test_training import LEARNER, fresh, options_of


def test_labels_are_withheld_by_place_alone_and_as_often_as_said() -> None:
    def dropped(first: int, count: int, share: float = 0.3, seed: int = 0) -> np.ndarray:
        draws = TrainingNoise(seed, uniform(10), (1, 2, 2), share, ("text", "mine"))
        return np.stack(list(draws.of_conditions(first, count)[1].values()))

    found = dropped(100, 20_000)
    # 20,000 draws: a standard error of 0.0032; two kinds are withheld together by chance alone.
    np.testing.assert_allclose(found.mean(1), 0.3, atol=0.015)
    np.testing.assert_allclose([(found[0] & found[1]).mean(), (found[1] & found[2]).mean()], 0.09, atol=0.01)
    np.testing.assert_array_equal(
        np.concatenate([dropped(first, 100) for first in range(100, 1100, 100)], axis=1), found[:, :1000]
    )
    assert (dropped(100, 1000, seed=1) != found[:, :1000]).any(1).all()
    assert not dropped(0, 20_000, 0.0).any()


def test_whether_a_label_is_withheld_has_nothing_to_do_with_the_rest(few_images: ImageSet) -> None:
    """Not with the timestep, the noise or the mirror: half of the images agree with each, standard error 0.007."""
    draws, first, count = TrainingNoise(0, uniform(1000), (1, 2, 2), label_dropout=0.5), 100, 5000
    dropped, (t, epsilon) = torch.from_numpy(draws.of_conditions(first, count)[1]["class"]), draws.take(first, count)
    plain, seen = (Batches(few_images, 0, augment).take(first, count).images for augment in ({}, {"flip": 0.5}))
    for other in (t > 500, epsilon[:, 0, 0, 0] > 0, torch.from_numpy((plain != seen).any((1, 2, 3)))):
        assert abs(float((dropped == other).float().mean()) - 0.5) < 0.04


def test_a_network_is_told_the_label_or_the_null_label(few_images: ImageSet) -> None:
    indices = Batches(few_images, 0).indices(3, 300)
    draws = TrainingNoise(0, uniform(10), few_images.shape, label_dropout=0.4).of_conditions(3, 300)
    told = Conditions({"class": Classes(few_images.classes)}, labels_alone=True).in_data(few_images, indices, *draws)
    assert isinstance(told, torch.Tensor)
    dropped = draws[1]["class"]
    assert told[~dropped].tolist() == few_images.labels[indices][~dropped].tolist()
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
    return configure("fashion_mnist_10k", steps=12, options=(*options_of(config), "training.condition=class", *options))


@pytest.mark.slow
def test_a_data_set_without_labels_cannot_condition(tiny: Config) -> None:
    plain = load_images("fashion_mnist_10k")
    unlabelled = ImageSet.of("snow", plain.images[:20], np.zeros(20, np.int64), [])
    assert prepare(tiny, unlabelled).plan.classes == ()
    with pytest.raises(NevoaError, match="snow has no classes"):
        prepare(conditional(tiny), unlabelled)


@pytest.mark.slow
def test_a_saved_model_knows_its_classes(tiny: Config, tmp_path: Path) -> None:
    config = configure("fashion_mnist_10k", steps=2, options=(*options_of(tiny), "training.condition=class"))
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
    small = "network.multipliers=[1]", "network.attention=[false]", "data.size=8"
    options = (*LEARNER, *small, "training.ema_decay=0.9", "training.condition=class")
    config = configure("fashion_mnist_10k", steps=150, options=options)
    config = config.model_copy(update={"data": config.data.model_copy(update={"classes": images.classes})})
    state = state_of(config, images)
    list(training_steps(state, images))
    for guidance in (1.0, 2.0):
        made = state.model().sample(8, sampler="ddim", steps=10, labels=["day", "night", 1], guidance=guidance)
        np.testing.assert_allclose(made.mean((1, 2, 3)), [255, 0, 255, 255, 0, 255, 255, 0], atol=40)
