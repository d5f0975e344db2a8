"""What the page says of images is what `nevoa data show` finds."""

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nevoa
import nevoa.studio.images as images_module
from nevoa.studio.commands import Images, Training
from nevoa.studio.page import page
from nevoa.studio.texts import Language, texts
from nevoa.studio.train_tab import planned
from nevoa.studio.workspace import Workspace
from tests.cli.conftest import nevoa as typed

Look = Callable[..., str]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """The summary of a folder of ten pictures with the rows of a table."""

    def answer(workspace: Path, words: list[str]) -> Any:
        return json.loads(typed(*words, folder=workspace).stdout)

    def summary(rows: list[dict[str, Any]], language: Language = "en", copied: tuple[int, ...] = ()) -> str:
        workspace = Workspace(tmp_path / "workspace")
        for folder in (workspace.served, workspace.folder / "mine"):
            folder.mkdir(parents=True)
        for number, pixels in enumerate(np.random.default_rng(0).integers(0, 255, (10, 8, 8, 3), np.uint8)):
            Image.fromarray(pixels).save(workspace.folder / f"mine/{number}.png")
        for number in copied:
            Image.open(workspace.folder / f"mine/{number}.png").save(workspace.folder / f"mine/{number}-copy.bmp")
        table = [{"file_name": f"{number}.png", **row} for number, row in enumerate(rows)]
        (workspace.folder / "mine/metadata.jsonl").write_text("\n".join(map(json.dumps, table)))
        [event] = [event for event in page(workspace, language).fns.values() if event.api_name == "images"]
        assert event.fn
        return event.fn({}, "mine/", "", "", "")[0]

    monkeypatch.setattr(images_module, "answer", answer)
    return summary


def option(summary: str) -> str:
    """The option that is to be copied."""
    [found] = re.findall("<code>(.*)</code>", summary)
    return html.unescape(found)


@pytest.mark.slow
def test_captions_are_counted_with_their_words(look: Look) -> None:
    summary = look([{"text": "a red cat"}, {"text": "a <b>"}], "en")
    assert "With captions: 2. Words: 6, the most frequent a (2), red (1)" in summary
    assert "For example: a red cat · a &lt;b&gt;" in summary
    assert "<b>" not in summary
    assert "Tags" not in summary and "Numbers" not in summary


@pytest.mark.parametrize("copied", [(), (3, 7)])
def test_near_copies_are_named(copied: tuple[int, ...], look: Look) -> None:
    summary, said = look([], "pt", copied), "Quase-cópias, que um modelo decora primeiro (2): "
    assert (said + "3-copy.bmp = 3.png, 7-copy.bmp = 7.png" in summary) == bool(copied)
    assert ("Quase" in summary) == bool(copied)


@pytest.mark.slow
def test_pairs_are_told_and_learned_beside_a_number(look: Look) -> None:
    summary = look([{"conditioning_image": f"{n + 5}.png", "age": n} for n in range(5)], "en")
    assert "mine</b>: 5 images" in summary or "mine**: 5 images" in summary
    assert "Pairs: beside each image there is the picture that a model makes it from." in summary
    asked = nevoa.configure("shapes", steps=1, options=[option(summary)]).training.condition
    assert asked == ("picture", "number:age")


@pytest.mark.slow
def test_tags_and_numbers_are_told_and_how_to_learn_them(look: Look) -> None:
    rows = [{"text": "Red hat, smile" if n < 4 else "smile,", "age": n, "label": "ab"[n % 2]} for n in range(10)]
    summary = look([*rows[:9], {**rows[9], "age": None}], "en")
    assert "With captions: 10. Tags: 2, the most frequent smile (10), red hat (4)" in summary
    assert "Numbers: age 0 to 8 (9 images)" in summary
    asked = nevoa.configure("shapes", steps=1, options=[option(summary)]).training.condition
    assert asked == ("class", "tags", "number:age")


@pytest.mark.slow
def test_a_number_is_written_as_in_the_language_and_many_are_cut(look: Look) -> None:
    summary = look([{f"n{column}": n / 4 for column in range(20)} for n in range(10)], "pt")
    assert "Números: n0 de 0 a 2,25 (10 imagens), n1" in summary
    assert "n11 de 0 a 2,25 (10 imagens) …" in summary
    assert "n12" not in summary
    assert "legendas" not in summary
    assert nevoa.configure("shapes", steps=1, options=[option(summary)]).training.condition[0] == "number:n0"


@pytest.mark.parametrize(
    ("classes", "conditions", "learned"),
    [
        (["cat", "dog"], ["tags", "number:age"], "| learns | class, tags, number:age |"),
        ([], ["tags"], "| learns | tags |"),
        ([], [], ""),
    ],
)
def test_a_plan_says_what_is_learned(classes: list[str], conditions: list[str], learned: str) -> None:
    known = {"classes": classes, "conditions": {key: {} for key in conditions}}
    decided = {"network": {"kind": "unet"}, "training": {"images": 8, "start": ""}, **known}
    forecast = dict.fromkeys(("parameters", "seconds", "memory_bytes", "disk_bytes", "expected"), 0)
    plan = {"plan": decided, "data": {"images": 9, "shape": (3, 8, 8)}, **forecast}
    assert [line for line in planned(plan, texts("en")).splitlines() if "learns" in line] == [learned] * bool(learned)


@pytest.mark.slow
def test_a_plan_says_what_it_starts_from(tmp_path: Path) -> None:
    images = Images("shapes", size="32", channels="3")
    options = "data.limit=90\ntraining.steps=8"
    arguments = Training(images, "few", "photos", None, options=options).arguments
    plan = json.loads(typed(*arguments, "--dry-run", "--json", folder=tmp_path).stdout)
    assert "| start from | drawings32 |" in planned(plan, texts("en"))
