"""scripts/make_avatars.py: a folder of avatars of known parts, from a generator of npm."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from nevoa.data import load_images

SCRIPTS = Path(__file__).parents[2] / "scripts"
# A generator that paints the whole picture in the colour of the hair.
CORE = """export const createAvatar = (style, wish) => ({
  toString: () => `<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9" fill="#${wish.hairColor}"/></svg>`
});"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    for name, code in {"core": CORE, "pixel-art": "export const style = {};"}.items():
        folder = tmp_path / "node_modules" / "@dicebear" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps({"type": "module", "exports": "./index.js"}))
        (folder / "index.js").write_text(code)
    return tmp_path / "node_modules"


@pytest.mark.slow
def test_avatars_show_what_their_captions_say_and_combinations_are_held_out(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import make_avatars  # pyright: ignore[reportMissingImports]

    monkeypatch.setattr(
        sys, "argv", ["make_avatars.py", str(tmp_path / "av"), "--count", "200", "--packages", str(packages)]
    )
    make_avatars.main()
    combinations = {}
    for split in ("train", "test"):
        rows = [
            json.loads(line) for line in (tmp_path / "av" / split / "metadata.jsonl").read_text("utf-8").splitlines()
        ]
        combinations[split] = {tuple(row["attributes"].split(", ")[1:4]) for row in rows}
        images = load_images(tmp_path / "av", split=split)
        for pixels, row, captions in zip(images.images, rows, images.captions, strict=True):
            length, hair, skin, shirt, glasses = row["attributes"].split(", ")
            english, portuguese = captions
            assert english.startswith(f"{length} {hair} hair and {skin} skin in a {shirt} shirt")
            word, colour = make_avatars.HAIR[hair]
            assert f" {word} e pele {make_avatars.SKIN[skin][0]} " in portuguese
            assert english.endswith(" with glasses") == portuguese.endswith(" com óculos") == (glasses == "glasses")
            assert np.allclose(pixels[16, 4], tuple(bytes.fromhex(colour)))
    assert combinations["train"] and combinations["test"] and not combinations["train"] & combinations["test"]
