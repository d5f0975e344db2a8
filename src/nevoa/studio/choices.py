"""What a person chose last for a training, kept in the workspace: a page that is loaded again begins with it."""

from contextlib import suppress
from dataclasses import replace

from pydantic import TypeAdapter

from nevoa._util.files import read_text, write_text
from nevoa.errors import NevoaError
from nevoa.studio.commands import Training
from nevoa.studio.workspace import Workspace

DEFAULT = "fashion_mnist_10k"
FORM = TypeAdapter(Training)


def keep(workspace: Workspace, training: Training) -> None:
    """Keep what the form of a training says now, unless it is still empty."""
    if training.images.source:
        write_text(workspace.choices_file, FORM.dump_json(training).decode())


def choices(workspace: Workspace) -> Training:
    """What was kept, with a name that no run has; the newest upload in place of one that is gone, or of none."""
    training = Training()
    with suppress(NevoaError, ValueError):  # none yet, or of another version
        training = FORM.validate_json(read_text(workspace.choices_file))
    source, uploads = training.images.source, workspace.sources()
    if not source or (workspace.uploads == (workspace.folder / source).parent and source not in uploads):
        source = next(iter(uploads), DEFAULT)
    return replace(training, images=replace(training.images, source=source), run=workspace.free_name(training.run))
