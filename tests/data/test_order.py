"""Which image is at each position of the stream."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nevoa.data.order import evenly, in_epochs

SIZES = 2, 5, 1, 40
MEMBERS = np.split(np.random.default_rng(0).permutation(sum(SIZES)), np.cumsum(SIZES)[:-1])


def drawn(seed: int, count: int) -> list[int]:
    return evenly(seed, MEMBERS, np.arange(count)).tolist()


def test_every_round_has_one_image_of_each_class_in_an_order_of_its_own() -> None:
    label = {index: label for label, own in enumerate(MEMBERS) for index in own.tolist()}
    rounds = np.array([label[index] for index in drawn(0, 1600)]).reshape(400, 4)
    assert (np.sort(rounds) == np.arange(4)).all()
    assert len({tuple(one) for one in rounds.tolist()}) == 24  # every order came


def test_the_images_of_a_class_come_in_epochs_and_orders_of_their_own() -> None:
    stream = drawn(0, 4 * 80)
    for own in MEMBERS:
        of_class = np.array([index for index in stream if index in own]).reshape(-1, len(own))
        assert len(of_class) == 80 // len(own)
        assert (np.sort(of_class) == np.sort(own)).all()
    large = [index for index in stream if index in MEMBERS[3]]
    assert large[:40] != large[40:]
    assert drawn(1, 320) != stream


@given(cuts=st.lists(st.integers(1, 100), min_size=1, max_size=4))
def test_a_stream_does_not_depend_on_how_it_is_cut(cuts: list[int]) -> None:
    edges = np.cumsum([0, *cuts])
    for stream in (lambda positions: evenly(3, MEMBERS, positions), lambda positions: in_epochs(3, 7, positions)):
        parts = [stream(np.arange(*ends)) for ends in pairwise(edges)]
        np.testing.assert_array_equal(np.concatenate(parts), stream(np.arange(edges[-1])))
