"""Features of image sets: computed once, cached by fingerprint, and checked before anything is measured."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from nevoa._util.files import published
from nevoa.data import ImageSet, cache_folder, mapped
from nevoa.errors import NevoaError
from nevoa.evaluation.feature_network import FeatureNetwork

Features = Float64[np.ndarray, "N D"]

# With fewer images, bias and noise of a Fréchet distance are as large as the differences of interest.
FEW = 2048


def features_of(images: ImageSet, feature_network: FeatureNetwork) -> Features:
    """Features of a data set, read from the cache or computed and cached."""
    path = cache_folder() / "features" / f"{feature_network.info.sha256:.16}-{images.fingerprint:.16}.npy"
    cached = _read(path, (len(images), feature_network.width))
    if cached is not None:
        return cached
    features = feature_network.features(images.images)
    with published(path) as temporary:
        np.save(temporary, features)
    return features


def check_features(features: Features, name: str, *, moments: bool = True) -> None:
    """Raise a NevoaError if nothing can be measured: features that are NaN, all equal or too few.

    Args:
        name: what the images are called in the error, in the plural.
        moments: whether a covariance is needed, and so at least as many images as features.
    """
    count, width = features.shape
    broken = np.flatnonzero(~np.isfinite(features).all(1))
    if len(broken):
        raise NevoaError(
            f"The features of {len(broken):,} of {count:,} {name} are not finite; the first is image {broken[0]}. "
            "The weights of the feature network are broken: train it again."
        )
    if moments and count < width:
        raise NevoaError(
            f"The number of {name} is {count:,}, but distances between {width} features need at least {width}, and "
            f"{FEW:,} to be reliable. Use more, or --metrics classes,memorisation."
        )
    if (features == features[0]).all():
        raise NevoaError(f"The feature network cannot tell the {count:,} {name} apart: there is nothing to measure.")


def _read(path: Path, shape: tuple[int, int]) -> Features | None:
    """The cached features, or None if they are missing or damaged."""
    try:
        features = mapped(path)
    except (OSError, ValueError):
        return None
    return np.array(features) if features.shape == shape and features.dtype == np.float64 else None
