"""Draw avatars of known parts, with captions in English and Portuguese, into a folder that `nevoa train` reads.

pip install resvg-py
python scripts/make_avatars.py OUT [--count 6000] [--packages FOLDER]

npm fetches the generator, DiceBear's Pixel Art (its designs are CC0), unless FOLDER, such as a node_modules, has it;
node runs it. The column `attributes` says what each avatar has, so that `nevoa evaluate --metrics right_attributes`
tells how well a model follows its prompts. The split `test` has a fifth of the avatars: those of a fifth of the
combinations of hair, skin and shirt, none of which is in the split `train`.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from make_emoji import drawn, fetched

from nevoa._util.files import published

PACKAGES = "@dicebear/core@9", "@dicebear/pixel-art@9"
SIDE = 32
# By the word: in Portuguese, and the colour.
HAIR = {"blonde": ("loiro", "f2d16b"), "brown": ("castanho", "83623b"), "black": ("preto", "1c1410")}
HAIR |= {"red": ("ruivo", "bd1700")}
SKIN = {"light": ("clara", "ffdbac"), "tan": ("morena", "cb9e6e"), "dark": ("escura", "8d5524")}
SHIRT = {"blue": ("azul", "428bca"), "green": ("verde", "00b159"), "pink": ("cor-de-rosa", "ff8fb1")}
SHIRT |= {"yellow": ("amarela", "ffc425")}
LENGTH = {"short": ("curto", 24), "long": ("comprido", 21)}
# The combinations of hair, skin and shirt whose place in a random order is a multiple of it are held out.
HELD_OUT = 5
DRAW = """
import { createAvatar } from '@dicebear/core';
import * as style from '@dicebear/pixel-art';
for await (const line of (await import('node:readline')).createInterface({ input: process.stdin }))
  console.log(JSON.stringify(createAvatar(style, JSON.parse(line)).toString()));
"""


@dataclass(frozen=True)
class Avatar:
    """The parts of an avatar."""

    length: str
    hair: str
    skin: str
    shirt: str
    glasses: bool

    @property
    def captions(self) -> tuple[str, str]:
        """The caption in English, and in Portuguese."""
        english = f"{self.length} {self.hair} hair and {self.skin} skin in a {self.shirt} shirt"
        length, hair, skin, shirt = LENGTH[self.length][0], HAIR[self.hair][0], SKIN[self.skin][0], SHIRT[self.shirt][0]
        portuguese = f"cabelo {length} {hair} e pele {skin} de camisola {shirt}"
        return english + " with glasses" * self.glasses, portuguese + " com óculos" * self.glasses

    @property
    def attributes(self) -> str:
        """All parts, in the words of the caption."""
        return ", ".join((self.length, self.hair, self.skin, self.shirt, "glasses" if self.glasses else "no glasses"))

    def options(self, rng: np.random.Generator) -> dict[str, Any]:
        """Options of the generator: the hair has one form, drawn at random; the seed varies the other parts."""
        form = f"{self.length}{1 + rng.integers(LENGTH[self.length][1]):02}"
        return {
            "seed": str(rng.integers(2**32)),
            "hair": [form],
            "hairColor": [HAIR[self.hair][1]],
            "skinColor": [SKIN[self.skin][1]],
            "clothingColor": [SHIRT[self.shirt][1]],
            "glassesProbability": 100 * self.glasses,
            "glassesColor": ["191919"],
            "hatProbability": 0,  # a hat hides short hair
            "beardProbability": 0,
            "accessoriesProbability": 0,
            "backgroundColor": ["ffffff"],
        }


def avatars(count: int, rng: np.random.Generator) -> Iterator[tuple[str, Avatar]]:
    """Yield the split of each avatar, and its parts."""
    every = list(product(HAIR, SKIN, SHIRT))
    held_out = {every[place] for place in rng.permutation(len(every))[::HELD_OUT]}
    for _ in range(count):
        looks = every[rng.integers(len(every))]
        avatar = Avatar(str(rng.choice(list(LENGTH))), *looks, bool(rng.integers(2)))
        yield "test" if looks in held_out else "train", avatar


def make(out: Path, packages: Path, count: int) -> None:
    """Write the folder: train/ and test/ with a metadata.jsonl each."""
    rng = np.random.default_rng(0)
    made = list(avatars(count, rng))
    wishes = "".join(json.dumps(avatar.options(rng)) + "\n" for _, avatar in made)
    node = "node", "--input-type=module", "--eval", DRAW
    svgs = subprocess.run(node, cwd=packages.parent, input=wishes, text=True, stdout=subprocess.PIPE, check=True).stdout
    rows: dict[str, list[str]] = {"train": [], "test": []}
    with published(out) as folder:
        for split in rows:
            (folder / split).mkdir(parents=True)
        for number, ((split, avatar), svg) in enumerate(zip(made, svgs.splitlines(), strict=True)):
            drawn(json.loads(svg), SIDE).save(folder / split / f"{number:05}.png")
            row = {"file_name": f"{number:05}.png", "text": avatar.captions, "attributes": avatar.attributes}
            rows[split].append(json.dumps(row, ensure_ascii=False) + "\n")
        for split, lines in rows.items():
            (folder / split / "metadata.jsonl").write_text("".join(lines), "utf-8")
    print(f"{out}: " + ", ".join(f"{len(lines):,} avatars for {split}" for split, lines in rows.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the new folder")
    parser.add_argument("--count", type=int, default=6000, help="of avatars; 6,000 by default")
    parser.add_argument("--packages", type=Path, help="a folder that has the packages, such as node_modules")
    wish = parser.parse_args()
    if wish.out.exists():
        parser.error(f"{wish.out} exists: name a new folder")
    with tempfile.TemporaryDirectory() as folder:
        make(wish.out, wish.packages or fetched(Path(folder), PACKAGES), wish.count)


if __name__ == "__main__":
    main()
