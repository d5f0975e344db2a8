"""The page reads a prompt as nevoa does: the same words, and the same rows of the network's table."""

import unicodedata
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from nevoa.conditions.text import Text
from nevoa.config import parse
from nevoa.config.condition import SEEN, TextPlan, seen_of
from nevoa.data.words import words_in
from nevoa.formats.webpage.description import kinds_of
from nevoa.formats.webpage.page import joined
from tests.formats.small_models import FOLDED, small_model

pytestmark = pytest.mark.slow

TEXTS = (
    "",
    " \t\u3000",
    "A red circle, ABOVE it: 🐱!",
    "Ação — coração À ESQUERDA do nº 3½",
    "cafe\u0301 ﬁn ① İstanbul ΟΔΥΣΣΕΥΣ straße",
    "猫と犬 고양이 हिन्दी",
    "👩🏽‍🚀👍🏿",
    "\x00\x1c\x1f\x85a\u200bb\ufeffc",
    "snake_case <tag> & \"quotes\" 'n' \\back",
    "one two three four five six seven",
    "w" * 1000,
)


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    page.add_script_tag(content=joined(("checksum", "words"), "globalThis.words = $words;"))
    yield page
    page.close()


def kind_of(plan: TextPlan) -> dict[str, Any]:
    """The plan as the page has it."""
    (kind,) = kinds_of(small_model(FOLDED, conditions={"text": plan.model_dump()}).plan)
    return kind


def test_every_character_is_a_word_or_part_of_one_where_it_is_in_python(page: Page) -> None:
    letters = map(chr, [*range(0xD800), *range(0xE000, 0x110000)])
    text = " ".join(f"a{letter}B" for letter in letters if unicodedata.category(letter) != "Cn")
    assert page.evaluate("(text) => words.wordsOf(text).join(' ')", text) == " ".join(words_in(text))


@pytest.mark.parametrize("sizes", [{}, {"words": 5, "pieces": 3, "buckets": 7}, {"buckets": 2**20}])
def test_a_prompt_has_the_rows_that_it_has_in_python(sizes: dict[str, int], page: Page) -> None:
    plan = parse(sizes, TextPlan)
    found = page.evaluate("([texts, kind]) => texts.map((text) => words.rowsOf(text, kind))", [TEXTS, kind_of(plan)])
    expected = Text(plan).tensor(TEXTS)
    assert np.array_equal(np.array(found).reshape(expected.shape), expected.numpy())


def test_the_page_knows_the_words_that_the_model_knows(page: Page) -> None:
    bits = np.random.default_rng(0).integers(0, 256, SEEN // 8, np.uint8).tobytes()
    plan = TextPlan(seen=seen_of(bits))
    several = [word for text in TEXTS for word in words_in(text)]
    found = page.evaluate(
        "([several, kind]) => several.map((word) => words.knows(word, kind))", [several, kind_of(plan)]
    )
    assert found == [*map(Text(plan).knows, several)]
    assert len({*found}) == 2
