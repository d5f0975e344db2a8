"""`nevoa features`."""

import sys
from typing import TYPE_CHECKING

from cyclopts import App
from cyclopts.types import NonNegativeInt, PositiveInt

from nevoa.cli.options import ImageFlags, Plugin
from nevoa.cli.preparation import data_of
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.config import DataConfig
    from nevoa.data import ImageSet
    from nevoa.features import Epoch

app = App(name="features", help="Train feature networks: the networks in whose features 'nevoa evaluate' measures.")


def _test_images(data: "DataConfig", images: "ImageSet") -> "ImageSet | None":
    """The test images of a source; None if it has none, and training images have to be held out."""
    from nevoa.data import CATALOG, load_images, load_test_images

    if images.notes.held_out:
        return load_test_images(data, images)
    if data.source in CATALOG:
        return load_test_images(data, images) if "test" in CATALOG[data.source].counts else None
    try:
        test = load_images(data, split="test")
    except NevoaError:
        return None
    return load_test_images(data, images) if test.classes or not images.classes else None


@app.command
def train(
    source: str,
    /,
    *,
    images: ImageFlags = ImageFlags(),
    holdout: NonNegativeInt | None = None,
    epochs: PositiveInt | None = None,
    plugin: Plugin = (),
) -> None:
    """Train the feature network of a source, for 'nevoa evaluate'.

    Under torchrun one process of each machine trains it and the others wait: with its batch normalization, several
    would train another network.

    Args:
        source: Images, named as for 'nevoa train'. Without classes the network learns to recognize turned images.
        holdout: How many images the run sets aside: its data.holdout. [default: as 'nevoa train' does]
        epochs: Passes over the images. [default: 16; without classes, as many as show 64,000 images]
    """
    from nevoa.parallel.group import process_group

    data, group = data_of(source, images), process_group()
    if holdout is not None:
        data = data.model_copy(update={"holdout": holdout})
    group.first_on_machine(lambda: None if group.local_rank else _train(data, epochs))


def _train(data: "DataConfig", epochs: int | None) -> None:
    from nevoa.data import CATALOG, load_images
    from nevoa.features import (
        feature_network_folder,
        feature_network_for,
        save_feature_network,
        train_feature_network,
    )
    from nevoa.features.feature_training import default_epochs

    if (row := CATALOG.get(data.source)) and row.part_of:
        raise NevoaError(f"Models of {data.source} are measured with the feature network of {row.part_of}: name that.")
    train_images = load_images(data)
    test = _test_images(data, train_images)
    folder = feature_network_folder(train_images)
    if folder.exists():
        raise NevoaError(f"These images already have a feature network: {folder}. Remove the folder to train another.")
    if feature_network_for(train_images).info.kind != "random":
        raise NevoaError(f"The feature network of {train_images.name} comes with nevoa: there is nothing to train.")
    epochs = epochs or default_epochs(train_images)
    *_, last = (_shown(epoch, epochs) for epoch in train_feature_network(train_images, test, epochs))
    info = save_feature_network(last.feature_network, folder).info
    print(f"Accuracy {info.accuracy:.1%} on {info.measured_on}. Saved {folder}")


def _shown(epoch: "Epoch", total: int) -> "Epoch":
    accuracy = epoch.feature_network.info.accuracy
    print(f"epoch {epoch.epoch}/{total}  loss {epoch.loss:.4f}  accuracy {accuracy:.1%}", file=sys.stderr)
    return epoch
