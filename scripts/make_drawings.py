"""Gather the drawings that the models `drawings32` and `drawings64` are trained on: emoji and clip art, without text.

python scripts/make_emoji.py EMOJI --size 64 --groups smileys-emotion animals-nature food-drink ...
apt-get download openclipart-png && dpkg -x openclipart-png_*.deb CLIPART
python scripts/make_drawings.py OUT EMOJI CLIPART [--size 64]

Debian's package openclipart-png is in the public domain. Each of its pictures is put whole on a white square.
"""

import argparse
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from PIL import Image, ImageOps

from nevoa._util.files import published

MARGIN = 1 / 32


def squared(file: Path, size: int) -> Image.Image:
    """Return a picture on a white square of this size, with a small margin."""
    inside = round(size * (1 - 2 * MARGIN))
    square = Image.new("RGBA", (size, size), "white")
    with Image.open(file) as opened:
        drawn = ImageOps.contain(opened.convert("RGBA"), (inside, inside), Image.Resampling.LANCZOS)
    square.alpha_composite(drawn, ((size - drawn.width) // 2, (size - drawn.height) // 2))
    return square.convert("RGB")


def pictures(emoji: Path, clipart: Path, size: int) -> Iterator[tuple[str, Image.Image]]:
    for file in sorted(emoji.rglob("*.png")):
        with Image.open(file) as image:
            yield f"emoji-{file.name}", image.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
    for number, file in enumerate(sorted(clipart.rglob("*.png"))):
        with suppress(Image.DecompressionBombError):  # one picture has 231 million pixels
            yield f"clipart-{number:05}.png", squared(file, size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the new folder")
    parser.add_argument("emoji", type=Path, help="what make_emoji.py wrote")
    parser.add_argument("clipart", type=Path, help="the unpacked Debian package")
    parser.add_argument("--size", type=int, default=64)
    wish = parser.parse_args()
    with published(wish.out) as folder:
        folder.mkdir(exist_ok=True)
        for name, image in pictures(wish.emoji, wish.clipart, wish.size):
            image.save(folder / name)
        shutil.copy(wish.emoji / "LICENSES.md", folder)
    print(f"{wish.out}: {len(list(wish.out.glob('*.png'))):,} drawings")


if __name__ == "__main__":
    main()
