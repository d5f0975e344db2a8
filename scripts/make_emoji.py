"""Draw emoji, with captions in English and Portuguese, into a folder that `nevoa train` reads.

pip install resvg-py
python scripts/make_emoji.py OUT [--size 64] [--groups animals-nature food-drink] [--skin-tones] [--packages FOLDER]

npm fetches the drawings and their names, unless FOLDER, such as a node_modules, has them. The same packages give the
same bytes. LICENSES.md names their licences, all of which let us share a model that has learned from them. OpenMoji is
not among them: it is under CC BY-SA 4.0, and nobody knows yet whether such a model would have to be, too.

An emoji is drawn if CLDR names it by itself. Those whose names it composes are left out: flags of countries, most
families, people with skin tones. `--skin-tones` draws the latter, too. `--groups` draws those of some groups of Unicode
alone, as emojibase names them.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from PIL import Image
from resvg_py import svg_to_bytes

from nevoa._util.files import published
from nevoa.data.words import words_in

# By the word that asks for the style.
SETS = {
    "fluent": "@iconify-json/fluent-emoji-flat@1.2.6",
    "noto": "@iconify-json/noto@1.2.9",
    "blob": "@iconify-json/noto-v1@1.2.5",
    "twemoji": "@iconify-json/twemoji@1.2.5",
    "emojione": "@iconify-json/emojione@1.2.3",
}
# The sets whose drawings keep clear of the edge; the others get a margin, as a share of the side.
PADDED = "fluent", "noto"
MARGIN = 1 / 32
# Of a drawing in SVG: a whole number, because resvg rounds it.
SIDE = 1024
NAMES = "cldr-annotations-full@48.2.0"
PACKAGES = *SETS.values(), NAMES
# Only says which emoji belong to which of Unicode's groups.
GROUPED = "emojibase-data@17.0.0"
GROUPS = "smileys-emotion", "people-body", "animals-nature", "food-drink", "travel-places", "activities", "objects"
GROUPS += "symbols", "flags"
SOURCES = """# Sources

The pictures in this folder were made from the drawings in these packages of npm: in pixels, on white. Their captions
are names and keywords of the last package.

| package | version | licence | author |
| --- | --- | --- | --- |"""
# CLDR's pt is Brazil's; pt-PT has only what differs from it.
LANGUAGES = ("en",), ("pt", "pt-PT")
TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
# The signs that make a man or a woman of a person: their drawings are often the same one.
GENDER = re.compile("\u200d[♀♂]")
ADULTS = str.maketrans("👨👩", "🧑🧑")
MOST_WORDS = 16
SUPERSAMPLING = 4


@dataclass(frozen=True)
class Said:
    """The name and the keywords of an emoji in one language."""

    name: str
    keywords: tuple[str, ...]

    def captions(self, style: str) -> Iterator[str]:
        """Yield the name, the name in a style, and as many keywords as a model reads, if they add to the name."""
        yield self.name
        yield f"{self.name} {style}"
        if not {*words_in(self._keywords())} <= {*words_in(self.name)}:
            yield self._keywords()

    def _keywords(self) -> str:
        """Return the keywords that bring new words; single letters and signs are none."""
        chosen = ""
        for keyword in self.keywords:
            longer = f"{chosen} {keyword}".strip()
            new = {*words_in(keyword)} - {*words_in(chosen)}
            if len(keyword) > 1 and new and keyword != self.name and len(words_in(longer)) <= MOST_WORDS:
                chosen = longer
        return chosen


def said_in(packages: Path, locales: tuple[str, ...]) -> dict[str, Said]:
    """Return what a language says of each emoji; a later locale replaces what an earlier one says."""
    known: dict[str, dict[str, Any]] = {}
    for locale in locales:
        table = _json(packages / _unpinned(NAMES) / "annotations" / locale / "annotations.json")
        for emoji, said in table["annotations"]["annotations"].items():
            known[emoji] = known.get(emoji, {}) | said
    return {
        emoji: Said(_plain(said["tts"][0]), tuple(map(_plain, said.get("default", ()))))
        for emoji, said in known.items()
        if "tts" in said
    }


def captions_of(emoji: str, style: str, languages: tuple[Mapping[str, Said], ...]) -> list[str]:
    """Return the captions of an emoji in all languages; none if CLDR does not name it by itself."""
    tones, base = TONES.findall(emoji), TONES.sub("", emoji)
    if not all(base in said for said in languages):
        return []
    toned = (
        Said(" ".join([said[base].name, *(said[tone].name for tone in dict.fromkeys(tones))]), said[base].keywords)
        for said in languages
    )
    return list(dict.fromkeys(chain.from_iterable(said.captions(style) for said in toned)))


def in_groups(packages: Path, groups: Collection[str]) -> set[str]:
    """Return the emoji in groups, such as animals-nature, as `_code` writes them."""
    folder = packages / _unpinned(GROUPED)
    names, emoji = (json.loads((folder / file).read_text("utf-8")) for file in ("meta/groups.json", "en/data.json"))
    return {_code(one["emoji"]) for one in emoji if names["groups"].get(str(one.get("group"))) in groups}


def is_held_out(emoji: str) -> bool:
    """Return whether an emoji belongs to the tenth that is for testing, which its code points alone decide.

    Those that differ only in skin tone, or between a person, a man and a woman, belong together.
    """
    kind = GENDER.sub("", TONES.sub("", emoji)).translate(ADULTS)
    return int.from_bytes(sha256(kind.encode()).digest()) % 10 == 0


def drawings(packages: Path, style: str) -> Iterator[tuple[str, str]]:
    """Yield each emoji of a set and its drawing in SVG, in a square with a small margin."""
    folder = packages / _unpinned(SETS[style])
    icons = _json(folder / "icons.json")
    # The older sets have no code points, but the names of Noto.
    codes = _json(folder / "chars.json") or _json(packages / _unpinned(SETS["noto"]) / "chars.json")
    margin = 0 if style in PADDED else MARGIN
    for code, name in sorted(codes.items()):
        if icon := icons["icons"].get(name):
            yield "".join(chr(int(part, 16)) for part in code.split("-")), _svg(icons | icon, margin)


def _svg(icon: Mapping[str, Any], margin: float) -> str:
    width, height = icon["width"], icon["height"]
    side = max(width, height) / (1 - 2 * margin)
    left, top = icon.get("left", 0) - (side - width) / 2, icon.get("top", 0) - (side - height) / 2
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left} {top} {side} {side}" width="{SIDE}" height="{SIDE}">{icon["body"]}</svg>'
    )


def drawn(svg: str, size: int) -> Image.Image:
    """Return a drawing on white. Drawn larger and reduced, shapes that touch show no seam between them."""
    large = size * SUPERSAMPLING
    png = bytes(svg_to_bytes(svg_string=svg, width=large, height=large, skip_system_fonts=True))
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB").reduce(SUPERSAMPLING)


def licenses(packages: Path) -> str:
    """Return the page that names the packages, their licences and authors, with the texts that they bring."""
    rows, texts = [], []
    for folder in (packages / _unpinned(package) for package in PACKAGES):
        about, info = _json(folder / "package.json"), folder / "info.json"
        row = f"| {about['name']} | {about['version']} | {about['license']}"
        if info.exists():
            by = _json(info)
            rows.append(f"{row}, {by['license']['url']} | {by['author']['name']}, {by['author']['url']} |")
        else:
            rows.append(f"{row}, below | {about['author']}, {about['homepage']} |")
            texts.append((folder / "LICENSE").read_text("utf-8"))
    return "\n".join([SOURCES, *rows, "", *texts])


def make(out: Path, packages: Path, size: int, skin_tones: bool, groups: Collection[str]) -> None:
    """Write the folder: train/ and test/ with a metadata.jsonl each, and LICENSES.md."""
    chosen = in_groups(packages, groups) if groups else None
    languages = tuple(said_in(packages, locales) for locales in LANGUAGES)
    rows: dict[str, list[str]] = {"train": [], "test": []}
    with published(out) as folder:
        for split in rows:
            (folder / split).mkdir(parents=True)
        for style in SETS:
            for emoji, svg in drawings(packages, style):
                captions = captions_of(emoji, style, languages)
                wanted = chosen is None or _code(emoji) in chosen
                if captions and wanted and (skin_tones or not TONES.search(emoji)):
                    split = "test" if is_held_out(emoji) else "train"
                    file = f"{'-'.join(f'{ord(character):x}' for character in emoji)}-{style}.png"
                    drawn(svg, size).save(folder / split / file)
                    rows[split].append(json.dumps({"file_name": file, "text": captions}, ensure_ascii=False) + "\n")
        for split, lines in rows.items():
            (folder / split / "metadata.jsonl").write_text("".join(lines), "utf-8")
        (folder / "LICENSES.md").write_text(licenses(packages), "utf-8")
    print(f"{out}: " + ", ".join(f"{len(lines):,} drawings for {split}" for split, lines in rows.items()))


def _plain(text: str) -> str:
    """Return a text without what nobody types into a prompt: colons, parentheses, curly quotes."""
    return " ".join(re.findall(r"[\w'-]+", text.replace("’", "'")))


def _code(emoji: str) -> str:
    """Return an emoji without its skin tone, and without the sign that asks for a drawing, which not all sets have."""
    return TONES.sub("", emoji).replace("\ufe0f", "")


def _unpinned(package: str) -> str:
    return package.rpartition("@")[0]


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def fetched(folder: Path, packages: Sequence[str]) -> Path:
    """Let npm install packages below a folder. Return where they are."""
    try:
        command = "npm", "install", "--ignore-scripts", "--no-audit", "--prefix", folder, *packages
        subprocess.run(command, check=True)
    except FileNotFoundError:
        sys.exit("npm is missing: install it, or give a folder that has the packages to --packages.")
    except subprocess.CalledProcessError:
        sys.exit("npm could not fetch the packages, as it says above. Give a folder that has them to --packages.")
    return folder / "node_modules"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the new folder")
    parser.add_argument("--size", type=int, default=64, help="of the pictures, in pixels; 64 by default")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=[], metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--skin-tones", action="store_true", help="draw people in all skin tones, too")
    parser.add_argument("--packages", type=Path, help="a folder that has the packages, such as node_modules")
    wish = parser.parse_args()
    if wish.out.exists():
        parser.error(f"{wish.out} exists: name a new folder")
    if wish.size < 4:
        parser.error("--size must be 4 or more")
    packages = (*PACKAGES, GROUPED) if wish.groups else PACKAGES
    missing = [name for name in map(_unpinned, packages) if wish.packages and not (wish.packages / name).exists()]
    if missing:
        parser.error(f"{wish.packages} has no {', '.join(missing)}: leave out --packages, and npm fetches them")
    with tempfile.TemporaryDirectory() as folder:
        found = wish.packages or fetched(Path(folder), packages)
        make(wish.out, found, wish.size, wish.skin_tones, wish.groups)


if __name__ == "__main__":
    main()
