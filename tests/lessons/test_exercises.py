"""The checks of exercises: right answers are right, and each known mistake gets its own explanation."""

import string

import numpy as np
import pytest
import torch

from nevoa.errors import NevoaError
from nevoa.lessons import Lesson
from nevoa.lessons.exercises import EXERCISES
from nevoa.lessons.lesson import Language, sentences, texts

ALL = pytest.mark.parametrize("key", EXERCISES, ids=str)


@ALL
def test_the_solution_is_right_and_each_mistake_is_explained(key: tuple[int, int]) -> None:
    lesson, number = key
    exercise = EXERCISES[key]
    for language in ("en", "pt"):
        check = Lesson(lesson, language).check
        assert check(number, exercise.solution).right
        said = {name: check(number, mistake) for name, mistake in exercise.mistakes.items()}
        assert not any(verdict.right for verdict in said.values())
        known = sentences(language, lesson, number)
        assert {name: verdict.text for name, verdict in said.items()} == {name: known[name] for name in said}
        assert len(set(known.values())) == len(known)


def test_both_languages_have_a_sentence_for_each_answer_and_no_other() -> None:
    answers = {key: {"right", *exercise.mistakes} for key, exercise in EXERCISES.items()}
    for language in ("en", "pt"):
        tables = {name: table for name, table in texts(language).items() if name != "any"}
        found = {(int(n), int(m)): set(table) for n, lesson in tables.items() for m, table in lesson.items()}
        assert found == answers


@ALL
def test_every_sentence_is_translated_and_complete(key: tuple[int, int]) -> None:
    english, portuguese = (texts(language)[str(key[0])][str(key[1])] for language in ("en", "pt"))
    assert not [name for name in english if english[name] == portuguese[name]]
    for sentence in (*english.values(), *portuguese.values()):
        assert sentence and not [name for _, name, *_ in string.Formatter().parse(sentence) if name]


def test_general_sentences_have_the_same_places_in_both_languages() -> None:
    def places(language: Language) -> dict[str, set[str | None]]:
        return {
            name: {field for _, field, *_ in string.Formatter().parse(sentence)}
            for name, sentence in texts(language)["any"].items()
        }

    assert places("en") == places("pt")


@ALL
def test_no_answer_is_no_error(key: tuple[int, int]) -> None:
    lesson, number = key
    verdict = Lesson(lesson).check(number, ...)
    assert not verdict.right and "three dots" in verdict.text
    if callable(EXERCISES[key].solution):
        unfinished = (lambda *_: ..., lambda *_: (..., ...), lambda *_: None)
        assert all("three dots" in Lesson(lesson).check(number, answer).text for answer in unfinished)


# Written from the equations, not taken from the package.
RIGHT = {
    (1, 2): lambda x_0, epsilon, signal, noise: torch.stack([signal * x_0, noise * epsilon]).sum(0),
    (1, 4): lambda x: torch.round((x.clamp(-1, 1) + 1) / 2 * 255).to(torch.uint8),
    (1, 5): lambda image, images: int(np.argmin([np.linalg.norm(one.astype(int) - image) for one in images])),
    (2, 1): 21,
    (2, 2): 1,
    (2, 3): lambda beta: torch.exp(torch.log1p(-beta).cumsum(0)),
    (2, 4): lambda x_0, alpha_bar, epsilon: x_0 * np.sqrt(alpha_bar) + epsilon * np.sqrt(1 - alpha_bar),
    (2, 5): 496,
    (3, 2): lambda x_0, x_t, b, s, t: (
        (np.sqrt(1 - b) / b * x_t + np.sqrt(s) / (1 - s) * x_0) / ((1 - b) / b + 1 / (1 - s)),
        1 / ((1 - b) / b + 1 / (1 - s)),
    ),
    (3, 3): lambda m, v, n, w: torch.distributions.kl_divergence(
        torch.distributions.Normal(m, v**0.5), torch.distributions.Normal(n, w**0.5)
    ),
    (3, 4): lambda v, x_t, a, b: tuple(
        torch.linalg.solve(torch.tensor([[a, b], [-b, a]]).double(), torch.stack([x_t, v]))
    ),
    (8, 1): 3 * 8 * 8 / 4,
    (8, 2): lambda encoder, decoder, x: torch.nn.functional.mse_loss(decoder(encoder(x)), x),
    (8, 4): lambda latents: torch.nn.functional.batch_norm(latents, None, None, training=True, eps=1e-12),
    (8, 5): np.exp(2 * np.log(5)),
}


@pytest.mark.parametrize("key", RIGHT, ids=str)
def test_an_answer_found_another_way_is_right(key: tuple[int, int]) -> None:
    lesson, number = key
    assert Lesson(lesson).check(number, RIGHT[key]).right


WRONG = [
    (1, 1, "d", "The text above has what you need."),
    (1, 1, 2, "Not yet: the answer is one letter"),
    (1, 2, 3, "The answer is a function, not int."),
    (1, 2, lambda x_0: x_0, "Not yet: your function stops with TypeError:"),
    (1, 2, lambda *_: torch.zeros(3), "has the shape [3]; it should have [2, 3]."),
    (1, 2, lambda *_: torch.full((2, 3), 7.0), "begins with -0.62, and yours with 7."),
    (1, 2, lambda *_: "x", "'x' is not the kind of answer expected."),
    (2, 1, 17.0, "The text above has what you need."),
    (2, 1, 4.58, "that is the standard deviation"),
    (3, 2, lambda *_: torch.zeros(3), "it should have [3], []."),
]


@pytest.mark.parametrize(("lesson", "number", "answer", "said"), WRONG)
def test_other_wrong_answers_are_answered_in_sentences(lesson: int, number: int, answer: object, said: str) -> None:
    verdict = Lesson(lesson).check(number, answer)
    assert not verdict.right and said in verdict.text


def test_an_answer_may_change_what_it_gets() -> None:
    """Each comparison gets inputs of its own."""

    def in_place(x: torch.Tensor) -> torch.Tensor:
        return x.add_(1).mul_(127.5).round_().clamp_(0, 255)

    assert all(Lesson(1).check(4, in_place).right for _ in range(2))


def test_a_notebook_shows_a_verdict_as_text_that_is_escaped() -> None:
    def failing(x: torch.Tensor) -> None:
        raise ValueError("<b>")

    page = Lesson(1).check(4, failing)._repr_html_()
    assert "&lt;b&gt;" in page and "✗" in page
    assert "✓" in Lesson(1).check(1, "B ")._repr_html_()


def test_an_unknown_exercise_is_an_error() -> None:
    with pytest.raises(NevoaError, match="Lesson 1 has 5 exercises; there is no exercise 6"):
        Lesson(1).check(6, "a")


@pytest.mark.parametrize(("language", "answer", "said"), [("en", "two bells", "letter"), ("pt", "dois sinos", "letra")])
def test_words_in_place_of_a_letter_are_told_what_is_wanted(language: Language, answer: str, said: str) -> None:
    verdict = Lesson(3, language).check(1, answer)
    assert not verdict.right and said in verdict.text
    assert said not in Lesson(3, language).check(1, "c").text


@pytest.mark.parametrize("key", [(3, 2), (3, 4)])
def test_a_list_is_as_right_as_a_tuple(key: tuple[int, int]) -> None:
    lesson, number = key
    assert Lesson(lesson).check(number, lambda *inputs: list(RIGHT[key](*inputs))).right
