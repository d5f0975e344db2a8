"""The words of captions and prompts."""

import re
import unicodedata
from collections import Counter

from nevoa.data.listing import Captions

WORD = re.compile(r"\w+|[^\w\s]")


def words_in(text: str) -> list[str]:
    """Return the words of a text in lower case; every other character but blanks is a word of its own.

    Example:
        >>> words_in("A red circle, ABOVE it: 🐱")
        ['a', 'red', 'circle', ',', 'above', 'it', ':', '🐱']
    """
    return WORD.findall(unicodedata.normalize("NFKC", text).lower())


def counted_words(captions: Captions) -> Counter[str]:
    """Return in how many captions each word occurs.

    Example:
        >>> counted_words((("a red cat",), ("a cat", "um gato"))).most_common(1)
        [('a', 2)]
    """
    return Counter(word for of in captions for caption in of for word in {*words_in(caption)})
