"""Judges: the one that ships, training one, and what happens when its files are not what they were."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nevoa.data import Choice, ImageSet, open_source
from nevoa.errors import NevoaError
from nevoa.evaluation import Judge, JudgeCard, judge_folder, judge_of, load_judge, save_judge, train_judge
from nevoa.evaluation.judge import CARD, WEIGHTS
from nevoa.evaluation.judge_training import accuracy, varied
from tests.data.test_data import needs_debian


def bands(count: int, seed: int = 0) -> ImageSet:
    """Two classes that mirroring and small shifts leave alone: the upper or the lower half is bright."""
    rng = np.random.default_rng(seed)
    pixels, labels = rng.integers(0, 120, (count, 12, 12, 1), dtype=np.uint8), rng.integers(0, 2, count)
    pixels[labels == 0, :6] += 100
    pixels[labels == 1, 6:] += 100
    return ImageSet.of("bands", pixels, labels, ["upper", "lower"])


@pytest.fixture(scope="module")
def judge() -> Judge:
    *_, last = train_judge(bands(400), bands(100, seed=1), epochs=2)
    return last.judge


@needs_debian
@pytest.mark.slow
def test_the_judge_that_ships_is_as_good_as_its_card_says() -> None:
    ours = judge_of(open_source("fashion_mnist"))
    assert ours.card.accuracy >= 0.93
    assert accuracy(ours, open_source("fashion_mnist", Choice("test"))) == pytest.approx(ours.card.accuracy, abs=2e-4)


def test_the_judge_that_ships_is_small() -> None:
    import nevoa.evaluation.judges as judges

    weights = Path(judges.__file__).parent / "fashion_mnist" / WEIGHTS
    assert weights.stat().st_size <= 2e6


def test_a_judge_learns_and_is_measured_on_images_it_was_not_trained_on(judge: Judge) -> None:
    assert judge.card.accuracy > 0.95
    assert judge.card.accuracy == accuracy(judge, bands(100, seed=1))


def test_without_test_images_a_tenth_is_held_out() -> None:
    *_, last = train_judge(bands(400), None, epochs=1)
    assert last.judge.card.images == 360
    assert last.judge.card.measured_on == "40 images not trained on"


def test_training_is_a_function_of_the_images() -> None:
    first, second = [list(train_judge(bands(200), None, epochs=1))[-1].judge for _ in range(2)]
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name]), name


def test_metrics_of_another_size_have_another_name() -> None:
    native = JudgeCard("fashion_mnist", "", (1, 28, 28), ("a", "b"), 1, 1.0, "")
    assert native.short_name == "fashion"
    assert dataclasses.replace(native, shape=(1, 8, 8)).short_name == "fashion_8x8"
    assert dataclasses.replace(native, name="cifar10", shape=(3, 32, 32)).short_name == "cifar10"


def test_one_class_is_refused() -> None:
    only = ImageSet.of("one", np.zeros((200, 8, 8, 1), np.uint8), np.zeros(200, np.int64), ["one"])
    with pytest.raises(NevoaError, match="tell classes apart"):
        next(train_judge(only, None))


def test_variation_shifts_and_mirrors_whole_images() -> None:
    x = torch.rand(64, 2, 7, 9)
    padded = torch.nn.functional.pad(x, (2, 2, 2, 2), mode="replicate")
    crops = [padded[..., i : i + 7, j : j + 9] for i in range(5) for j in range(5)]
    possible = torch.stack([*crops, *[crop.flip(3) for crop in crops]])
    made = varied(x, np.random.default_rng(0))
    found = (possible == made).all((2, 3, 4))
    assert found.any(0).all()
    drawn = set(found.int().argmax(0).tolist())
    assert len(drawn & set(range(25))) > 10
    assert len(drawn & set(range(25, 50))) > 10


def test_features_and_probabilities_fit_the_network(judge: Judge) -> None:
    images = bands(30)
    features = judge.features(images.images)
    from nevoa.data import to_unit

    with torch.no_grad():
        logits = judge.network.eval()(to_unit(images.images))
    np.testing.assert_allclose(judge.probabilities(features), logits.softmax(1).numpy(), atol=1e-5)


def test_a_saved_judge_comes_back(judge: Judge, tmp_path: Path) -> None:
    saved = save_judge(judge, tmp_path / "judge")
    loaded = load_judge(tmp_path / "judge")
    assert loaded.card == saved.card
    images = bands(30).images
    np.testing.assert_array_equal(loaded.features(images), judge.features(images))


@pytest.mark.parametrize("damage", ["flip", "cut", "no weights", "no card", "torn card", "other card"])
def test_a_corrupt_judge_is_named(judge: Judge, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "judge"
    save_judge(judge, folder)
    weights, card = folder / WEIGHTS, folder / CARD
    data, values = bytearray(weights.read_bytes()), json.loads(card.read_text())
    if damage == "flip":
        data[len(data) // 2] ^= 1
        weights.write_bytes(data)
    elif damage == "cut":
        weights.write_bytes(data[:-100])
    elif damage == "no weights":
        weights.unlink()
    elif damage == "no card":
        card.unlink()
    elif damage == "torn card":
        card.write_text(card.read_text()[:50])
    else:
        card.write_text(json.dumps(values | {"classes": ["one", "two", "three"]}))
    with pytest.raises(NevoaError, match=f"judge in {folder} is damaged"):
        load_judge(folder)


def test_a_judge_is_found_by_the_images_it_was_trained_on(judge: Judge) -> None:
    images = bands(400)
    with pytest.raises(NevoaError, match="no judge of bands at 12x12 yet: nevoa judge train bands"):
        judge_of(images)
    save_judge(judge, judge_folder(images))
    assert judge_of(images).card.fingerprint == images.fingerprint
    with pytest.raises(NevoaError, match="no judge of bands"):
        judge_of(dataclasses.replace(images, fingerprint="0" * 64))
