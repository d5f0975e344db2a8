"""The guide of a model: the weight at which it guides, chosen when training is over (Karras et al. 2024).

Distances to training images decide it, in the features of a network that learned by how many quarters an image is
turned. It is made for this choice and then forgotten: no report measures in its features.
"""

import time
import warnings
from dataclasses import dataclass, replace

import numpy as np

from nevoa._util.files import explained
from nevoa._util.random import Stream, generator
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.features import FeatureNetwork, train_feature_network
from nevoa.features.frechet import Gaussian, distance_between
from nevoa.model import Model
from nevoa.runs import Run, card, journal
from nevoa.training.state import TrainingState

# Tried in turn, as long as each is better than the one before. With the average after a tenth of five minutes on all of
# Fashion-MNIST, the best is 1.3 by these features and 1.5 by fd_fashion, of which the model alone has 1.31, both 0.83.
WEIGHTS = 1.0, 1.4, 1.8
# Images that are made with each weight; the seed is one that nobody types, so that no report measures the same images.
COUNT, SEED = 512, 10**15
# Images that the features are learned from, and compared with.
LEARNED_FROM, COMPARED_WITH = 6_400, 5_000
# A choice from fewer images is chance, and the feature network takes no smaller ones.
FEWEST_IMAGES, SMALLEST_SIDE = 1_000, 8
# Images that are learned from to see how long it takes.
TIMED = 512
# Of slow samplers; the best weight depends little on the number of steps.
MOST_STEPS = 25
# The choice takes at most this share of the minutes; else there is no guide.
SHARE = 0.15


@dataclass(frozen=True)
class Choice:
    """A weight of autoguidance, and what speaks for it.

    Attributes:
        weight: the best; 1 if the guide does not help.
        distances: of the images that were made with each weight, to training images.
    """

    weight: float
    distances: dict[float, float]


def can_guide(images: ImageSet) -> bool:
    """Whether the images are enough, and large enough, to choose a weight by.

    Example:
        >>> can_guide(load_images("shapes", limit=100))
        False
    """
    return len(images) >= FEWEST_IMAGES and min(images.shape[1:]) >= SMALLEST_SIDE


def seconds_of_choice(images: ImageSet, evaluation: float, steps: int) -> float:
    """The most seconds that `choose` takes.

    Args:
        evaluation: seconds of the network for one image.
        steps: of sampling.

    Example:
        >>> seconds_of_choice(load_images("shapes"), evaluation=0.001, steps=7) > 30
        True
    """
    making = COUNT * evaluation * min(steps, MOST_STEPS) * (1 + 2 * len(WEIGHTS[1:]))
    begun = time.perf_counter()
    turned_features(images, TIMED)
    # Features of an image take a third of what learning from it takes.
    seen = LEARNED_FROM + (COMPARED_WITH + COUNT * len(WEIGHTS)) / 3
    return making + (time.perf_counter() - begun) * seen / TIMED


def add_guide(run: Run, state: TrainingState, images: ImageSet) -> None:
    """Publish the model of a finished training with its guide, at the best weight, unless the guide does not help.

    Example:
        >>> add_guide(run, state, images)
        >>> run.model().settings().autoguidance
        1.4
    """
    model = replace(state.model(), guide=state.guide)
    try:
        choice = choose(model, images)
    except NevoaError as error:  # the model is there without it
        warnings.warn(f"The model has no guide: {error}", stacklevel=2)
        return
    journal.write(run, "guided", state.images_seen, distances=choice.distances)
    if choice.weight != 1:
        sampling = model.plan.sampling.model_copy(update={"autoguidance": choice.weight})
        model = replace(model, plan=model.plan.model_copy(update={"sampling": sampling}))
        with explained("write", run.folder):
            run.publish_model(model)
            card.write(run, state.plan, model, state.horizon.images, state.images_seen, state.seconds)


def choose(model: Model, images: ImageSet) -> Choice:
    """Choose the weight of a model's guide.

    Args:
        model: one with a guide.
        images: that it was trained on.

    Example:
        >>> choose(model, images).weight
        1.4
    """
    chosen = _some(len(images), COMPARED_WITH)
    features = turned_features(images)
    real = Gaussian.of(features.features(images.images[chosen]))
    labels = [int(label) for label in images.labels[chosen[:COUNT]]] if model.classes else None
    steps, distances = min(model.settings().steps or MOST_STEPS, MOST_STEPS), dict[float, float]()
    for weight in WEIGHTS:
        made = model.sample(COUNT, SEED, labels=labels, steps=steps, autoguidance=weight)
        distances[weight] = distance_between(Gaussian.of(features.features(made)), real)
        if distances[weight] > min(distances.values()):
            break
    return Choice(min(distances, key=lambda weight: distances[weight]), distances)


def turned_features(images: ImageSet, count: int = LEARNED_FROM) -> FeatureNetwork:
    """A network that has learned how far some of these images are turned, whatever their classes.

    Example:
        >>> turned_features(images).info.kind
        'rotation'
    """
    chosen = _some(len(images), count)
    some = replace(images, images=images.images[chosen], labels=np.zeros(len(chosen), np.int64), classes=())
    *_, last = train_feature_network(some, None, epochs=max(1, count // len(some)))
    return last.feature_network


def _some(total: int, wanted: int) -> np.ndarray:
    """Indices of images, the same for every call."""
    return np.sort(generator(0, Stream.FEATURE_NETWORK, 0).permutation(total)[:wanted])
