"""`nevoa features`."""

from typing import TYPE_CHECKING, Annotated

import typer

from nevoa.cli import options
from nevoa.cli.preparation import data_of
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.config import DataConfig
    from nevoa.data import ImageSet
    from nevoa.evaluation import Epoch

app = typer.Typer(help="Train the networks that evaluation measures distances with.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


def _test_images(data: "DataConfig", images: "ImageSet") -> "ImageSet | None":
    """The test images of a source; None if it has none, and training images have to be held out."""
    from nevoa.data import CATALOG, load_images, load_test_images

    if data.source in CATALOG:
        return load_test_images(data, images) if "test" in CATALOG[data.source].counts else None
    try:
        test = load_images(data, split="test")
    except NevoaError:
        return None
    return load_test_images(data, images) if test.classes else None


@app.command()
def train(
    source: Annotated[str, typer.Argument(help="A data set with classes; 'nevoa data list' names some.")],
    size: options.Size = None,
    classes: options.Classes = None,
    channels: options.Channels = None,
    background: options.Background = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Number of passes over the images.", show_default="16")
    ] = None,
) -> None:
    """Train the feature network of a data set, for 'nevoa evaluate --against SOURCE'."""
    from nevoa.data import load_images
    from nevoa.evaluation import EPOCHS, feature_network_folder, save_feature_network, train_feature_network

    data = data_of(source, None, classes, None, size, channels, background, None)
    images = load_images(data)
    test = _test_images(data, images)
    folder = feature_network_folder(images)
    if folder.exists():
        raise NevoaError(f"These images already have a feature network: {folder}. Remove the folder to train another.")
    total = epochs or EPOCHS
    *_, last = (_shown(epoch, total) for epoch in train_feature_network(images, test, total))
    info = save_feature_network(last.feature_network, folder).info
    typer.echo(f"Right on {info.accuracy:.1%} of {info.measured_on}. Saved {folder}")


def _shown(epoch: "Epoch", total: int) -> "Epoch":
    accuracy = epoch.feature_network.info.accuracy
    typer.echo(f"epoch {epoch.epoch}/{total}  loss {epoch.loss:.4f}  accuracy {accuracy:.1%}", err=True)
    return epoch
