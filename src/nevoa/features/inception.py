"""Inception FID and KID as torch-fidelity computes them (extra `metrics`): the figures that other papers give.

They are meant for photographs: the features of an ImageNet network say little about 28x28 clothes. torchmetrics is not
used: its Inception network resizes images by another rule than the TensorFlow network of published figures, and
torch-fidelity's by the same.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor, nn

from nevoa._util.files import sha256
from nevoa._util.packages import needs
from nevoa.errors import NevoaError, reason

Images = UInt8[ndarray, "N H W C"]
Features = Float[Tensor, "N D"]
# Takes uint8 `[B, 3, H, W]` of any size, and returns features `[B, D]`.
Network = Callable[[Tensor], Tensor]

WIDTH = 2048
AT_ONCE = 50
SUBSET = 1000
# How many images published figures are of, at least.
PUBLISHED = 10_000
# The weights that all published figures have in common begin their sha256 and end their name with this.
USUAL = "6726825d"


def inception_scores(
    images: Images,
    test: UInt8[ndarray, "M H W C"],
    training: UInt8[ndarray, "K H W C"],
    weights: Path | None = None,
    network: Network | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """FID and KID of 8-bit images; gray ones are repeated in all three channels.

    `fid` and `kid`, with its standard deviation over subsets, compare with the test images; `fid_train` compares with
    the training images, as most published figures do.

    Args:
        weights: file with torch-fidelity's Inception weights; None downloads them once.
        network: used in place of Inception.
    """
    needs("metrics", "torch_fidelity")
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    device, extract = ("cpu", network) if network else inception_network(weights)
    features, of_test, of_training = (inception_features(each, extract, device) for each in (images, test, training))
    statistics = fid_features_to_statistics(features)
    fid, fid_train = (
        fid_statistics_to_metric(statistics, fid_features_to_statistics(real), verbose=False)
        for real in (of_test, of_training)
    )
    subset = min(SUBSET, len(features), len(of_test))
    kid = kid_features_to_metric(features, of_test, kid_subset_size=subset, rng_seed=seed, verbose=False)
    return {
        "fid": fid["frechet_inception_distance"],
        "fid_train": fid_train["frechet_inception_distance"],
        "kid": kid["kernel_inception_distance_mean"],
        "kid_std": kid["kernel_inception_distance_std"],
    }


def inception_warnings(count: int, weights: Path | None) -> Iterator[str]:
    """Why FID and KID of so many images, by these weights, cannot be compared with published ones."""
    if count < PUBLISHED:
        few = f", and {WIDTH:,} features need more than {WIDTH:,} images" if count <= WIDTH else ""
        yield f"FID is larger for fewer images: published ones are of 50,000 or 10,000, not of {count:,}{few}"
    if weights is not None and not (digest := sha256(weights)).startswith(USUAL):
        yield (
            f"the sha256 of the Inception weights is {digest:.8}…, not {USUAL}…: the scores cannot be compared with "
            "published ones"
        )


def inception_features(images: Images, network: Network, device: str) -> Features:
    """Features of images on the CPU, with gray repeated in all channels."""
    batches = (torch.tensor(images[first : first + AT_ONCE]) for first in range(0, len(images), AT_ONCE))
    with torch.inference_mode():
        parts = [
            network(batch.permute(0, 3, 1, 2).expand(-1, 3, -1, -1).contiguous().to(device)).cpu() for batch in batches
        ]
    return torch.cat(parts)


def inception_network(weights: Path | None) -> tuple[str, Network]:
    """The device, a GPU if there is one, and the network on it, in float32. It resizes images to 299x299."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = check_inception(weights)
    try:
        # torch-fidelity unpickles the file. Refuse one that holds anything but tensors.
        torch.load(path, weights_only=True)
        extractor = FeatureExtractorInceptionV3("inception-v3-compat", [str(WIDTH)], str(path))
    except Exception as error:  # torch.load and load_state_dict raise many types
        raise NevoaError(f"{path} does not contain torch-fidelity's Inception weights.") from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    module: nn.Module = extractor.to(device)
    return device, lambda batch: module(batch)[0]


def check_inception(weights: Path | None) -> Path:
    """Return the file of the weights, downloaded if none is named. A NevoaError if it or torch-fidelity is missing."""
    needs("metrics", "torch_fidelity")
    path = _downloaded() if weights is None else weights
    if not path.is_file():
        raise NevoaError(f"There is no file {path}; --inception-weights must name a file with Inception weights.")
    return path


def _downloaded() -> Path:
    """The weights in the folder where torch-fidelity looks for them, downloaded and checked if they are not there."""
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    path = Path(torch.hub.get_dir()) / "checkpoints" / URL_INCEPTION_V3.rpartition("/")[2]
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(URL_INCEPTION_V3, str(path), hash_prefix=USUAL, progress=False)
    except (OSError, RuntimeError) as error:  # no connection; another hash
        raise NevoaError(
            f"The Inception weights cannot be downloaded ({reason(error)}). Download {URL_INCEPTION_V3} elsewhere and "
            "name the file with --inception-weights."
        ) from error
    return path
