"""A feature network: a trained classifier, and the card that says what it was trained on and how well it does."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from safetensors import SafetensorError
from safetensors.torch import load, save_file

from nevoa._util.files import published, read_json, sha256, write_text
from nevoa.data import CATALOG, to_unit
from nevoa.errors import NevoaError
from nevoa.evaluation.classifier import WIDTHS, Classifier

IMAGES_AT_ONCE = 500
WEIGHTS, CARD = "judge.safetensors", "card.json"


@dataclass(frozen=True)
class FeatureNetworkInfo:
    """What is known of a feature network.

    Attributes:
        name: the source it was trained on; it names the metrics: `fd_NAME`.
        fingerprint: of the training images.
        shape: (C, H, W) of the images it feature networks.
        images: how many it was trained on.
        accuracy: share of the images of `measured_on` that it classifies as labelled.
        sha256: of its weights' file; what a protocol is tied to.
    """

    name: str
    fingerprint: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    images: int
    accuracy: float
    measured_on: str
    sha256: str = ""

    @property
    def short_name(self) -> str:
        """The suffix of its metrics: `fashion` for fashion_mnist, else the name; with a size that is not native."""
        name = "fashion" if self.name == "fashion_mnist" else self.name
        row = CATALOG.get(self.name)
        native = row is None or (row.channels, *(row.size or ())) == self.shape
        return name if native else "{0}_{2}x{3}".format(name, *self.shape)


@dataclass(frozen=True)
class FeatureNetwork:
    """Looks at images, float32 on the CPU, so that its features are the same everywhere up to rounding."""

    network: Classifier
    card: FeatureNetworkInfo

    @property
    def width(self) -> int:
        """Length of a feature vector."""
        return WIDTHS[-1]

    def features(self, images: UInt8[np.ndarray, "N H W C"]) -> Float64[np.ndarray, "N D"]:
        """Feature vectors of 8-bit images of the card's shape."""
        self.network.eval()
        with torch.inference_mode():
            parts = [
                self.network.features(to_unit(images[first : first + IMAGES_AT_ONCE])).numpy()
                for first in range(0, len(images), IMAGES_AT_ONCE)
            ]
        return np.concatenate(parts).astype(np.float64)

    def probabilities(self, features: Float64[np.ndarray, "N D"]) -> Float64[np.ndarray, "N K"]:
        """Probability of each class, from feature vectors."""
        head = self.network.head
        with torch.inference_mode():
            logits = torch.from_numpy(features) @ head.weight.double().T + head.bias.double()
            return logits.softmax(1).numpy()


def save_feature_network(feature_network: FeatureNetwork, folder: Path) -> FeatureNetwork:
    """Publish a feature network as a new folder; the feature network returned carries the hash of its file."""
    with published(folder) as temporary:
        temporary.mkdir()
        tensors = {name: tensor.contiguous() for name, tensor in feature_network.network.state_dict().items()}
        save_file(tensors, temporary / WEIGHTS)
        card = replace(feature_network.card, sha256=sha256(temporary / WEIGHTS))
        write_text(temporary / CARD, json.dumps(asdict(card), indent=2) + "\n")
    return FeatureNetwork(feature_network.network, card)


def load_feature_network(folder: Path) -> FeatureNetwork:
    """The feature network in a folder. A NevoaError if its files are missing, damaged or do not belong together."""
    try:
        values = read_json(folder / CARD)
        card = FeatureNetworkInfo(**{**values, "shape": tuple(values["shape"]), "classes": tuple(values["classes"])})
        data = (folder / WEIGHTS).read_bytes()
        if hashlib.sha256(data).hexdigest() != card.sha256:
            raise ValueError("its weights are not those that its card was written for")
        network = Classifier(card.shape[0], len(card.classes))
        network.load_state_dict(load(data))
    except (NevoaError, OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise NevoaError(
            f"The feature network in {folder} is damaged: {reason}. Remove that folder and train it again."
        ) from error
    return FeatureNetwork(network.eval(), card)
