"""`nevoa judge`."""

from typing import Annotated

import typer
from rich.console import Console

from nevoa.errors import NevoaError

app = typer.Typer(help="The classifiers that images are judged by.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command()
def train(
    source: Annotated[str, typer.Argument(help="A labelled data set: see 'nevoa data list'.")],
    size: Annotated[
        int | None, typer.Option(min=8, max=1024, help="Resize and crop to a square.", show_default="its own")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images.", show_default="16")] = None,
) -> None:
    """Train the classifier that 'nevoa evaluate --against SOURCE' looks at images with, and keep it."""
    from nevoa.data import CATALOG, open_source
    from nevoa.evaluation import EPOCHS, judge_folder, save_judge, train_judge

    images = open_source(source, "train", size)
    test = open_source(source, "test", size) if "test" in CATALOG[source].counts else None
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
