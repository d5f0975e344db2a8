"""Many images in one picture. Small images are enlarged to be seen: each pixel becomes a square."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from unicodedata import normalize

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Images = UInt8[np.ndarray, "N H W C"]

# A 28x28 image is 7 mm wide on a common screen, too small to see: images are enlarged to at least this side, unless
# that makes a square picture larger than LARGE_PICTURE, or a frame of an animation than LARGE_FRAME: about 10 MB.
SMALL_SIDE, LARGE_PICTURE, LARGE_FRAME = 80, 4096, 600
GAP = 2
# A class has its images in one row up to this many.
ROW = 8
LONGEST_TITLE = 160
# A prompt of twelve words fits below an image.
MOST_LINES = 4


def grid(images: Images, columns: int | None = None, gap: int = GAP, scale: int | None = None) -> Image.Image:
    """Arrange images row by row on white.

    Args:
        columns: images per row; by default the grid is as square as possible.
        gap: white pixels between images and around them.
        scale: side of the square that each pixel becomes; by default small images are enlarged.

    Example:
        >>> grid(images, columns=8).save("grid.png")
    """
    columns = columns or math.ceil(math.sqrt(len(images)))
    tiles = enlarged(images, scale or enlargement(images))
    count, height, width, channels = tiles.shape
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 255, np.uint8)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        top, left = gap + row * (height + gap), gap + column * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet)


def titled_grid(
    images: Images, titles: Sequence[str], columns: int | None = None, scale: int | None = None
) -> Image.Image:
    """Arrange images row by row, each with its title below, in several lines if it is long.

    Small images are enlarged, as in `grid`.

    Example:
        >>> titled_grid(images[:2], ["cat", "dog"]).save("titled.png")
    """
    columns = min(columns or math.ceil(math.sqrt(len(images))), len(images))
    tiles = enlarged(images, scale or enlargement(images))
    count, height, width, _ = tiles.shape
    gap, size = 4, _font_size(titles, width)
    font = _font(size, titles)
    texts = [_wrapped(title, font, width) for title in titles]
    lines = math.ceil(size * (0.6 + 1.2 * max(text.count("\n") + 1 for text in texts)))
    below = np.full((count, gap + lines, *tiles.shape[2:]), 255, np.uint8)
    sheet = grid(np.concatenate([tiles, below], axis=1), columns, gap, scale=1)
    sheet = sheet.crop((0, 0, sheet.width, sheet.height - gap))
    draw = ImageDraw.Draw(sheet)
    for index, text in enumerate(texts):
        row, column = divmod(index, columns)
        left, top = gap + column * (width + gap), gap + row * (height + gap + lines + gap)
        middle = left + width / 2, top + height + 2 + lines / 2
        draw.text(middle, text, fill="black", font=font, anchor="mm", align="center", spacing=size * 0.2)
    return sheet


def above(top: Image.Image, bottom: Image.Image) -> Image.Image:
    """Put one picture above another.

    Example:
        >>> above(grid(images[:8]), grid(images[8:])).save("both.png")
    """
    result = Image.new("RGB", (max(top.width, bottom.width), top.height + bottom.height), "white")
    result.paste(top)
    result.paste(bottom, (0, top.height))
    return result


def class_grid(images: Images, classes: Sequence[str], scale: int | None = None) -> Image.Image:
    """Draw images whose classes come in turn: image n has class n % len(classes). Without classes this is `grid`.

    Example:
        >>> class_grid(images, ["cat", "dog"]).save("classes.png")  # image n has class n % 2
    """
    if not classes:
        return grid(images, scale=scale)
    shown = classes[: len(images)]
    if len(shown) == len(images):
        return titled_grid(images, shown, scale=scale)
    return titled_rows([images[first :: len(shown)] for first in range(len(shown))], shown, scale=scale)


def titled_rows(
    rows: Sequence[UInt8[np.ndarray, "_ H W C"]],
    titles: Sequence[str],
    columns: int | None = None,
    scale: int | None = None,
) -> Image.Image:
    """Draw a row of images for each title, with the title to its left.

    A long row takes several lines, and many rows stand in several blocks side by side, so that the picture is not much
    longer than wide.

    Args:
        columns: images per line, in one block; chosen if None.
        scale: as in `grid`.

    Example:
        >>> titled_rows([images[:8], images[8:]], ["first", "second"]).save("rows.png")
    """
    longest, given = max(map(len, rows)), columns is not None
    lines = 1 if longest <= ROW else max(1, round(math.sqrt(longest / len(rows))))
    columns = columns or math.ceil(longest / lines)
    lines = math.ceil(longest / columns)
    blank = np.full((1, *rows[0].shape[1:]), 255, np.uint8)
    filled = [np.concatenate([row, blank.repeat(columns * lines - len(row), axis=0)]) for row in rows]
    scale = scale or enlargement(np.concatenate(filled))
    stacked = np.concatenate([np.asarray(grid(row, columns, scale=scale)) for row in filled])
    named = named_rows(Image.fromarray(stacked), titles)
    width, height = named.size
    blocks = 1 if given else max(1, round(math.sqrt(height / width)))
    each = math.ceil(len(rows) / blocks) * (height // len(rows))
    return _side_by_side([named.crop((0, top, width, min(top + each, height))) for top in range(0, height, each)])


def named_rows(sheet: Image.Image, names: Sequence[str]) -> Image.Image:
    """Write names to the left of a picture's rows, which are equally high.

    Example:
        >>> named_rows(grid(images, columns=8), ["first", "second"]).save("rows.png")
    """
    pitch = sheet.height / len(names)
    size = max(11, min(16, pitch // 3))
    font, most = _font(size, names), max(1, int(pitch / (1.3 * size)))
    texts = [_wrapped(name, font, LONGEST_TITLE, most) for name in names]
    width = math.ceil(max(font.getlength(line) for text in texts for line in text.split("\n"))) + 16
    result = Image.new(sheet.mode, (width + sheet.width, sheet.height), "white")
    result.paste(sheet, (width, 0))
    draw = ImageDraw.Draw(result)
    for index, text in enumerate(texts):
        draw.text((width - 8, (index + 0.5) * pitch), text, fill="black", font=font, anchor="rm", align="right")
    return result


def enlarged(images: Images, scale: int) -> UInt8[np.ndarray, "N sH sW C"]:
    """Enlarge every pixel to a square of `scale` by `scale`.

    Example:
        >>> enlarged(images, 3).shape
        (16, 84, 84, 1)
    """
    return images.repeat(scale, axis=1).repeat(scale, axis=2)


def enlargement(images: Images, side: int = SMALL_SIDE, largest: int = LARGE_PICTURE) -> int:
    """How much to enlarge images to at least `side`, if a square picture of all of them stays below `largest`.

    Example:
        >>> enlargement(images)
        3
    """
    count, height, width, _ = images.shape
    room = largest / math.sqrt(count * height * width)
    return max(1, min(math.ceil(side / max(height, width)), int(room)))


def _font_size(titles: Sequence[str], width: int) -> int:
    """The largest font size from 16 down to 10 at which every title fits the width."""
    sizes = range(16, 10, -1)
    return next((size for size in sizes if max(map(_font(size, titles).getlength, titles)) <= width), 10)


def _font(size: float, titles: Iterable[str]) -> Font:
    """Pillow's own font, or for letters that it lacks, such as ã, that of matplotlib."""
    if all(map(str.isascii, titles)):
        return ImageFont.load_default(size)
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)


def _wrapped(title: str, font: Font, width: int, most: int = MOST_LINES) -> str:
    """A title in lines that fit the width; the last of `most` lines is shortened if more is left."""
    lines: list[str] = []
    for word in normalize("NFC", title).split():  # macOS writes ã as two letters
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and (len(lines) == most or font.getlength(longer) <= width):
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(_shortened(line, font, width) for line in lines)


def _shortened(title: str, font: Font, width: int) -> str:
    """A line that fits the width."""
    if font.getlength(title) <= width:
        return title
    return next((cut for n in range(len(title), 0, -1) if font.getlength(cut := f"{title[:n]}…") <= width), "…")


def _side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures of one width beside each other, their tops aligned."""
    width, height = pictures[0].size
    result = Image.new(pictures[0].mode, (width * len(pictures), height), "white")
    for index, picture in enumerate(pictures):
        result.paste(picture, (index * width, 0))
    return result
