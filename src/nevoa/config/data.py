"""The images of a training: what is asked."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from nevoa._util.arguments import is_utf8, one_or_more, sides_in
from nevoa.config.augmentation import CONDITIONED, Augment
from nevoa.config.names import FitName
from nevoa.config.network import Section

SMALLEST_SIDE, LARGEST_SIDE = 4, 1024
Side = Annotated[int, Field(ge=SMALLEST_SIDE, le=LARGEST_SIDE)]


def with_augment(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table of data with `augment` in place of `flip`, which was about mirroring alone.

    Example:
        >>> with_augment({"flip": False, "size": 64})
        {'size': 64, 'augment': 'none'}
    """
    if not isinstance(flip := values.get("flip", ""), bool | None):
        return dict(values)
    augment = "auto" if flip is None else "flip" if flip else "none"
    return {**{key: value for key, value in values.items() if key != "flip"}, "augment": augment}


class DataConfig(Section):
    """The training images: where they come from, which of them to use, and their common size and channels.

    Attributes:
        source: a file, a folder, or the name of a data set.
        split: train, test, or another split of the source.
        only: names or indices of the classes to use; all if not set.
        limit: the most images to use, a random subset that is always the same; all if not set.
        min_size: leave out images with a side of fewer pixels, before they are resized; none if not set.
        size: side, or (height, width), to resize to, in pixels; if not set, images keep their size if it is the same
            for all.
        fit: how an image of other proportions gets that size: crop its edges, or pad it with the background.
        channels: 1 for gray, 3 for colour; as the images are if not set.
        background: the colour behind transparent pixels, a name or #rrggbb.
        strict: fail if any image is unusable.
        holdout: how many images of split train to set aside for measuring, a random subset that is always the same;
            auto: a tenth, of 1,000 images or more at least 160, and at most 10,000, if the source has 80 images or more
            and no test split.
        augment: what is done to images at random. flip mirrors half of them, so that the model's images are mirrored,
            too. The network is conditioned on mirror, shift, scale, rotate, squeeze and colour, so that its images
            show none of them. Each that is named has a chance of 12 %; a number is the chance of all; strong is 25 %;
            none leaves images as they are. "auto": flip, if the catalog says that it suits the data set, and strong
            where a training sees each image more than 250 times; then without mirror, if flip does not suit it.
        balance: draw each class as often as the others, whatever its number of images.
        caption_column: the column of a table that has the captions; if not set, text, caption and prompt, and the texts
            beside the images. `training.condition=text:COLUMN` sets it.
    """

    source: str = "fashion_mnist_10k"
    split: str = "train"
    only: Annotated[tuple[str | int, ...] | None, BeforeValidator(one_or_more)] = None
    limit: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    min_size: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    size: Annotated[Side | tuple[Side, Side] | None, BeforeValidator(sides_in)] = None
    fit: FitName = "crop"
    channels: Literal[1, 3] | None = None
    background: str = "white"
    strict: bool = False
    holdout: Annotated[int, Field(ge=0, le=1_000_000_000)] | Literal["auto"] = 0
    augment: Augment = "auto"
    balance: bool = False
    caption_column: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_now(cls, values: Any) -> Any:
        return with_augment(values) if isinstance(values, Mapping) else values

    @field_validator("source")
    @classmethod
    def _is_utf8(cls, value: str) -> str:
        if not is_utf8(value):
            raise ValueError("the name of the file or folder is not UTF-8; rename it")
        if value.encode(errors="ignore").decode() != value:  # bytes that Python did not decode
            raise ValueError("this locale cannot read the name; set the environment variable LC_ALL=C.UTF-8")
        return value

    @property
    def conditioned(self) -> dict[str, float]:
        """The transformations that the network is conditioned on, with their chances."""
        return (
            {} if self.augment == "auto" else {name: self.augment[name] for name in CONDITIONED if name in self.augment}
        )
