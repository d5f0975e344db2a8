"""The model card: facts of the run, and a section on quality that can be replaced."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.model import Model
from nevoa.networks import fresh_network
from nevoa.runs import Run, card, data_licence, prompts_to_try
from tests.small_runs import planned


@pytest.fixture
def run(tiny: Config, few_images: ImageSet, tmp_path: Path) -> Run:
    run = Run(tmp_path / "it's mist")
    run.append_metrics({"images_seen": 8, "loss": 0.25})
    run.save_preview(8, Image.new("L", (2, 2)))
    plan, shape = planned(tiny, few_images), few_images.shape
    model = Model(plan, fresh_network(plan.network, shape[0], 0, seed=0), shape)
    card.write(run, plan, model, horizon=96, images_seen=16, seconds=3.0)
    return run


def test_the_card_states_the_facts_of_the_run(run: Run) -> None:
    text = run.card_file.read_text()
    for fact in ("# it's mist", "20 images of 8x8", "none (unconditional)", "16 of 96 images", "0.2500"):
        assert fact in text, fact
    assert "![previews](samples/000000000008.png)" in text
    commands = re.findall(r"nevoa (?:evaluate|sample) [^`\n]*", text)
    assert [shlex.split(command)[2:] for command in commands] == [[str(run.folder)]] * 2


def test_the_licence_and_the_prompts_are_those_that_a_user_wrote(run: Run, tiny: Config, few_images: ImageSet) -> None:
    """Also after the card is written anew; without one, what is known of the source."""
    text = run.card_file.read_text()
    for row, written in {
        "licence of the data | unknown": "licence of the data | CC BY 4.0",
        "try | none": "try | a; b c",
    }.items():
        assert row in text
        text = text.replace(row, written)
    run.card_file.write_text(text)
    plan, shape = planned(tiny, few_images), few_images.shape
    model = Model(plan, fresh_network(plan.network, shape[0], 0, seed=0), shape)
    card.write(run, plan, model, horizon=96, images_seen=96, seconds=9.0)
    assert data_licence(run.card_file.read_text(), "photos/") == "CC BY 4.0"
    assert prompts_to_try(run.card_file.read_text()) == ["a", "b c"]


def test_quality_replaces_its_section_and_nothing_else(run: Run) -> None:
    before = run.card_file.read_text()
    with run.card_file.open("a") as file:
        file.write("\n## My notes\n\nGood ones.\n")
    card.set_quality(run, "fd 1.0")
    card.set_quality(run, "fd 2.0")
    text = run.card_file.read_text()
    assert text.startswith(before.partition("## Quality")[0])
    assert text.endswith("## Quality\n\nfd 2.0\n\n## My notes\n\nGood ones.\n")
    assert "fd 1.0" not in text and "Not measured" not in text


def test_quality_is_appended_to_a_card_without_the_section(tmp_path: Path) -> None:
    run = Run(tmp_path / "r")
    card.set_quality(run, "fd 1.0")
    assert run.card_file.read_text() == "# r\n\n## Quality\n\nfd 1.0\n"
    run.card_file.write_text("# Mine\n\nHand-written.\n")
    card.set_quality(run, "fd 1.0")
    assert run.card_file.read_text() == "# Mine\n\nHand-written.\n\n## Quality\n\nfd 1.0\n"


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (None, "random weights"),
        ("drawings64", "drawings64"),
        ("/home/me/private/clothes", "clothes"),
        ("hf:me/clothes", "hf:me/clothes"),
        ("object:model", "model"),
    ],
)
def test_the_card_names_the_model_that_training_started_from(
    start: str | None, said: str, run: Run, tiny: Config, few_images: ImageSet
) -> None:
    plan, shape = planned(tiny, few_images, start=start), few_images.shape
    model = Model(plan, fresh_network(plan.network, shape[0], 0, seed=0), shape)
    card.write(run, plan, model, horizon=96, images_seen=16, seconds=3.0)
    assert f"| start | {said} |" in run.card_file.read_text()
