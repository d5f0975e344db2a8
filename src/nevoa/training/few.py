"""Few images: what nevoa chooses for them, where a training leaves it open."""

import math
from dataclasses import replace
from pathlib import Path

from nevoa.config import DataConfig, Plan
from nevoa.config.training import TrainingConfig
from nevoa.data import ImageSet
from nevoa.runs import TO_START_FROM, Run, is_packaged, named, packaged_names
from nevoa.training.draft import Draft

# With so many images or more, a training begins at random.
FEW = 2_000
# A network that sees each image more often memorises it, if images are mirrored at most: of 500 drawings the held-out
# loss was the lowest after 248 times. Augmented, it still fell after 384 times, where the distance was 0.68 times as
# large; after 128 times augmentation gained in four trials of six, and cost in two (docs/few-pictures.md).
TIMES = 250
# By the number of pictures in trials the largest share of images that were near copies of one, in per cent: mirrored at
# most, and augmented.
NEAR_COPIES = {50: (56, 8), 200: (4, 2), 500: (5, 3)}


def with_start(draft: Draft, asked: TrainingConfig, was: Plan | None) -> Draft:
    """Return the draft with the model that it starts from, where its config leaves that open.

    A model suits few images of its size if the network and the process are its own, at its width where that is open. A
    run to resume keeps its own start.
    """
    name = model_for(draft.images)
    if was is not None or asked.start != "auto" or name is None or len(draft.images) >= FEW:
        return draft
    start = Run(named(name)).plan()
    as_wide = draft.width(start.network.model_dump()["dim"]) if "dim" in draft.open else draft
    plan = as_wide.plan()
    if (plan.network, plan.diffusion) != (start.network, start.diffusion):
        return draft
    return replace(as_wide, open=draft.open - {"dim"}).training(start=name)


def is_memorised(count: int, images_seen: float) -> bool:
    """Whether a network that sees so many images, which are mirrored at most, has seen each too often.

    Example:
        >>> is_memorised(500, 64_000), is_memorised(50, 64_000)
        (False, True)
    """
    return images_seen > TIMES * count


def model_for(images: ImageSet) -> str | None:
    """Return the name of the model that comes with nevoa for images of this size; None without one.

    Example:
        >>> model_for(images)
    """
    channels, height, width = images.shape
    name = f"{TO_START_FROM}{height}"
    return name if (channels, width) == (3, height) and is_packaged(name) else None


def in_words(asked: TrainingConfig, plan: Plan, images: ImageSet) -> str:
    """Return what a training starts from and, if nevoa chose, why; empty if random weights need no reason.

    Example:
        >>> in_words(config.training, plan, images)
        ''
    """
    start = plan.training.start
    if asked.start != "auto":
        return _called(start) if start else ""
    if start:
        return f"{start}, which comes with nevoa, because {len(images):,} images are few (--from none: random weights)"
    return _why_random(images) if len(images) < FEW else ""


def augmentation_in_words(asked: DataConfig, plan: Plan) -> str:
    """Say that nevoa chose to augment the images, and why; empty if it did not.

    Example:
        >>> augmentation_in_words(config.data, plan)
        ''
    """
    if asked.augment != "auto" or not plan.data.conditioned:
        return ""
    times = plan.training.images / plan.data.images
    return f"strong, because each image is seen {times:,.0f} times (--augment none: images as they are)"


def near_copies_in_words(plan: Plan) -> str:
    """Say what the trials with about as many pictures expect of few images; empty for more.

    Example:
        >>> near_copies_in_words(plan)
        'expect up to 56% of the images to be near copies, as in trials with 50 pictures (docs/few-pictures.md)'
    """
    count = plan.data.images
    if count >= FEW:
        return ""
    nearest = min(NEAR_COPIES, key=lambda known: abs(math.log(known / count)))
    share = NEAR_COPIES[nearest][bool(plan.data.conditioned)]
    return (
        f"expect up to {share}% of the images to be near copies, as in trials with {nearest} pictures "
        "(docs/few-pictures.md)"
    )


def _called(place: str) -> str:
    """The name of a model that comes with nevoa, or any other place as it is."""
    name = Path(place).name
    return name if str(named(name)) == place else place


def _why_random(images: ImageSet) -> str:
    """Why few images have no model to start from; empty if none comes with nevoa."""
    sides = [f"{side}x{side}" for name in packaged_names() if (side := name.removeprefix(TO_START_FROM)) != name]
    if name := model_for(images):
        return f"random weights; {name}, the model for few images, has another network or process than these settings"
    of = f"few images of {' and '.join(sides)} in colour (--size)"
    return f"random weights; nevoa has models to start from for {of}" if sides else ""
