"""The weight of a model against its guide, measured when its training ends."""

import warnings
from functools import cache

import numpy as np

from nevoa._util.random import Stream, generator
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.features import frechet_distance, random_network
from nevoa.model import Model
from nevoa.sampling.options import AUTOGUIDANCE

# Fewer images than COUNT tell weights apart by chance: the nearest of eight by 256 images were 1 to 2.75, by 1,024
# images 2 to 2.5. In seven steps it takes as long as training on 12,000 images. A shorter training gains less from it.
COUNT, AFTER_IMAGES = 1024, 600_000
# So many weights are usually tried, with the time of the features.
TRIED = 5
WEIGHTS = 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0
# Another random network than that of the scores, so that these are not chosen by themselves.
SEED = 2


def measured_weight(model: Model, train: ImageSet, steps: int, count: int = COUNT) -> float:
    """Return the weight with which a model's images are nearest to training images, in random features.

    The search goes from AUTOGUIDANCE to the better neighbour until there is none. It ends, with a warning, if the model
    makes no images. With one training image it does not begin.

    Args:
        steps: sampling steps.
        count: images that are compared.

    Example:
        >>> measured_weight(model, load_images("shapes"), steps=7)
        1.75
    """
    if len(train) == 1:  # a covariance takes two
        return AUTOGUIDANCE
    network = random_network(train, SEED)
    chosen = generator(SEED, Stream.FEATURE_NETWORK, 2).permutation(len(train))[: 4 * count]
    real = network.features(train.images[np.sort(chosen)])

    @cache
    def distance(place: int) -> float:
        images = model.sample(count, steps=steps, autoguidance=WEIGHTS[place])
        return frechet_distance(network.features(images), real)

    best = WEIGHTS.index(AUTOGUIDANCE)
    try:
        while best != (best := min(range(max(0, best - 1), min(best + 2, len(WEIGHTS))), key=distance)):
            pass
    except NevoaError as error:
        warnings.warn(f"The weight of the guide was not measured: {error}", stacklevel=2)
    return WEIGHTS[best]
