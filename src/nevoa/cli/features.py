"""`nevoa features`."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from nevoa.cli import options
from nevoa.cli.preparation import data_of
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.config import DataConfig
    from nevoa.data import ImageSet

app = typer.Typer(help="The classifiers that images are judged by.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


def _test_images(data: "DataConfig", images: "ImageSet") -> "ImageSet | None":
    """Those of a named data set or of a folder with a test split; None: a part of the training images is held out."""
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
    source: Annotated[str, typer.Argument(help="A labelled data set: see 'nevoa data list'.")],
    size: options.Size = None,
    classes: options.Classes = None,
    channels: options.Channels = None,
    background: options.Background = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images.", show_default="16")] = None,
) -> None:
    """Train the classifier that 'nevoa evaluate --against SOURCE' looks at images with, and keep it."""
    from nevoa.data import load_images
    from nevoa.evaluation import EPOCHS, feature_network_folder, save_feature_network, train_feature_network

    data = data_of(source, None, classes, None, size, channels, background, None)
    images = load_images(data)
    test = _test_images(data, images)
    folder = feature_network_folder(images)
    if folder.exists():
        raise NevoaError(f"{folder} exists: a feature network of these images. Remove that folder to train another.")
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    feature_network = None
    for epoch, loss, feature_network in train_feature_network(images, test, epochs or EPOCHS):
        console.print(
            f"epoch {epoch}/{epochs or EPOCHS}  loss {loss:.4f}  accuracy {feature_network.card.accuracy:.1%}"
        )
    assert feature_network is not None
    save_feature_network(feature_network, folder)
    card = feature_network.card
    typer.echo(f"Accuracy {card.accuracy:.1%} on {card.measured_on}. The feature network of {source}: {folder}")
