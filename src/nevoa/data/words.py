"""The words and tags of captions and prompts."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from statistics import mean

from nevoa.data.listing import Captions
from nevoa.data.names import INVISIBLE

# U+200B is a blank without width.
WORD = re.compile(r"\w+|[^\w\s\u200b]")


def words_in(text: str) -> list[str]:
    """Return the words of a text in lower case; every other visible character is a word of its own.

    Example:
        >>> words_in("A red circle, ABOVE it: 🐱")
        ['a', 'red', 'circle', ',', 'above', 'it', ':', '🐱']
    """
    return WORD.findall(unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).lower())


def counted_words(captions: Captions) -> Counter[str]:
    """Return in how many captions each word occurs.

    Example:
        >>> counted_words((("a red cat",), ("a cat", "um gato"))).most_common(1)
        [('a', 2)]
    """
    return Counter(word for of in captions for caption in of for word in dict.fromkeys(words_in(caption)))


def tags_in(caption: str) -> list[str]:
    """Return the tags of a caption, in lower case.

    Example:
        >>> tags_in("Red hat, smile, outdoors")
        ['red hat', 'smile', 'outdoors']
    """
    return [tag for part in caption.lower().split(",") if (tag := " ".join(part.split()))]


def are_tags(captions: Captions) -> bool:
    """Return whether most captions are lists of tags, with commas between.

    Example:
        >>> are_tags((("red hat, smile",), ("smile, outdoors", "a person")))
        True
    """
    all_ = [caption for of in captions for caption in of]
    return bool(all_) and mean("," in caption for caption in all_) > 0.5


def counted_tags(captions: Captions) -> Counter[str]:
    """Return in how many captions each tag occurs.

    Example:
        >>> counted_tags((("red hat, smile",), ("Smile",))).most_common(1)
        [('smile', 2)]
    """
    return Counter(tag for of in captions for caption in of for tag in dict.fromkeys(tags_in(caption)))


def example_captions(captions: Captions, most: int, fits: Callable[[str], object] = bool) -> list[str]:
    """Return captions that fit, of images here and there: the first of an image, and each text once.

    Example:
        >>> example_captions((("a red cat",), ("a cat", "um gato"), ("a dog",), ("a dog",)), 2)
        ['a red cat', 'a dog']
    """
    first = [text for text in dict.fromkeys(of[0] for of in captions if of) if fits(text)]
    return first[:: max(1, -(-len(first) // most))]
