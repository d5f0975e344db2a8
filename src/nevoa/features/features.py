"""Features of image sets: computed once, cached by fingerprint, and checked before anything is measured."""

import os
from contextlib import suppress

import numpy as np
from jaxtyping import Float64, Int64

from nevoa._util.files import published
from nevoa.data import ImageSet, cache_folder, mapped
from nevoa.errors import NevoaError
from nevoa.features.feature_network import FeatureNetwork

Features = Float64[np.ndarray, "N D"]


def features_of(
    images: ImageSet, feature_network: FeatureNetwork, wanted: Int64[np.ndarray, " K"] | None = None
) -> Features:
    """Features of a data set, read from the cache or computed and cached.

    Args:
        wanted: indices of the images whose features to return; all if None. If they are fewer than half of all, no
            others are computed, and none are cached.
    """
    path = cache_folder() / "features" / f"{feature_network.info.sha256:.16}-{images.fingerprint:.16}.npy"
    chosen = slice(None) if wanted is None else wanted
    with suppress(OSError, ValueError):  # missing or damaged
        cached = mapped(path)
        if cached.shape == (len(images), feature_network.width) and cached.dtype == np.float64:
            with suppress(OSError):  # so that `nevoa data cache` knows that they are used
                os.utime(path.parent)
            return np.array(cached[chosen])
    if wanted is not None and 2 * len(wanted) < len(images):
        return feature_network.features(images.images[wanted])
    features = feature_network.features(images.images)
    with suppress(NevoaError, OSError), published(path) as temporary:  # they can be computed again
        np.save(temporary, features)
    return features[chosen]


def check_features(features: Features, name: str) -> None:
    """Raise a NevoaError if nothing can be measured: features that are NaN, or all equal though of several images.

    Args:
        name: what the images are called in the error, in the plural.
    """
    count = len(features)
    broken = np.flatnonzero(~np.isfinite(features).all(1))
    if len(broken):
        raise NevoaError(
            f"The features of {len(broken):,} of {count:,} {name} are not finite; the first is image {broken[0]}. "
            "The weights of the feature network are broken: train it again."
        )
    if count > 1 and (features == features[0]).all():
        raise NevoaError(f"The feature network cannot tell the {count:,} {name} apart: there is nothing to measure.")
