"""`nevoa judge`."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from nevoa.cli import options
from nevoa.cli.preparing import data_of
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
    from nevoa.data import CATALOG
    from nevoa.wishes import images_of, test_images_of

    if data.source in CATALOG:
        return test_images_of(data, images) if "test" in CATALOG[data.source].counts else None
    try:
        test = images_of(data, "test")
    except NevoaError:
        return None
    return test_images_of(data, images) if test.classes else None


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
    from nevoa.evaluation import EPOCHS, judge_folder, save_judge, train_judge
    from nevoa.wishes import images_of

    data = data_of(source, None, classes, None, size, channels, background, None)
    images = images_of(data)
    test = _test_images(data, images)
    folder = judge_folder(images)
    if folder.exists():
        raise NevoaError(f"There is a judge of these images already: {folder}. Remove that folder to train another.")
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    judge = None
    for epoch, loss, judge in train_judge(images, test, epochs or EPOCHS):
        console.print(f"epoch {epoch}/{epochs or EPOCHS}  loss {loss:.4f}  right on {judge.card.accuracy:.1%}")
    assert judge is not None
    save_judge(judge, folder)
    typer.echo(f"Right on {judge.card.accuracy:.1%} of {judge.card.measured_on}. The judge of {source}: {folder}")
