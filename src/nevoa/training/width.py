"""Width and batch size for a training budget: the law of docs/scaling-laws.md."""

import warnings
from collections.abc import Mapping
from math import exp, log, prod

from nevoa.config import TrainingConfig
from nevoa.errors import MemoryShortage
from nevoa.training.by_size import LARGE_BATCH, SMALL_BATCH, batch_for
from nevoa.training.draft import REFERENCE, Draft
from nevoa.training.measure import Trial
from nevoa.training.speeds import Speeds

WIDTHS: tuple[int, ...] = 16, 24, 32, 48, 64, 96
# benchmarks/scaling/fit.py fits these numbers to trials of up to MOST operations on images of PIXELS in
# patches of PATCH x PATCH.
WIDTH_AT_1E13, EXPONENT = 16.5, 0.204
LIMIT, DISTANCE_AT_1E13, FALL, SPREAD = 0.207, 2.05, 0.676, 0.539
MOST = 5e14
PIXELS, PATCH = 28 * 28, 2
# Floating-point operations of training on one of these images, by the square of the width.
FLOP_BY_WIDTH = 2.75e5
# Operations of training on these images from which on batches are large.
MANY = 4e13
# So many are timed: the best for the speed of the reference, and wider ones, because no machine computes them slower.
CANDIDATES = 4


def in_words(flop: float) -> str:
    """Return a number of operations as 2.6e13."""
    return f"{flop:.2g}".replace("e+", "e")


def ideal_width(flop: float) -> float:
    """Return the width with the best images after `flop` operations of training: a power law."""
    return WIDTH_AT_1E13 * (flop / 1e13) ** EXPONENT


def expected_distance(flop: float, dim: int) -> float:
    """Return `fd_fashion` of the trials' images, of a network of a width after `flop` operations of training.

    What is above LIMIT falls as a power of the operations. Its logarithm rises with u - 1 - log u, which is 0 at the
    ideal width, where u is 1, and steeper below it than above.
    """
    u = (ideal_width(flop) / dim) ** 2
    return LIMIT + DISTANCE_AT_1E13 * (flop / 1e13) ** -FALL * exp(SPREAD * (u - 1 - log(u)))


def best_width(flop: Mapping[int, float], scale: float = 1.0) -> int:
    """Return the width with the best images.

    An image takes operations in proportion to its positions, so a larger one counts as several of the trials'.

    Args:
        flop: the operations of training that each width can have.
        scale: positions of an image of the trials / positions of an image.
    """
    return min(flop, key=lambda dim: expected_distance(flop[dim] * scale, dim))


def flop_of_images(images: int) -> float:
    """Return the operations of training on so many of the trials' images with the ideal width for these operations."""
    by_width = FLOP_BY_WIDTH * images
    ideal = ideal_width(by_width) ** (1 / (1 - 2 * EXPONENT))
    return by_width * ideal**2


def sized(draft: Draft, asked: TrainingConfig) -> Draft:
    """Return the draft with the width and the batch size where they are open.

    A budget of minutes is worth what this machine computes in them: narrow networks keep some machines less busy. Steps
    and epochs are worth their images, in small batches. More computation than in the trials gives a warning.
    """
    if not draft.open & {"dim", "batch_size"}:
        return draft
    images = draft.images
    patch = draft.tables["network"].get("patch", PATCH)
    scale: float = PIXELS / prod(images.shape[1:]) * (patch / PATCH) ** 2
    if asked.minutes is not None:
        draft, flop = _by_time(draft, 60 * asked.minutes, scale)
    else:
        seen = round((asked.epochs or 0) * len(images)) or (asked.steps or 0) * draft.batch_size
        flop = dict.fromkeys(WIDTHS, flop_of_images(max(1, seen)) / scale)
    if "dim" not in draft.open:
        return draft
    dim = best_width(flop, scale)
    if flop[dim] * scale > MOST:
        warnings.warn(
            f"The best width for {in_words(flop[dim])} FLOP is extrapolated: the trials went up to "
            f"{in_words(MOST / scale)} FLOP.",
            stacklevel=2,
        )
    return draft.width(dim)


def _by_time(draft: Draft, seconds: float, scale: float) -> tuple[Draft, dict[int, float]]:
    """The draft with a batch size for the seconds, and the operations of each width at the speeds of this machine."""
    reference = draft.trial()
    reference.check_memory()
    speeds = Speeds(reference.brief)
    flop = seconds * speeds.reference
    if "batch_size" in draft.open:
        size = LARGE_BATCH if flop * scale >= MANY else SMALL_BATCH
        draft = draft.training(batch_size=batch_for(draft.images.shape, draft.learns_details, size))
    if "dim" not in draft.open:
        return draft, {}
    nearest = WIDTHS.index(best_width(dict.fromkeys(WIDTHS, flop), scale))
    trials = {width: draft.width(width).trial() for width in WIDTHS[nearest : nearest + CANDIDATES]}
    computed = {width: seconds * speed for width, speed in _within_memory(trials, speeds).items()}
    # Where there is memory for none of them, there is for the reference.
    return draft, computed or {REFERENCE: flop}


def _within_memory(trials: dict[int, Trial], speeds: Speeds) -> dict[int, float]:
    """Time the widths that fit into memory, by the estimate, which is the least; drop the widest after each error."""
    while trials:
        try:
            for trial in trials.values():
                trial.check_memory()
            return dict(zip(trials, speeds.of([trial.brief for trial in trials.values()]), strict=True))
        except MemoryShortage:
            trials.popitem()
    return {}
