"""Feature vectors of an image set: computed once, kept by fingerprint, and checked before anything is measured."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from nevoa._util.files import published
from nevoa.data import ImageSet, cache_folder, mapped
from nevoa.errors import NevoaError
from nevoa.evaluation.feature_network import FeatureNetwork

Features = Float64[np.ndarray, "N D"]

# Below it the bias of a Fréchet distance and its noise are of the size of what is to be seen.
FEW = 2048


def features_of(images: ImageSet, feature_network: FeatureNetwork) -> Features:
    """The features of a data set's images: read from the cache, or computed and kept there."""
    path = cache_folder() / "features" / f"{feature_network.card.sha256:.16}-{images.fingerprint:.16}.npy"
    kept = _read(path, (len(images), feature_network.width))
    if kept is not None:
        return kept
    features = feature_network.features(images.images)
    with published(path) as temporary:
        np.save(temporary, features)
    return features


def check_features(features: Features, whose: str, *, moments: bool = True) -> None:
    """A NevoaError if nothing can be measured on these: NaN, all alike, or for `moments` fewer than their width."""
    count, width = features.shape
    broken = np.flatnonzero(~np.isfinite(features).all(1))
    if len(broken):
        raise NevoaError(
            f"The features of {len(broken):,} of {count:,} {whose} are not numbers; the first is image "
            f"{broken[0]}. Its weights are broken: train the feature network again."
        )
    if moments and count < width:
        found = f"There is one of the {whose}" if count == 1 else f"There are {count:,} {whose}"
        raise NevoaError(
            f"{found}. Distances in {width} features need at least as many images, better {FEW:,}. "
            "Without them: --metrics classes,memorisation."
        )
    if (features == features[0]).all():
        raise NevoaError(f"All {count:,} {whose} look the same to the feature network: there is nothing to measure.")


def _read(path: Path, shape: tuple[int, int]) -> Features | None:
    """The array at `path`; None if there is none of that shape: what is kept here can always be computed again."""
    try:
        features = mapped(path)
    except (OSError, ValueError):
        return None
    return np.array(features) if features.shape == shape and features.dtype == np.float64 else None
