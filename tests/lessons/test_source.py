"""Source that lessons show."""

import html
import importlib.util
import re
import textwrap
from pathlib import Path

import pytest

import nevoa
from nevoa.diffusion import GaussianProcess, NoiseSchedule
from nevoa.diffusion.prediction import PREDICTIONS
from nevoa.errors import NevoaError
from nevoa.lessons import show_source
from nevoa.lessons.source import PACKAGE


@pytest.mark.parametrize(
    ("part", "file", "first"),
    [
        (GaussianProcess.forward, "diffusion/process.py", "def forward(self,"),
        (NoiseSchedule.alpha_bar, "diffusion/schedule.py", "@cached_property"),
        (NoiseSchedule.signal, "diffusion/schedule.py", "@property"),
        (nevoa.sampling.trajectory, "sampling/sampler.py", "@torch.no_grad()"),
        (PREDICTIONS["v"].x_0, "diffusion/prediction.py", "x_0=lambda"),
    ],
)
def test_the_lines_shown_are_those_of_the_file(part: object, file: str, first: str) -> None:
    """Found a second way: by the numbers of the lines that the source states."""
    shown = show_source(part)
    assert shown.code.startswith(first)
    name, _, numbers = shown.place.partition(", ")
    assert name == f"nevoa/{file}"
    start, _, end = numbers.partition("–")
    lines = (PACKAGE / file).read_text(encoding="utf-8").splitlines()[int(start) - 1 : int(end or start)]
    assert [line.strip() for line in lines] == [line.strip() for line in shown.code.splitlines()]


def plain(page: str) -> str:
    """The text of a page, without its tags."""
    return html.unescape(re.sub(r"<[^>]+>", "", page))


@pytest.mark.parametrize("part", [GaussianProcess.forward, NoiseSchedule.alpha_bar, PREDICTIONS["v"].x_0])
def test_a_notebook_shows_the_lines_and_the_rest_of_the_file_in_folds_around_them(part: object) -> None:
    source = show_source(part)
    page = source._repr_html_()
    above, below = re.findall(r"<details>.*?</details>", page, re.DOTALL)
    shown = page[page.index(above) + len(above) : page.index(below)]
    assert plain(shown).strip().splitlines() == source.code.splitlines()
    whole = re.sub(r"<summary>.*?</summary>", "", above + shown + below)
    assert plain(whole).split() == source.path.read_text(encoding="utf-8").split()
    assert page.count("<span style=") > 20 and "-&gt;" in page and len(page) < 40_000


def test_the_folds_state_their_lines_and_nothing_is_folded_where_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def one():\n    return 1\n\n\nTWO = 2\n")
    spec = importlib.util.spec_from_file_location("one", tmp_path / "one.py")
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    page = show_source(module.one)._repr_html_()
    assert re.findall(r"<summary>(.*?)</summary>", page) == ["<small>3–5</small>"]
    assert "<details>" not in show_source(module)._repr_html_()


def test_what_has_no_source_is_explained() -> None:
    for part in (3, len):
        with pytest.raises(NevoaError, match="has no source in Python: give a function"):
            show_source(part)


def test_source_of_others_keeps_its_path() -> None:
    place, _, _ = show_source(textwrap.dedent).place.partition(", ")
    assert Path(place) == Path(textwrap.__file__)
