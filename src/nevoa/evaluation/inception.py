"""Inception FID and KID by torchmetrics and torch-fidelity (extra `metrics`).

They are meant for photographs: the features of an ImageNet network say little about 28x28 clothes.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import nn

from nevoa.errors import NevoaError

Images = UInt8[np.ndarray, "N H W C"]

WIDTH = 2048
AT_ONCE = 50
SUBSET = 1000


def inception_scores(
    images: Images,
    reference: UInt8[np.ndarray, "M H W C"],
    weights: Path | None = None,
    network: nn.Module | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """`fid`, and `kid` with its standard deviation over subsets, of 8-bit images against reference images.

    Args:
        weights: file with torch-fidelity's Inception weights; None downloads them once.
        network: used in place of Inception: uint8 `[B, 3, H, W]` to features `[B, D]`.
    """
    if not (find_spec("torchmetrics") and find_spec("torch_fidelity")):
        raise NevoaError("Inception metrics need an extra: pip install 'nevoa[metrics]'.")
    from torchmetrics.image import FrechetInceptionDistance, KernelInceptionDistance

    extractor = _inception(weights) if network is None else network
    subset = min(SUBSET, len(images), len(reference))
    fid = FrechetInceptionDistance(feature=extractor, input_img_size=(3, *images.shape[1:3])).set_dtype(torch.float64)
    kid = KernelInceptionDistance(feature=extractor, subset_size=subset)
    for real, pictures in ((True, reference), (False, images)):
        for first in range(0, len(pictures), AT_ONCE):
            batch = torch.tensor(pictures[first : first + AT_ONCE]).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
            for metric in (fid, kid):
                metric.update(batch.contiguous(), real=real)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mean, deviation = kid.compute()
    return {"fid": fid.compute().item(), "kid": mean.item(), "kid_std": deviation.item()}


def _inception(weights: Path | None) -> nn.Module:
    from torchmetrics.image.fid import NoTrainInceptionV3

    if weights is not None and not weights.is_file():
        raise NevoaError(f"There is no file {weights}; --inception-weights names a file with Inception weights.")
    try:
        if weights is not None:
            # torch-fidelity unpickles the file. Refuse one that holds anything but tensors.
            torch.load(weights, weights_only=True)
        return NoTrainInceptionV3("inception-v3-compat", [str(WIDTH)], str(weights) if weights else None)
    except OSError as error:
        raise NevoaError(
            f"The Inception weights cannot be downloaded ({error}). Download them elsewhere and name the file with "
            "--inception-weights."
        ) from error
    except Exception as error:  # torch.load and load_state_dict raise many types
        raise NevoaError(f"{weights} does not contain torch-fidelity's Inception weights.") from error
