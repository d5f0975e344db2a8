"""What the plan and `data show` say of a folder as people have it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import OPTIONS, nevoa


def draw(path: Path, number: int, size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures."""
    for number in range(12):
        draw(tmp_path / f"mine/{number}.png", number)
    return tmp_path


def with_texts(folder: Path) -> None:
    (folder / "mine/0.txt").write_text("a cat")
    (folder / "mine/1.caption").write_text("a dog")
    (folder / "mine/notes.txt").write_text("no caption")
    rows = [{"file_name": "2.png", "text": "a cow"}, {"file_name": "0.png", "text": "a cat"}, {"file_name": "3.png"}]
    (folder / "mine/metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))


def with_links(folder: Path) -> None:
    draw(folder / "elsewhere/a/100.png", 100)
    draw(folder / "elsewhere/101.png", 101)
    (folder / "mine/a").symlink_to(folder / "elsewhere/a")
    (folder / "mine/101.png").symlink_to("../elsewhere/101.png")
    (folder / "mine/again.png").symlink_to("0.png")


def with_small_pictures(folder: Path) -> None:
    draw(folder / "mine/dot.png", 200, (1, 1))
    draw(folder / "mine/line.png", 201, (3, 500))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said", "facts"),
    [
        (with_texts, "3 with captions", {"captions": 3, "other_files": 1}),
        (with_links, "2 by links from elsewhere", {"linked": 2, "duplicates": 1, "images": 15}),
        (with_small_pictures, "2 unusable", {"images": 12, "original_sizes": [[8, 8], [8, 8]]}),
    ],
)
def test_a_plan_and_data_show_say_what_is_unusual(
    change: Callable[[Path], None], said: str, facts: dict[str, object], folder: Path
) -> None:
    change(folder)
    train = nevoa("train", "mine", "--size", "8", "--steps", "2", "--dry-run", *OPTIONS, folder=folder)
    assert said in train.stdout
    assert said in nevoa("data", "show", "mine", folder=folder).stdout
    shown = json.loads(nevoa("data", "show", "mine", "--json", folder=folder).stdout)
    assert {key: shown[key] for key in facts} == facts


def test_data_show_names_near_copies_and_small_images_are_left_out(folder: Path) -> None:
    for number in (3, 7):
        picture = Image.open(folder / f"mine/{number}.png")
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / f"mine/{number}-again.bmp")
        draw(folder / f"mine/large-{number}.png", 100 + number, (16, 9))
    say = nevoa("data", "show", "mine", "--size", "8", folder=folder).stdout
    assert "near copies 3-again.bmp and 3.png; 7-again.bmp and 7.png. A model memorises first" in " ".join(say.split())
    shown = json.loads(nevoa("data", "show", "mine", "--min-size", "9", "--json", folder=folder).stdout)
    assert (shown["images"], shown["too_small"], shown["near_copies"]) == (2, 14, [])
    plan = nevoa("train", "mine", "--min-size", "9", "--steps", "2", "--dry-run", *OPTIONS, folder=folder).stdout
    assert "14 smaller than --min-size" in " ".join(plan.split())
    none = nevoa("data", "show", "mine", "--min-size", "17", folder=folder, code=2)
    assert "All 16 images have a side below 17 pixels: choose a smaller --min-size." in " ".join(none.stderr.split())


def with_tags(folder: Path) -> None:
    """Tags of ten pictures, an age of nine, and a column without numbers."""
    rows = [
        {"file_name": f"{n}.png", "text": "Red hat, smile" if n < 4 else "smile, smile", "age": n or "", "blank": ""}
        for n in range(10)
    ]
    (folder / "mine/metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))


@pytest.mark.parametrize(
    ("condition", "lines", "left"),
    [
        (
            [],
            [
                "tags: 2, 0 of them used once, the most frequent smile (10), red hat (4)",
                "numbers: age 1 to 9 (9 images)",
            ],
            "words:",
        ),
        (["tags"], ["tags: 2, 0 of them used once, the most frequent smile (10), red hat (4)"], "numbers:"),
        (["text"], ["words: 4, 0 of them used once, the most frequent , (10), smile (10), red (4), hat (4)"], "tags:"),
        (["number:age"], ["numbers: age 1 to 9 (9 images)"], "captions:"),
    ],
)
def test_data_show_says_what_a_training_takes_of_a_table(
    condition: list[str], lines: list[str], left: str, folder: Path
) -> None:
    with_tags(folder)
    told = nevoa("data", "show", "mine", *(f"--condition={one}" for one in condition), folder=folder).stdout
    assert [line for line in lines if line not in told.splitlines()] == []
    assert left not in told


def test_data_show_gives_programs_tags_and_numbers(folder: Path) -> None:
    with_tags(folder)
    facts = json.loads(nevoa("data", "show", "mine", "--json", folder=folder).stdout)
    assert facts["captions"] == 10
    assert facts["tags"] == {"smile": 10, "red hat": 4}
    assert facts["numbers"] == {"age": {"low": 1, "high": 9, "images": 9}}


def test_an_image_too_small_to_train_on_is_left_out_with_the_reason(folder: Path) -> None:
    with_small_pictures(folder)
    told = nevoa("data", "show", "mine", folder=folder).stdout
    assert "left out  dot.png: it has 1x1 pixels; nevoa trains on images of 4x4 or more" in told
    assert "left out  line.png: it has 3x500 pixels; nevoa trains on images of 4x4 or more" in told
