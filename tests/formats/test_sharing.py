"""The commands of docs/sharing.md, in their order, in a folder with a run of that name."""

import ast
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.cli.main import app
from nevoa.config import Config
from nevoa.model import Model
from nevoa.pictures import animation
from nevoa.runs import Run
from tests.formats.small_models import CLASSES, FOLDED, small_model
from tests.formats.small_run import plan_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sharing.md"
ON_THE_HUB = re.compile(r"\bhf:|\bpush\b|--prompt|--track")


def commands() -> list[str]:
    return [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    nevoa ")]


def imported(code: str) -> set[str]:
    """The packages that Python imports, but for its own."""
    found = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        name.split(".")[0]
        for node in found
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    return names - sys.stdlib_module_names


def installed(command: str) -> Iterator[str]:
    """The packages that a line of pip names, and those that they bring if they are ours."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for wish in shlex.split(command)[2:]:
        name, *extras = re.findall(r"[\w-]+", wish)
        brought = [project["optional-dependencies"][extra] for extra in extras]
        yield name
        if name == "nevoa":
            yield from (re.findall(r"[\w-]+", line)[0] for line in chain(project["dependencies"], *brought))


def test_what_an_example_imports_was_installed_by_a_line_before_it() -> None:
    """A newcomer types one after the other."""
    have, examples = set[str](), 0
    for command, code in re.findall(
        r"^    (pip install [^\n]*)$|^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S
    ):
        have |= set(installed(command))
        examples += bool(code)
        assert imported(code) <= have, code
    assert examples > 4


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run, photos of two classes, images to start from, and a mask."""
    monkeypatch.chdir(tmp_path)
    sampling = {"sampler": "dpm_solver", "steps": 3, "spacing": "karras"}
    model = small_model(FOLDED, shape=(3, 16, 16), classes=CLASSES, sampling=sampling)
    run = Run(Path("runs/clothes"))
    plan = plan_of(model)
    run.write(Config(network=plan.network), plan)
    run.publish_model(replace(model, plan=plan))
    pixels = np.random.default_rng(0)
    for name in ("photo", "a", "b", "photos/cat/1", "photos/cat/2", "photos/bird/1", "photos/bird/2"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(f"{name}.png")
    Image.fromarray(np.tile(np.repeat([0, 255], 12).astype(np.uint8), (20, 1))).save("mask.png")
    Image.new("L", (8, 8), 255).save("small.png")
    return tmp_path


@pytest.mark.slow
def test_every_command_of_the_page_runs(here: Path) -> None:
    local = [command for command in commands() if not ON_THE_HUB.search(command)]
    assert len(local) > 10
    for command in local:
        # As short as it can be: minutes become two steps.
        command = re.sub(
            r"--minutes \d+", "--steps 2 -o training.batch_size=2 -o training.report_every_images=2", command
        )
        app(shlex.split(command)[1:], exit_on_error=False, print_error=False, result_action="return_value")
    named = {found for command in local for found in re.findall(r"--out (\S+)", command)}
    assert all((here / name).exists() for name in named)
    painted, size = np.asarray(Image.open(here / "painted.png")), (here / "clothes.onnx").stat().st_size
    assert painted.ndim == 3
    assert (here / "clothes-half.onnx").stat().st_size < size
    tuned = Run(Path("runs/photos-clothes"))
    assert isinstance(tuned.config(), Config)
    assert tuned.plan().classes == ("bird", "cat")
    assert tuned.config().training.start == str(here / "runs" / "clothes")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("sample runs/clothes --from photo.png --inpaint photo.png", "Give one of --from and --inpaint"),
        ("sample runs/clothes --strength 0.5", "--strength needs --from"),
        ("sample runs/clothes --inpaint photo.png", "--inpaint needs --mask"),
        ("sample runs/clothes --from photo.png --strength 2", "strength must be above 0"),
        ("sample runs/clothes --interpolate a.png b.png --class cat", "leave out the labels"),
        ("sample runs/clothes --interpolate a.png b.png --sampler ddpm", "sampler must add no noise"),
        ("sample runs/clothes --from none.png", "There is no file none.png"),
        ("export runs/clothes --to diffusers --half", "--half is for --to onnx"),
        ("export runs/clothes --to onnx --out x", "a .onnx file"),
        ("export runs/clothes --to web --half", "--half is for --to onnx"),
        ("export runs/clothes --to web --out x.htm", "--out must be a .html file or a folder"),
        ("export runs/clothes --to web --steps 5000", "steps must be between 1 and 50"),
        ("export runs/nothing --to web", "runs/nothing is not a run with a model"),
        ("export runs/clothes --to diffusers --out x.onnx", "--out must be a folder"),
        ("export runs/clothes --to diffusers --sampler heun", "add --sampler dpm_solver"),
        ("train photos --from runs/clothes --steps 1 -o network.dim=16", "leave out the network's own settings"),
        ("train photos --from runs/clothes --preset photos --steps 1", "leave out --preset and --config"),
        ("sample runs/clothes --interpolate a.png b.png --count 3", "give --frames, not --count"),
        ("sample runs/clothes --from photo.png --guidance 3", "guidance takes something to guide to"),
        ("sample runs/clothes --inpaint photo.png --mask small.png", "The mask is 8x8 pixels and the image 24x20"),
        ("push runs/clothes hf:me/x@main --dry-run", "leave out @main"),
        ("push runs/clothes hf:me/x--y --dry-run", "with names of ASCII letters"),
        ("push runs/clothes hf:me/x --license Mine --dry-run", "--license must be a name that the Hub knows"),
        ("train photos --from nowhere --steps 1", "nowhere is not a run with a model"),
        ("train photos --lora 8 --steps 1", "lora adapts a model that is trained already: name one with --from"),
        ("train photos --from runs/clothes --lora 0 --steps 1", "--lora: Input should be greater than or equal to 1"),
        (
            "train photos --from runs/clothes --lora 9999 --steps 1",
            "--lora: Input should be less than or equal to 1024",
        ),
        ("train photos --from runs/clothes --lora 8 --augment strong --steps 1", "Adapters cannot learn augmentation"),
    ],
)
def test_wrong_input_is_one_sentence_and_leaves_nothing(here: Path, command: str, sentence: str) -> None:
    from nevoa.errors import NevoaError

    before = sorted(here.rglob("*"))
    with pytest.raises(NevoaError, match=re.escape(sentence)):
        app(shlex.split(command), exit_on_error=False, print_error=False, result_action="return_value")
    assert [path for path in sorted(here.rglob("*")) if path.name != "trainer.lock"] == before


def test_an_export_replaces_nothing_without_force(here: Path) -> None:
    from nevoa.errors import NevoaError

    for name in ("x.onnx", "x.html"):
        (here / name).write_text("mine")
    (here / "folder").mkdir()
    (here / "folder" / "mine").touch()
    for command in (
        "--to onnx --out x.onnx",
        "--to web --out x.html",
        "--to diffusers --out folder",
        "--to web --out folder",
    ):
        with pytest.raises(NevoaError, match="exists"):
            app(shlex.split(f"export runs/clothes {command}"), exit_on_error=False, print_error=False)
    assert (here / "x.onnx").read_text() == (here / "x.html").read_text() == "mine"
    assert [path.name for path in (here / "folder").iterdir()] == ["mine"]


def test_a_missing_package_is_named_before_the_work(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nevoa.errors import NevoaError

    monkeypatch.setattr(animation, "find_spec", lambda name: None)
    monkeypatch.setattr(Model, "trajectories", lambda *_, **__: pytest.fail("images were made"))
    with pytest.raises(NevoaError, match=r"pip install 'nevoa\[video\]'"):
        app(["sample", "runs/clothes", "--out", "x.mp4"], exit_on_error=False, print_error=False)
