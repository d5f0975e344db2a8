"""Numbers and tags: what is found, what is asked, what is refused."""

import numpy as np
import pytest
import torch

from nevoa.conditions.number import Number
from nevoa.conditions.tags import DROPPED, Tags
from nevoa.conditions.text import Text
from nevoa.config.condition import NumberPlan, TagsPlan
from nevoa.data import ImageSet, as_image_set
from nevoa.data.words import tags_in
from nevoa.errors import NevoaError

PIXELS = np.zeros((4, 8, 8, 1), np.uint8)
AGES = Number(NumberPlan(name="age", low=0, high=90))
LISTS = ["Red hat, smile", "smile, outdoors", "a person", "smile,  red hat ,"]


def test_a_number_is_learned_if_it_is_asked_for() -> None:
    images = as_image_set(PIXELS, numbers={"age": [30, np.nan, 10, 90]})
    assert Number.found(images, None) is None
    assert Number.found(images, "age") == NumberPlan(name="age", low=10, high=90)
    assert AGES.values(images, np.array([1, 0]), np.zeros(2)) == [None, 30.0]


@pytest.mark.parametrize(
    ("numbers", "detail", "said"),
    [
        ({}, "age", "has no numbers: write them into a column of metadata.csv"),
        ({"age": [1, 2, 3, 4], "year": [1, 2, 3, 4]}, "", "has the numbers age, year: name one, as in number:age"),
        ({"age": [1, 2, 3, 4]}, "agee", r"has the numbers age: name one.* is a finite number, as in 1\.5, or blank\."),
        ({"R.mean": [1, 2, 3, 4]}, "R.mean", "cannot have a name with a dot: call it R_mean"),
        ({"age": [1, 2, 3, 4]}, "", "has the numbers age: name one, as in number:age"),
        ({"mass": [1, 2, 3, 2e38]}, "mass", r"1 to 2e\+38, are too large for a network: give them in a larger unit"),
    ],
)
def test_a_number_that_is_not_there_is_refused(numbers: dict[str, list[float]], detail: str, said: str) -> None:
    with pytest.raises(NevoaError, match=said):
        Number.found(as_image_set(PIXELS, numbers=numbers), detail)


def test_numbers_that_float32_can_hardly_tell_apart_are_a_warning() -> None:
    """Not an error: a run of such numbers can be resumed."""
    images = as_image_set(PIXELS, numbers={"second": [1.8e9, 1.8e9 + 60, 1.8e9 + 90, np.nan]})
    with pytest.warns(UserWarning, match=r"in float32: subtract 1800000000 from each\.$"):
        assert Number.found(images, "second") == NumberPlan(name="second", low=1.8e9, high=1.8e9 + 90)
    assert Number.found(as_image_set(PIXELS, numbers={"year": [1990, 1990, 2020, 2026]}), "year")
    small = as_image_set(PIXELS, numbers={"mass": [1e-12, 2e-12, 5e-12, 9e-12]})
    with pytest.warns(UserWarning, match=r"1e-12 to 9e-12, are so small .*: give them in a smaller unit\.$"):
        assert Number.found(small, "mass") == NumberPlan(name="mass", low=1e-12, high=9e-12)


@pytest.mark.parametrize("value", [-1, 90.5, "old", True, float("nan"), [3]])
def test_what_is_no_number_of_the_range_is_refused(value: object) -> None:
    with pytest.raises(NevoaError, match="age must be a number from 0 to 90, as in the data"):
        AGES.asked(value)
    assert AGES.asked(np.float32(30)) == 30.0


def test_a_refused_number_is_told_a_range_that_is_accepted() -> None:
    days = Number(NumberPlan(name="day", low=20200115, high=20231231))
    with pytest.raises(NevoaError, match="day must be a number from 20200115 to 20231231, as in the data"):
        days.asked(2.02001e7)
    assert days.asked(20200115) == 20200115


def test_near_numbers_have_near_vectors_and_none_has_its_own() -> None:
    embedding = AGES.embedding(32)
    one, near, far, none, other = embedding(AGES.tensor([30, 30.5, 80, None, None]))
    assert (one - near).norm() < 0.3 * (one - far).norm()
    assert torch.equal(none, embedding.none) and torch.equal(none, other)


def test_numbers_without_a_name_are_refused() -> None:
    with pytest.raises(NevoaError, match=r"numbers must have a name for each number, as in \{'age': ages\}"):
        as_image_set(PIXELS, numbers={"": [1, 2, 3, 4]})


@pytest.mark.parametrize(
    "values", [[1, 2, 3], [1, 2, 3, np.inf], ["a", "b", "c", "d"], ["1,5", 2, 3, 4], [np.nan] * 4, [1, 2, 3, [4]], 3]
)
def test_wrong_numbers_are_refused(values: object) -> None:
    with pytest.raises(
        NevoaError, match="must be a finite number, or NaN where there is none, for each of the 4 images"
    ):
        as_image_set(PIXELS, numbers={"age": values})


@pytest.fixture
def tagged() -> ImageSet:
    return as_image_set(PIXELS, captions=LISTS)


def test_lists_of_words_are_tags_and_sentences_are_texts(tagged: ImageSet) -> None:
    assert Tags.found(tagged, None) == TagsPlan(tags=("smile", "red hat", "outdoors", "a person"))
    assert Text.found(tagged, None) is None
    assert Text.found(tagged, "") is not None
    sentences = as_image_set(PIXELS, captions=["a cat", "a dog, asleep", "a newt", "a cow"])
    assert Tags.found(sentences, None) is None
    assert Tags.found(sentences, "") is not None
    assert Text.found(sentences, None) is not None


def test_the_order_of_tags_means_nothing_and_some_are_withheld(tagged: ImageSet) -> None:
    plan = Tags.found(tagged, None)
    assert plan is not None
    tags = Tags(plan)
    assert torch.equal(tags.tensor([["smile", "red hat"]]), tags.tensor([["red hat", "smile"]]))
    drawn = tags.values(tagged, np.zeros(4000, np.int64), np.random.default_rng(0).random(4000))
    # 4,000 draws of two tags: a standard error of 0.0034.
    assert np.mean([len(of or ()) for of in drawn]) / 2 == pytest.approx(1 - DROPPED, abs=0.015)
    assert tags.values(tagged, np.array([0]), np.zeros(1)) == [["red hat", "smile"]]


def test_tags_are_asked_for_as_they_are_written(tagged: ImageSet) -> None:
    plan = Tags.found(tagged, None)
    assert plan is not None
    tags = Tags(plan)
    assert tags.asked(" RED  hat,smile") == tags.asked(["red hat", "Smile"]) == ["red hat", "smile"]
    with pytest.raises(NevoaError, match=r"There is no tag 'smil'\. Did you mean 'smile'"):
        tags.asked("smil")
    with pytest.raises(NevoaError, match="no tags to ask for"):
        tags.asked(" , ")
    with pytest.raises(NevoaError, match="There is no tag '5'"):
        tags.asked(["smile", 5])
    embedding = tags.embedding(16)
    none, empty = embedding(tags.tensor([None, []]))
    assert torch.equal(none, embedding.none)
    assert not torch.equal(none, empty)
    assert tags_in("a,, b ,") == ["a", "b"]
