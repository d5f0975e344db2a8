"""Copies of training images are found; new images are not taken for copies."""

import sys

import numpy as np
import pytest

from nevoa.errors import NevoaError
from nevoa.evaluation.memorisation import honest_share, memorisation

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever tests ran before."""
    monkeypatch.setattr(sys.modules[__name__], "RNG", np.random.default_rng(1))


def pictures(count: int, width: int = 6, channels: int = 1) -> np.ndarray:
    return RNG.integers(0, 256, (count, 6, width, channels), dtype=np.uint8)


def test_new_images_are_as_near_as_held_out_ones() -> None:
    found = memorisation(pictures(2000), pictures(500), pictures(2000))
    assert found.share < 0.02
    assert 0.97 < found.median_ratio < 1.03


@pytest.mark.slow
@pytest.mark.parametrize(("held_out", "trials"), [(20, 400), (128, 100), (2000, 15)])
def test_new_images_score_the_stated_share_for_so_many_held_out_ones(held_out: int, trials: int) -> None:
    """Of images of another width the distances would be spread in another way, which must not matter."""
    shares = [
        (found.share, found.honest, found.honest_spread)
        for found in (memorisation(pictures(300), pictures(180), pictures(held_out)) for _ in range(trials))
    ]
    measured, stated, spread = np.array(shares).T
    assert stated[0] == pytest.approx((0.01 * (held_out - 1) + 1) / (held_out + 1))
    assert measured.mean() == pytest.approx(stated[0], abs=4 * spread[0] / np.sqrt(trials))
    assert measured.std() == pytest.approx(spread[0], rel=0.5)


def test_training_images_that_stand_in_for_held_out_ones_come_in_pairs() -> None:
    """The two that are closest to each other have one distance, so the border lies further away."""
    found = [memorisation(pictures(300, 1), pictures(200, 1), None) for _ in range(200)]
    shares, stated = np.array([one.share for one in found]), found[0].honest
    assert stated == pytest.approx(honest_share(100, 300)[0]) != honest_share(200, 300)[0]
    assert shares.mean() == pytest.approx(stated, abs=4 * shares.std() / np.sqrt(200))


def test_copies_are_counted_and_shown() -> None:
    training = pictures(300)
    generated = np.concatenate([training[[7, 123]], pictures(18)])
    found = memorisation(generated, training, pictures(200))
    assert found.share == 0.1
    np.testing.assert_array_equal(found.nearest[:2], training[[7, 123]])
    assert found.distance[:2].tolist() == [0, 0]


@pytest.mark.parametrize("twins", [4, 100])
def test_held_out_images_that_are_training_images_hide_no_copies(twins: int) -> None:
    training = pictures(300)
    held_out = np.concatenate([training[-twins:], pictures(200)])
    assert memorisation(training[:100], training, held_out).share == 1
    assert memorisation(pictures(1000), training, held_out).share < 0.05


def test_without_held_out_images_training_images_stand_in_that_are_compared_with_the_others() -> None:
    training = pictures(2000)
    new = memorisation(pictures(1000), training, None)
    assert new.share < 0.03
    assert 0.97 < new.median_ratio < 1.03
    assert memorisation(training[:20], training, None).share == 1
    assert memorisation(training[:20, :, ::-1], training, None, mirrored=True).share == 1
    with pytest.raises(NevoaError, match="two or more training images"):
        memorisation(training[:20], training[:1], None)


def test_mirrored_copies_count_where_mirror_images_were_trained_on() -> None:
    training = pictures(300)
    generated = training[[7, 123]][:, :, ::-1]
    assert memorisation(generated, training, pictures(200)).share == 0
    found = memorisation(generated, training, pictures(200), mirrored=True)
    assert found.share == 1
    np.testing.assert_array_equal(found.nearest, generated)
