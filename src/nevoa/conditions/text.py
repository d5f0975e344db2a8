"""A text that describes an image: a caption in the data, a prompt when sampling.

Words are hashed, and so are the pieces that they are made of (Bojanowski et al. 2017, "Enriching Word Vectors with
Subword Information"). A word that no caption had is near those that look like it, and no word is stored.
"""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from textwrap import shorten
from zlib import crc32

import numpy as np
import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

from nevoa.conditions.tags import Tags
from nevoa.conditions.text_encoder import TextEncoder
from nevoa.config.condition import SEEN, TextPlan, seen_of
from nevoa.data import ImageSet
from nevoa.data.names import printable
from nevoa.data.words import counted_words, words_in
from nevoa.errors import NevoaError

# Letters in a piece of a word.
LENGTHS = 3, 4
LONGEST_PROMPT = 1_000
# Characters of the words that a warning names.
LONGEST_WARNING = 500


def pieces_of(word: str) -> Iterator[str]:
    """Yield a word with its ends marked, then all of three letters of it and all of four.

    Example:
        >>> list(pieces_of("gato"))
        ['<gato>', '<ga', 'gat', 'ato', 'to>', '<gat', 'gato', 'ato>']
    """
    marked = f"<{word}>"
    yield marked
    for length in LENGTHS:
        for start in range(len(marked) - length + 1):
            if (piece := marked[start : start + length]) != marked:
                yield piece


class Text:
    """Texts as the hashes of their words and pieces.

    Args:
        plan: which words captions have, how large the table of hashes is, and how much of a text is read.

    Example:
        >>> Text(TextPlan(words=2, pieces=3)).tensor(["red cat", None])[1]
        tensor([[0, 0, 0],
                [0, 0, 0]])
    """

    words = "prompts"

    def __init__(self, plan: TextPlan):
        self.plan = plan

    @classmethod
    def found(cls, images: ImageSet, detail: str | None) -> TextPlan | None:
        """Return the plan for captions; None if no image has one. By itself it leaves lists of tags to `Tags`."""
        if detail is None and Tags.found(images, None):
            return None
        words = counted_words(images.captions)
        return TextPlan(seen=_bits(words)) if words else None

    def values(
        self, images: ImageSet, indices: Int64[np.ndarray, " B"], chance: Shaped[np.ndarray, " B"]
    ) -> list[str | None]:
        """Return one of the captions of each image, by chance; None without any."""
        captions = [images.captions[index] if images.captions else () for index in indices.tolist()]
        return [of[int(one * len(of))] if of else None for of, one in zip(captions, chance.tolist(), strict=True)]

    def asked(self, value: object) -> str:
        """Return a prompt. A NevoaError if it is none."""
        if not isinstance(value, str):
            raise NevoaError(f"A prompt must be a text, such as 'a red circle', not {value!r:.60}.")
        try:
            value.encode()
        except UnicodeEncodeError:  # such as a byte of Latin-1, in a terminal of UTF-8
            said = f"The prompt '{printable(value)}' is not UTF-8: type it in a terminal that is."
            raise NevoaError(said) from None
        if not words_in(value):
            raise NevoaError("The prompt is empty: describe an image, or leave out the prompt for images of any kind.")
        if len(value) > LONGEST_PROMPT:
            raise NevoaError(
                f"The prompt has {len(value):,} characters, and {LONGEST_PROMPT:,} are the most: shorten it."
            )
        return value

    def warn_of(self, prompts: Sequence[str]) -> None:
        """Warn if the model cannot understand all of several prompts."""
        words, most = [words_in(prompt) for prompt in prompts], self.plan.words
        if unread := [word for of in words for word in of[most:]]:
            said = shorten(" ".join(unread), LONGEST_WARNING)
            warnings.warn(f"The model reads the first {most} words of a prompt, and not: {said}", stacklevel=2)
        if new := [word for word in dict.fromkeys(chain(*(of[:most] for of in words))) if not self.knows(word)]:
            said = shorten(", ".join(new), LONGEST_WARNING)
            warnings.warn(
                f"No caption that the model has learned from has these words: {said}. It goes by words that look like "
                "them.",
                stacklevel=2,
            )

    def knows(self, word: str) -> bool:
        """Return whether captions have a word, or one that passes for it."""
        place = _place(word)
        return bool(self._bits[place // 8] >> place % 8 & 1)

    @cached_property
    def _bits(self) -> bytes:
        return self.plan.bits

    def tensor(self, values: Sequence[str | None]) -> Int64[Tensor, "B words pieces"]:
        """Return the row of each piece of each word in the table; 0 where there is none."""
        rows = np.zeros((len(values), self.plan.words, self.plan.pieces), np.int64)
        for text, of_text in zip(values, rows, strict=True):
            for word, of_word in zip(words_in(text or ""), of_text, strict=False):
                found = _rows(word, self.plan.buckets)[: self.plan.pieces]
                of_word[: len(found)] = found
        return torch.from_numpy(rows)

    def embedding(self, width: int) -> TextEncoder:
        """Return the encoder of texts."""
        return TextEncoder(self.plan, width)


def _place(word: str) -> int:
    return crc32(word.encode()) % SEEN


def _bits(words: Iterable[str]) -> str:
    """Bits that say which words there are, compressed, as ASCII."""
    bits = bytearray(SEEN // 8)
    for place in map(_place, words):
        bits[place // 8] |= 1 << place % 8
    return seen_of(bytes(bits))


@lru_cache(maxsize=100_000)
def _rows(word: str, buckets: int) -> tuple[int, ...]:
    """The rows of a word and its pieces in the table. Row 0 is for what is not there."""
    return tuple(1 + crc32(piece.encode()) % (buckets - 1) for piece in dict.fromkeys(pieces_of(word)))
