"""The metrics of the literature, through torchmetrics and torch-fidelity (extra `metrics`): Inception FID and KID.

For photographs: the features of an ImageNet network say little about 28x28 clothes.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor, nn

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
        weights: torch-fidelity's Inception weights; None downloads them once.
        network: looks at the images in Inception's place: uint8 `[B, 3, H, W]` to features `[B, D]`.
    """
    try:
        from torchmetrics.image import FrechetInceptionDistance, KernelInceptionDistance
    except ImportError as error:
        raise NevoaError("Inception metrics need an extra: pip install 'nevoa[metrics]'.") from error
    looking = _inception(weights) if network is None else network
    subset = min(SUBSET, len(images), len(reference))
    fid = FrechetInceptionDistance(feature=looking, input_img_size=(3, *images.shape[1:3])).set_dtype(torch.float64)
    kid = KernelInceptionDistance(feature=looking, subset_size=subset)
    for real, pictures in ((True, reference), (False, images)):
        for batch in _batches(pictures):
            fid.update(batch, real=real)
            kid.update(batch, real=real)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mean, deviation = kid.compute()
    return {"fid": fid.compute().item(), "kid": mean.item(), "kid_std": deviation.item()}


def _inception(weights: Path | None) -> nn.Module:
    from torchmetrics.image.fid import NoTrainInceptionV3

    if weights is not None and not weights.is_file():
        raise NevoaError(f"There is no file {weights} with Inception weights.")
    try:
        if weights is not None:
            # torch-fidelity unpickles whatever it is given; what loads so has nothing in it that could run.
            torch.load(weights, weights_only=True)
        return NoTrainInceptionV3("inception-v3-compat", [str(WIDTH)], str(weights) if weights else None)
    except ModuleNotFoundError as error:
        raise NevoaError("Inception metrics need an extra: pip install 'nevoa[metrics]'.") from error
    except OSError as error:
        raise NevoaError(
            f"The Inception weights cannot be downloaded ({error}). Get them where there is a network and name the "
            "file: --inception-weights."
        ) from error
    except Exception as error:  # whatever torch.load and load_state_dict find wrong with a file
        raise NevoaError(f"{weights} does not hold torch-fidelity's Inception weights.") from error


def _batches(images: Images) -> Iterator[Tensor]:
    colour = images if images.shape[3] == 3 else images.repeat(3, axis=3)
    for first in range(0, len(colour), AT_ONCE):
        yield torch.from_numpy(np.ascontiguousarray(colour[first : first + AT_ONCE].transpose(0, 3, 1, 2)))
