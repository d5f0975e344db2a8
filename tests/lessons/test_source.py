"""Source that lessons show."""

import inspect
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


def test_a_notebook_shows_colours_and_a_link_and_escapes_the_code() -> None:
    page = show_source(NoiseSchedule._between)._repr_html_()
    assert (PACKAGE / "diffusion/schedule.py").as_uri() in page
    assert page.count("<span style=") > 20
    assert "&lt;" not in inspect.getsource(NoiseSchedule._between) and "-&gt;" in page


def test_what_has_no_source_is_explained() -> None:
    for part in (3, len):
        with pytest.raises(NevoaError, match="has no source in Python: give a function"):
            show_source(part)


def test_source_of_others_keeps_its_path() -> None:
    assert show_source(Path.read_text).place.endswith("pathlib.py, " + show_source(Path.read_text).place.split(", ")[1])
