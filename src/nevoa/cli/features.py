"""`nevoa features`."""

from typing import TYPE_CHECKING

from cyclopts import App
from cyclopts.types import PositiveInt
from rich.console import Console

from nevoa.cli.options import ImageOptions
from nevoa.cli.preparation import data_of
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.config import DataConfig
    from nevoa.data import ImageSet

app = App(name="features", help="Train feature networks, the classifiers that distances are measured with.")


def _test_images(data: "DataConfig", images: "ImageSet") -> "ImageSet | None":
    """Those of a named data set or of a folder with a test split; None: a part of the training images is held out."""
    from nevoa.data import CATALOG, load_images, load_test_images

    if data.source in CATALOG:
        return load_test_images(data, images) if "test" in CATALOG[data.source].counts else None
    try:
        test = load_images(data, "test")
    except NevoaError:
        return None
    return load_test_images(data, images) if test.classes else None


@app.command
def train(source: str, /, *, images: ImageOptions = ImageOptions(), epochs: PositiveInt | None = None) -> None:
    """Train the classifier whose features 'nevoa evaluate --against SOURCE' compares, and keep it.

    Args:
        source: A labelled data set; 'nevoa data list' shows some.
        epochs: Passes over the images. [default: 16]
    """
    from nevoa.data import load_images
    from nevoa.evaluation import EPOCHS, feature_network_folder, save_feature_network, train_feature_network

    data = data_of(source, images)
    train_images = load_images(data)
    test = _test_images(data, train_images)
    folder = feature_network_folder(train_images)
    if folder.exists():
        raise NevoaError(f"{folder} exists: a feature network of these images. Remove that folder to train another.")
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    feature_network = None
    for epoch, loss, feature_network in train_feature_network(train_images, test, epochs or EPOCHS):
        console.print(
            f"epoch {epoch}/{epochs or EPOCHS}  loss {loss:.4f}  accuracy {feature_network.card.accuracy:.1%}"
        )
    assert feature_network is not None
    save_feature_network(feature_network, folder)
    card = feature_network.card
    print(f"Accuracy {card.accuracy:.1%} on {card.measured_on}. The feature network of {source}: {folder}")
