"""Scenes: what is drawn is what the captions say, and what is held out is never trained on."""

import numpy as np
import pytest

from nevoa.config import DataConfig
from nevoa.data import load_images, load_test_images
from nevoa.data.sources.scenes import COLOURS, FEMININE, PIXELS, SAME, SHAPES, SIZES, Scene, Thing, drawn, scene, scenes


def pictured(one: Scene) -> tuple[object, ...]:
    """What a scene shows, whatever its wording."""
    turned = {word: same for same, word in SAME.items()}
    return (
        (one.second, turned[one.relation], one.first)
        if one.relation in turned
        else (one.first, one.relation, one.second)
    )


def test_a_fifth_of_the_combinations_is_held_out_in_both_wordings() -> None:
    trained, held_out = ({pictured(one) for one in scenes(split)} for split in ("train", "test"))
    assert not trained & held_out
    assert len(held_out) / len(trained | held_out) == 0.2
    assert (len(scenes("train")), len(scenes("test"))) == (2 * len(trained), 2 * len(held_out))


def test_every_word_is_trained_on_in_every_place() -> None:
    for split in ("train", "test"):
        some = scenes(split)
        for things in ([one.first for one in some], [one.second for one in some]):
            assert {thing.shape for thing in things} == {*SHAPES}
            assert {thing.colour for thing in things} == {*COLOURS}
            assert {thing.size for thing in things} == {*SIZES}


@pytest.mark.parametrize("number", range(24))
def test_what_is_drawn_is_what_the_caption_says(number: int) -> None:
    """Where each colour is, and how much there is of it."""
    one = next(one for one in scenes("train")[37 * number :] if one.first.colour != one.second.colour)
    pixels = drawn(one, number).astype(int)
    places, areas = [], []
    for thing in (one.first, one.second):
        mask = (pixels == PIXELS[thing.colour]).all(2)
        places.append(np.argwhere(mask).mean(0))
        areas.append(mask.sum())
    down, right = places[1] - places[0]
    along, across = (down, right) if one.relation in ("above", "below") else (right, down)
    assert (along > 0) == (one.relation in ("above", "to the left of"))
    assert abs(along) > 3 * abs(across)
    if one.first.shape == one.second.shape and one.first.size != one.second.size:
        large, small = areas if one.first.size == "large" else areas[::-1]
        assert large > 2 * small


def test_portuguese_words_agree() -> None:
    star, circle = Thing(FEMININE, "red", "small"), Thing("circle", "yellow", "small")
    assert Scene(star, "to the right of", circle).captions == (
        "a small red star to the right of a small yellow circle",
        "uma estrela vermelha pequena à direita de um círculo amarelo pequeno",
    )


def test_images_have_their_captions() -> None:
    config = DataConfig(source="scenes", limit=30)
    train = load_images(config)
    test = load_test_images(config, train)
    assert (train.shape, train.classes, len(train.captions), len(test.captions)) == ((3, 32, 32), (), 30, 30)
    known = {one.captions for one in scenes("train")}
    assert {*train.captions} <= known and not {*test.captions} & known
    assert scene("train", 3) == scene("train", 3 + len(scenes("train")))
