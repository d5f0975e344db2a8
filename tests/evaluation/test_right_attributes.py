"""Is all of what a prompt names to be seen? A reader that never saw a combination reads it."""

from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jaxtyping import UInt8
from PIL import Image

import nevoa
from nevoa.data import as_image_set
from nevoa.data.sources.scenes import scenes
from nevoa.errors import NevoaError
from nevoa.evaluation import Stage
from nevoa.evaluation.intervals import error_of_share
from nevoa.evaluation.right_attributes import Described, described, right_attributes
from nevoa.features import attributes
from nevoa.sampling.ddim import DDIM

Images = UInt8[np.ndarray, "N H W C"]

LEVELS = "black", "dark", "gray", "light", "white"
# Of the upper and the lower half. Never trained on, but both halves were.
HELD_OUT = "gray", "white"


def drawn(prompts: Sequence[str]) -> UInt8[np.ndarray, "N 8 8 1"]:
    """Two levels, one above the other."""
    levels = np.array([[60 * LEVELS.index(level) for level in prompt.split(" ")] for prompt in prompts])
    return levels.astype(np.uint8).repeat(4, axis=1)[:, :, None, None].repeat(8, axis=2)


def measured(train: Described, test: Described, make: Callable[[Sequence[str]], Images]) -> dict[str, Any]:
    """The shares, which follow the stages."""
    found = {}

    def made(prompts: Sequence[str]) -> Generator[Stage, None, Images]:
        yield Stage("drawing")
        return make(prompts)

    def run() -> Iterator[Stage]:
        found.update((yield from right_attributes(train, test, made)))

    assert [stage.name for stage in run()][-2:] == ["drawing"] * 2
    return found


@pytest.fixture
def known_and_new(monkeypatch: pytest.MonkeyPatch) -> tuple[Described, ...]:
    monkeypatch.setattr(attributes, "SHOWN", 3_000)
    sets = [[both for both in product(LEVELS, LEVELS) if both != HELD_OUT] * 20, [HELD_OUT] * 20]
    prompts = [[" ".join(both) for both in rows] for rows in sets]
    images = [as_image_set(drawn(of), captions=of) for of in prompts]
    named = [
        as_image_set(drawn(of), captions=[", ".join(row) for row in rows])
        for of, rows in zip(prompts, sets, strict=True)
    ]
    return described(images, named)


def test_images_that_show_what_is_asked_are_right_and_by_other_prompts_they_are_not(
    known_and_new: tuple[Described, ...],
) -> None:
    known, new = known_and_new
    found = measured(known, new, drawn)
    assert found["trained"].all() and found["held_out"].all() and found["real"].all()
    # Every held-out prompt is the same here, so the prompt of another image fits, too.
    assert found["shuffled"].all()
    assert not measured(new, known, drawn)["shuffled"].all()


def test_images_that_ignore_their_prompts_are_right_by_chance(known_and_new: tuple[Described, ...]) -> None:
    known, new = known_and_new
    found = measured(known, new, lambda prompts: drawn(["white black"] * len(prompts)))
    assert (found["trained"].mean(), found["held_out"].mean()) == (pytest.approx(1 / 24), 0)


def test_the_training_of_a_reader_shows_its_progress_and_its_weights_are_kept(
    known_and_new: tuple[Described, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path))
    monkeypatch.setattr(attributes, "SHOWN", 3 * attributes.BATCH)
    known, _ = known_and_new
    first, second = (attributes.new_reader(1, known.counts) for _ in range(2))
    assert [*attributes.prepare_reader(first, known.images, known.codes)] == [(1, 3), (2, 3), (3, 3)]
    assert [*attributes.prepare_reader(second, known.images, known.codes)] == []
    for weights, kept in zip(first.parameters(), second.parameters(), strict=True):
        assert (weights == kept).all()
    # The table was corrected: the same images, other attributes.
    assert [*attributes.prepare_reader(attributes.new_reader(1, known.counts), known.images, known.codes[::-1].copy())]
    more = *known.counts, 1
    codes = np.pad(known.codes, ((0, 0), (0, 1)))
    assert [*attributes.prepare_reader(attributes.new_reader(1, more), known.images, codes)]
    for kept in tmp_path.rglob("*.safetensors"):
        kept.write_bytes(b"")
    with pytest.raises(NevoaError, match="Remove the file: a reader is trained anew"):
        list(attributes.prepare_reader(second, known.images, known.codes))


def test_a_reader_is_trained_where_its_weights_cannot_be_kept(
    known_and_new: tuple[Described, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path))
    (tmp_path / "attribute-readers").write_text("a file, so that no folder can be made")
    monkeypatch.setattr(attributes, "SHOWN", attributes.BATCH)
    known, _ = known_and_new
    reader = attributes.new_reader(1, known.counts)
    assert [*attributes.prepare_reader(reader, known.images, known.codes)] == [(1, 1)]


@pytest.mark.parametrize("rows", [["top, gray", "top"], ["", ""], []])
def test_images_with_unequal_numbers_of_attributes_are_refused(rows: list[str]) -> None:
    images = as_image_set(np.zeros((2, 8, 8, 1), np.uint8), captions=["a", "b"])
    named = as_image_set(images.images, captions=rows or None)
    with pytest.raises(NevoaError, match="must have the same number of words"):
        described([images], [named])


def test_both_wordings_of_a_scene_have_one_set_of_attributes() -> None:
    """Each combination has two wordings, and no combination of the test split is in the training split."""
    train, test = ([scene.attributes for scene in scenes(split)] for split in ("train", "test"))
    assert {train.count(one) for one in train[:50]} == {test.count(one) for one in test[:50]} == {2}
    assert not {*train} & {*test}
    assert len({*train, *test}) == len(train + test) / 2


@pytest.mark.slow
def test_a_folder_whose_table_has_attributes_is_measured(
    known_and_new: tuple[Described, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attributes, "SHOWN", 64)
    for split, of in zip(("train", "test"), known_and_new, strict=True):
        (tmp_path / "data" / split).mkdir(parents=True)
        lines = ["file_name,text,attributes"]
        for number, (image, captions) in enumerate(zip(of.images.images, of.images.captions, strict=True)):
            Image.fromarray(image[..., 0]).save(tmp_path / "data" / split / f"{number}.png")
            lines.append(f'{number}.png,{captions[0]},"{captions[0].replace(" ", ", ")}"')
        (tmp_path / "data" / split / "metadata.csv").write_text("\n".join(lines))
    small = ["network.dim=8", "training.batch_size=4", "training.guide=0"]
    run = nevoa.train(str(tmp_path / "data"), out=tmp_path / "run", steps=2, progress=False, options=small)
    report = nevoa.evaluate(str(run.folder), count=4, metrics=["right_attributes"], steps=2)
    shares = [report.scores[f"right_attributes{end}"] for end in ("", "_trained", "_shuffled")]
    assert all(0 <= share <= 1 for share in shares)
    assert 0 <= report.floor["right_attributes"] <= 1
    shown = len(known_and_new[1].images)
    assert report.scores["right_attributes_se"] == error_of_share(shares[0], shown)
    assert report.floor_spread["right_attributes"] == error_of_share(report.floor["right_attributes"], shown)
    assert nevoa.evaluate(run, count=4, metrics=["right_attributes"], steps=2).scores == report.scores
    of_object = nevoa.evaluate(run, count=4, metrics=["right_attributes"], sampler=DDIM(), steps=2)
    assert not of_object.scores
    assert any("not measured: right_attributes" in warning for warning in of_object.warnings)
