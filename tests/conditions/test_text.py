"""Texts as hashes: what a network gets of them, what it is warned of, and that no word is stored."""

import json
import warnings
from base64 import b64encode
from zlib import compress

import numpy as np
import pytest
import torch

from nevoa.conditions.text import Text
from nevoa.conditions.text_encoder import TextEncoder
from nevoa.config import parse
from nevoa.config.condition import SEEN, TextPlan
from nevoa.data import ImageSet, as_image_set
from nevoa.data.names import tidied
from nevoa.data.words import words_in
from nevoa.errors import NevoaError

# With so many rows, no two pieces share one by chance.
LARGE = TextPlan(buckets=65_536)
CAPTIONS = ["a red circle", ("um círculo azul", "a blue circle"), "", ("Secretword!",)]


@pytest.fixture
def images() -> ImageSet:
    return as_image_set(np.zeros((4, 8, 8, 1), np.uint8), captions=CAPTIONS)


@pytest.fixture
def text(images: ImageSet) -> Text:
    found = Text.found(images, "")
    assert found is not None
    return Text(found)


def vectors(texts: list[str | None], plan: TextPlan = LARGE) -> torch.Tensor:
    torch.manual_seed(0)
    encoder = TextEncoder(plan, 64)
    with torch.no_grad():
        rows = Text(plan).tensor(texts)
        there = (rows > 0).sum((1, 2)).clamp(min=1)
        return encoder.table(rows).sum((1, 2)) * there.rsqrt()[:, None]


def test_images_without_captions_have_no_text_to_learn_from() -> None:
    assert Text.found(as_image_set(np.zeros((4, 8, 8, 1), np.uint8)), "") is None


@pytest.mark.parametrize(
    ("new", "near", "far"),
    [("circles", "circle", "square"), ("vermelhinho", "vermelho", "amarelo"), ("gatos", "gato", "casa")],
)
def test_a_word_is_nearer_to_one_that_looks_like_it(new: str, near: str, far: str) -> None:
    """Before any training: they share pieces."""
    of_new, of_near, of_far = vectors([new, near, far])
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(of_new, of_near, dim=0) > cosine(of_new, of_far, dim=0) + 0.25


def test_letters_are_compared_without_case_and_in_one_form(text: Text) -> None:
    """Composed or decomposed, as macOS and Linux write them."""
    assert torch.equal(text.tensor(["UM C\u00cdRCULO"]), text.tensor(["um ci\u0301rculo"]))
    assert words_in("Gato,  rindo: 🐱!") == ["gato", ",", "rindo", ":", "🐱", "!"]
    unseen = "\ufeffa \u2764\ufe0f hy\u00adphen \u202aabc\u202c \U0001f3f4\U000e0067\U000e007f one\u200btwo"
    assert words_in(unseen) == ["a", "\u2764", "hyphen", "abc", "\U0001f3f4", "one", "two"]
    assert words_in(tidied(unseen)) == words_in(unseen)


def test_a_text_is_encoded_alike_whatever_stands_beside_it(text: Text) -> None:
    texts = ["a red circle", None, "uma coisa muito mais longa que as outras"]
    together, encoder = text.tensor(texts), text.embedding(16)
    alone = torch.cat([text.tensor([one]) for one in texts])
    assert torch.equal(together, alone)
    for some, one in zip(encoder(together), encoder(text.tensor(texts[:1])), strict=True):
        torch.testing.assert_close(some[:1], one, rtol=1e-5, atol=1e-6)


def test_nothing_asked_adds_nothing(text: Text) -> None:
    vectors, tokens = text.embedding(16)(text.tensor([None, "red"]))
    assert vectors.any(1).tolist() == [False, True]
    assert tokens.any(2).sum(1).tolist() == [0, 1]


def test_the_order_of_words_matters(text: Text) -> None:
    """A sum of words could not tell what is red."""
    encoder = text.embedding(16)
    (one, other), _ = encoder(text.tensor(["a red circle a blue star", "a blue circle a red star"]))
    assert (one - other).norm() > 0.02 * one.norm()


def test_places_after_the_last_word_say_nothing(text: Text) -> None:
    """A model that reads more words gives the same vector for a text that has few."""
    rows, encoder = text.tensor(["a red circle"]), text.embedding(16)
    with torch.no_grad():
        longer = encoder(rows)
        encoder.places.data = encoder.places[:5].clone()
        shorter = encoder(rows[:, :5])
    torch.testing.assert_close(longer[0], shorter[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(longer[1][:, :5], shorter[1], rtol=1e-4, atol=1e-5)


def test_one_of_several_captions_is_drawn_each_as_often(images: ImageSet, text: Text) -> None:
    chance = np.linspace(0, 1, 1000, endpoint=False)
    drawn = text.values(images, np.ones(1000, np.int64), chance)
    assert drawn.count("a blue circle") == drawn.count("um círculo azul") == 500
    assert text.values(images, np.array([2]), np.zeros(1)) == [None]


def test_no_word_is_stored(text: Text) -> None:
    assert "secret" not in json.dumps(text.plan.model_dump()).lower()


@pytest.mark.parametrize("data", [b"no zlib", compress(b"few"), compress(bytes(10**8))])
def test_a_damaged_plan_is_refused_and_a_bomb_fills_no_memory(data: bytes) -> None:
    with pytest.raises(NevoaError, match="seen"):
        parse({"seen": b64encode(data).decode()}, TextPlan)


def test_words_that_no_caption_has_are_named_once_for_all_prompts(text: Text) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text.warn_of(["A BLUE circle", "azul"])
    with pytest.warns(UserWarning, match="has these words: zebra, xilofone. It") as said:
        text.warn_of(["a zebra red", "xilofone red zebra"])
    assert len(said) == 1


def test_few_new_words_pass_for_known_ones() -> None:
    """Of 3,000 known words, as many places are taken as 3,000 random ones would be."""
    known = as_image_set(np.zeros((1, 8, 8, 1), np.uint8), captions=[[f"word{n}" for n in range(3000)]])
    plan = Text.found(known, "")
    assert plan is not None
    text = Text(plan)
    assert all(text.knows(f"word{n}") for n in range(3000))
    taken = np.mean([text.knows(f"other{n}") for n in range(5000)])
    assert taken == pytest.approx(1 - np.exp(-3000 / SEEN), abs=0.015)


def test_words_beyond_those_that_are_read_are_named(text: Text) -> None:
    text = Text(text.plan.model_copy(update={"words": 2}))
    with pytest.warns(UserWarning, match="reads the first 2 words of a prompt, and not: circle a"):
        text.warn_of(["a red circle a", "a red"])
    assert torch.equal(text.tensor(["one two"]), text.tensor(["one two three"]))


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("", "is empty"),
        (" \n ", "is empty"),
        ("a" * 10_000, "10,000 characters, and 1,000 are the most"),
        ("red ma\udce7a", "is not UTF-8: type it in a terminal that is"),
        (3, "must be a text"),
    ],
)
def test_what_is_no_prompt_is_refused(prompt: object, said: str, text: Text) -> None:
    with pytest.raises(NevoaError, match=said):
        text.asked(prompt)
