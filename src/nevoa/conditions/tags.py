"""Tags: words that an image has or has not."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64, Shaped
from numpy import ndarray
from numpy.random import default_rng
from torch import Tensor, nn

from nevoa._util.arguments import to_python
from nevoa.config.condition import TagsPlan
from nevoa.data import ImageSet
from nevoa.data.words import are_tags, counted_tags, tags_in
from nevoa.errors import NevoaError, unknown

# The share of tags that are withheld, each by itself, so that a few of them are understood, too.
DROPPED = 0.1


class Tags:
    """Tags by their places in the plan. Their order means nothing.

    Example:
        >>> Tags(TagsPlan(tags=("red", "hat"))).tensor([["hat"], [], None])
        tensor([[ 0,  1],
                [ 0,  0],
                [-1, -1]])
    """

    words = "tags"

    def __init__(self, plan: TagsPlan):
        self.plan, self.places = plan, {tag: place for place, tag in enumerate(plan.tags)}

    @classmethod
    def found(cls, images: ImageSet, detail: str | None) -> TagsPlan | None:
        """Return the plan for tags; by itself if most captions have commas."""
        if detail is None and not are_tags(images.captions):
            return None
        tags = tuple(tag for tag, _ in counted_tags(images.captions).most_common())
        return TagsPlan(tags=tags) if tags else None

    def values(
        self, images: ImageSet, indices: Int64[ndarray, " B"], chance: Shaped[ndarray, " B"]
    ) -> list[list[str] | None]:
        """Return some of the tags of one of the captions of each image, by chance; None without captions."""
        found = []
        for index, one in zip(indices.tolist(), chance.tolist(), strict=True):
            of = images.captions[index] if images.captions else ()
            tags = tags_in(of[int(one * len(of))]) if of else []
            # A chance of exactly 0 is that of a measurement, which withholds none.
            kept = default_rng(int(one * 2**53)).random(len(tags)) >= DROPPED if one else [True] * len(tags)
            found.append([tag for tag, there in zip(tags, kept, strict=True) if there] if of else None)
        return found

    def asked(self, value: object) -> list[str]:
        """Return the tags of one image, given with commas between or as a list. A NevoaError for an unknown one."""
        given = to_python(value)
        tags = tags_in(", ".join(map(str, given if isinstance(given, tuple) else [given])))
        for tag in tags:
            if tag not in self.places:
                raise unknown("tag", tag, self.plan.tags)
        if not tags:
            raise NevoaError("There are no tags to ask for: name one, or leave them out.")
        return tags

    def tensor(self, values: Sequence[Sequence[str] | None]) -> Int64[Tensor, "B tags"]:
        """Return 1 for each tag that an image has and 0 for the others; -1 for all if nothing is asked."""
        has = torch.zeros(len(values), len(self.plan.tags), dtype=torch.int64)
        for of_image, tags in zip(has, values, strict=True):
            if tags is None:
                of_image.fill_(-1)
            else:
                of_image[[self.places[tag] for tag in tags if tag in self.places]] = 1
        return has

    def embedding(self, width: int) -> "TagsEmbedding":
        """Return the embedding of the tags."""
        return TagsEmbedding(len(self.plan.tags), width)


class TagsEmbedding(nn.Module):
    """The sum of a vector for each tag, then a layer; a vector of its own where nothing is asked.

    Takes `[B, tags]` as from `Tags.tensor`, and returns `[B, width]`.
    """

    def __init__(self, tags: int, width: int):
        super().__init__()
        self.table = nn.Parameter(torch.randn(tags, width))
        self.out = nn.Linear(width, width)
        self.none = nn.Parameter(torch.randn(width))

    def forward(self, has: Int64[Tensor, "B tags"]) -> Float[Tensor, "B width"]:
        there = has.clamp(min=0).float()
        several = there.sum(1, keepdim=True).clamp(min=1).rsqrt()
        return torch.where(has[:, :1] < 0, self.none, self.out(several * (there @ self.table)))
