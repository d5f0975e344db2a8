"""A feature network: a trained classifier, with what it was trained on and how accurate it is."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, UInt8

from nevoa._util.files import published, read_json, sha256, write_text
from nevoa._util.tensors import packed, read_tensors
from nevoa.config.names import FeatureKind
from nevoa.data import CATALOG, to_unit
from nevoa.errors import NevoaError
from nevoa.features.classifier import WIDTHS, Classifier

# The kernel clears the memory of larger batches anew each time: with 500 images, that took a third of the time.
IMAGES_AT_ONCE = 100
# Fewer of larger images, so that the widest layer of a batch stays below 100 MB.
LARGEST_AT_ONCE = 64 * 64
ROTATIONS = 4
WEIGHTS, INFO = "weights.safetensors", "about.json"


@dataclass(frozen=True)
class FeatureNetworkInfo:
    """Facts about a feature network.

    Attributes:
        name: the source it was trained on.
        fingerprint: of the training images.
        shape: (C, H, W) of the images.
        images: number of training images.
        accuracy: share of held-out images that it classifies correctly; NaN if its weights are random.
        measured_on: the held-out images, in words.
        sha256: of the file with its weights.
        kind: what it was trained to tell: classes, or by how many quarters an image was turned; or random weights.

    Example:
        >>> feature_network.info.shape
        (1, 28, 28)
    """

    name: str
    fingerprint: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    images: int
    accuracy: float
    measured_on: str
    sha256: str = ""
    kind: FeatureKind = "classes"

    @property
    def outputs(self) -> int:
        """How many numbers its head has: one for each class, or for each of four rotations."""
        return {"classes": len(self.classes), "rotation": ROTATIONS, "random": 1}[self.kind]

    @property
    def skill(self) -> str:
        """Say how well it classifies, in words."""
        if self.kind == "random":
            return "random weights"
        what = "class" if self.kind == "classes" else "rotation"
        return f"tells the {what} of {self.accuracy:.1%} of held-out images correctly"

    @property
    def short_name(self) -> str:
        """The suffix of its metrics: its kind or, if it knows classes, the images that it was trained on.

        That is the name (`fashion` for fashion_mnist), and the size if it is not the usual one.
        """
        if self.kind != "classes":
            return self.kind
        name = "fashion" if self.name == "fashion_mnist" else self.name
        row = CATALOG.get(self.name)
        native = row is None or (row.channels, *(row.size or ())) == self.shape
        return name if native else "{0}_{2}x{3}".format(name, *self.shape)


@dataclass(frozen=True)
class FeatureNetwork:
    """Computes features in float32 on the CPU, so that they are the same on all machines up to rounding.

    Example:
        >>> feature_network.features(images).shape
        (16, 128)
    """

    network: Classifier
    info: FeatureNetworkInfo

    @property
    def width(self) -> int:
        """Length of a feature vector."""
        return WIDTHS[-1]

    def features(self, images: UInt8[np.ndarray, "N H W C"]) -> Float64[np.ndarray, "N D"]:
        """Features of 8-bit images of the shape in `info`."""
        self.network.eval()
        at_once = images_at_once(self.info.shape)
        with torch.inference_mode():
            parts = [
                self.network.features(to_unit(images[first : first + at_once])).numpy()
                for first in range(0, len(images), at_once)
            ]
        return np.concatenate(parts).astype(np.float64)

    def probabilities(self, features: Float64[np.ndarray, "N D"]) -> Float64[np.ndarray, "N K"]:
        """Class probabilities of images with these features."""
        head = self.network.head
        with torch.inference_mode():
            logits = torch.from_numpy(features) @ head.weight.double().T + head.bias.double()
            return logits.softmax(1).numpy()


def images_at_once(shape: tuple[int, int, int]) -> int:
    """Return how many images of shape (C, H, W) pass through the network together."""
    _, height, width = shape
    return max(1, min(IMAGES_AT_ONCE, IMAGES_AT_ONCE * LARGEST_AT_ONCE // (height * width)))


def save_feature_network(feature_network: FeatureNetwork, folder: Path) -> FeatureNetwork:
    """Write a feature network into a new folder. Returns it with the hash of its weights.

    Example:
        >>> feature_network = save_feature_network(feature_network, Path("features"))
    """
    with published(folder) as temporary:
        temporary.mkdir()
        (temporary / WEIGHTS).write_bytes(packed(feature_network.network.state_dict().items()))
        info = replace(feature_network.info, sha256=sha256(temporary / WEIGHTS))
        write_text(temporary / INFO, json.dumps(asdict(info), indent=2) + "\n")
    return FeatureNetwork(feature_network.network, info)


def load_feature_network(folder: Path) -> FeatureNetwork:
    """Read a feature network. A NevoaError if its files are missing, damaged or do not belong together.

    Example:
        >>> save_feature_network(feature_network, Path("saved")).info == load_feature_network(Path("saved")).info
        True
    """
    try:
        values = read_json(folder / INFO)
        info = FeatureNetworkInfo(**{**values, "shape": tuple(values["shape"]), "classes": tuple(values["classes"])})
        if sha256(folder / WEIGHTS) != info.sha256:
            raise ValueError(f"{WEIGHTS} is not the file that {INFO} describes")
        network = Classifier(info.shape[0], info.outputs)
        network.load_state_dict(read_tensors(folder / WEIGHTS))
    except (NevoaError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise NevoaError(
            f"The feature network in {folder} is damaged: {reason}. Remove the folder and train it again."
        ) from error
    return FeatureNetwork(network.eval(), info)
