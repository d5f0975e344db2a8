"""scripts/make_emoji.py: a folder of captioned emoji, from packages of npm."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from nevoa.data import load_images

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("make_emoji", ROOT / "scripts" / "make_emoji.py")
assert spec and spec.loader
make_emoji = importlib.util.module_from_spec(spec)
sys.modules["make_emoji"] = make_emoji
spec.loader.exec_module(make_emoji)

HORSE, CAT, WAVE, DARK = "🐎", "🐱", "👋", "🏿"
ENGLISH = {
    HORSE: {"tts": ["horse"], "default": ["animal", "horse"]},
    CAT: {"tts": ["cat: face"], "default": ["cat", "face", "c", "!"]},
    WAVE: {
        "tts": ["waving hand"],
        "default": ["w1 w2 w3 w4 w5", "w6 w7 w8 w9 w10", "w2 w7", "w11 w12 w13 w14 w15 w16 w17", "hello", "bye"],
    },
    DARK: {"tts": ["dark skin tone"]},
}
BRAZIL = {
    HORSE: {"tts": ["cavalo"], "default": ["animal"]},
    CAT: {"tts": ["rosto de gato"], "default": ["rosto de gato", "bichano", "gato bichano"]},
    WAVE: {"tts": ["mão acenando"]},
    DARK: {"tts": ["tom de pele escuro"]},
}
PORTUGAL = {CAT: {"tts": ["cara de gato"]}}
BLUE = '<rect width="36" height="18" fill="#0000ff"/>'
ICONS = {
    "horse": HORSE,
    "cat-face": CAT,
    "waving-hand": WAVE,
    "waving-hand-dark-skin-tone": WAVE + DARK,
    "letter-a": "🇦",
}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The packages, with five drawings in each; the older sets have no code points."""
    for style, pinned in make_emoji.SETS.items():
        folder, older = tmp_path / pinned.rpartition("@")[0], style in ("blob", "emojione")
        codes = {"-".join(f"{ord(one):x}" for one in emoji): name for name, emoji in ICONS.items()}
        icons = {"width": 36, "height": 36, "icons": {name: {"body": BLUE, "height": 18} for name in ICONS}}
        by = {"author": {"name": "Ana", "url": "https://ana.pt"}, "license": {"url": "https://mit.edu"}}
        about = {"name": pinned.rpartition("@")[0], "version": "1.0", "license": "MIT"}
        files = {"icons": icons, "chars": {} if older else codes, "info": by, "package": about}
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")
    names = tmp_path / make_emoji.NAMES.rpartition("@")[0]
    for locale, said in {"en": ENGLISH, "pt": BRAZIL, "pt-PT": PORTUGAL}.items():
        (names / "annotations" / locale).mkdir(parents=True)
        table = json.dumps({"annotations": {"annotations": said}})
        (names / "annotations" / locale / "annotations.json").write_text(table, "utf-8")
    about = {"name": "cldr", "version": "48", "license": "Unicode-3.0", "author": "Unicode", "homepage": "unicode.org"}
    (names / "package.json").write_text(json.dumps(about), "utf-8")
    (names / "LICENSE").write_text("Permission is granted.\n", "utf-8")
    return tmp_path


def made(out: Path, packages: Path, *options: str) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["make_emoji.py", str(out), "--packages", str(packages), "--size", "32", *options])
        make_emoji.main()
    return out


@pytest.mark.slow
def test_the_same_packages_give_the_same_bytes(packages: Path, tmp_path: Path) -> None:
    folders = [made(tmp_path / name, packages) for name in ("one", "two")]
    one, two = ({file.relative_to(of): file.read_bytes() for file in of.rglob("*.*")} for of in folders)
    assert one == two
    assert len(one) == 5 * 3 + 3


@pytest.mark.slow
def test_nevoa_reads_both_splits_with_all_captions(packages: Path, tmp_path: Path) -> None:
    folder = made(tmp_path / "emoji", packages)
    train, test = load_images(folder), load_images(folder, split="test")
    assert (len(train), len(test)) == (10, 5)
    horses = sorted(test.captions, key=lambda of: of[1])
    assert horses[2] == ("horse", "horse fluent", "animal", "cavalo", "cavalo fluent")
    cats = [of for of in train.captions if of[0] == "cat face"]
    assert {of[1].split()[-1] for of in cats} == {*make_emoji.SETS}
    in_portuguese = "cara de gato", "cara de gato noto", "rosto de gato bichano"
    assert ("cat face", "cat face noto", *in_portuguese) in cats
    assert not train.classes


@pytest.mark.slow
def test_groups_draw_their_emoji_alone_with_or_without_the_sign_for_drawings(packages: Path, tmp_path: Path) -> None:
    folder = packages / make_emoji.GROUPED.rpartition("@")[0]
    (folder / "meta").mkdir(parents=True)
    (folder / "meta" / "groups.json").write_text(json.dumps({"groups": {"0": "people-body", "1": "animals-nature"}}))
    (folder / "en").mkdir()
    groups = [{"emoji": CAT + "\ufe0f", "group": 1}, {"emoji": WAVE, "group": 0}, {"emoji": "🇦"}]
    (folder / "en" / "data.json").write_text(json.dumps(groups))
    train = load_images(made(tmp_path / "animals", packages, "--groups", "animals-nature"))
    assert {of[0] for of in train.captions} == {"cat face"}
    people = made(tmp_path / "people", packages, "--groups", "people-body", "--skin-tones")
    assert len(load_images(people)) == 10


@pytest.mark.slow
def test_skin_tones_are_drawn_if_asked_for_and_named(packages: Path, tmp_path: Path) -> None:
    train = load_images(made(tmp_path / "emoji", packages, "--skin-tones"))
    assert len(train) == 15
    assert {"waving hand dark skin tone", "mão acenando tom de pele escuro"} <= {
        one for of in train.captions for one in of
    }


def test_keywords_stay_whole_bring_new_words_and_are_no_more_than_a_model_reads(packages: Path) -> None:
    *_, keywords = make_emoji.said_in(packages, ("en",))[WAVE].captions("noto")
    assert keywords == "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 hello bye"


def test_a_drawing_keeps_its_proportions_on_white_with_a_margin(packages: Path) -> None:
    for style in make_emoji.SETS:
        svg = dict(make_emoji.drawings(packages, style))[CAT]
        pixels = np.asarray(make_emoji.drawn(svg, 32))
        margin = 0 if style in make_emoji.PADDED else 1
        inside = slice(margin, 32 - margin)
        assert (pixels[9:23, inside] == (0, 0, 255)).all()
        assert (pixels[:8] == 255).all()
        assert (pixels[24:] == 255).all()
        assert (np.delete(pixels, np.arange(32)[inside], axis=1) == 255).all()


def test_the_held_out_emoji_never_change_and_are_a_tenth() -> None:
    assert [*map(make_emoji.is_held_out, (HORSE, CAT, "🦍", "🐕"))] == [True, False, True, False]
    held_out = sum(make_emoji.is_held_out(chr(code)) for code in range(0x1F300, 0x1F300 + 5000))
    assert abs(held_out - 500) < 3 * (5000 * 0.1 * 0.9) ** 0.5


@pytest.mark.parametrize("person", ["🧑‍🚀", "🧑‍🌾", "🏃", "🧗"])
def test_all_genders_and_skin_tones_of_a_person_are_held_out_together(person: str) -> None:
    others = [person + sign for sign in ("🏽", "\u200d♂", "\u200d♀", "🏿\u200d♀")]
    others += [person.replace("🧑", adult) for adult in ("👨", "👩", "👩🏻")]
    assert {*map(make_emoji.is_held_out, others)} == {make_emoji.is_held_out(person)}


@pytest.mark.slow
def test_every_package_is_named_with_its_licence(packages: Path, tmp_path: Path) -> None:
    page = (made(tmp_path / "emoji", packages) / "LICENSES.md").read_text("utf-8")
    assert "| @iconify-json/noto | 1.0 | MIT, https://mit.edu | Ana, https://ana.pt |" in page
    assert all(f"| {pinned.rpartition('@')[0]} |" in page for pinned in make_emoji.SETS.values())
    assert "| cldr | 48 | Unicode-3.0, below | Unicode, unicode.org |\n\nPermission is granted." in page


def test_a_wrong_folder_is_refused_with_what_to_do(
    packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for out, read, said in [
        (packages, packages, "exists: name a new folder"),
        (tmp_path / "emoji", tmp_path / "none", "has no @iconify-json/fluent-emoji-flat, "),
    ]:
        with pytest.raises(SystemExit, match="2"):
            made(out, read)
        assert said in capsys.readouterr().err
    assert not (tmp_path / "emoji").exists()
