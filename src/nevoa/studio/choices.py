"""The last choices for a training, saved in the workspace: a page that is loaded again begins with them."""

from contextlib import suppress
from dataclasses import replace

from pydantic import TypeAdapter

from nevoa.config import PRESETS
from nevoa.errors import NevoaError
from nevoa.studio.commands import Training
from nevoa.studio.files import replace_text
from nevoa.studio.workspace import Workspace

DEFAULT = "fashion_mnist_10k"
FORM = TypeAdapter(Training)


def keep(workspace: Workspace, training: Training) -> None:
    """Save the values of the form, unless it is still empty."""
    if training.images.source:
        replace_text(workspace.choices_file, FORM.dump_json(training).decode())


def choices(workspace: Workspace) -> Training:
    """Return the saved choices, with a new name for the run; the newest upload replaces images that are gone."""
    training = Training()
    with suppress(OSError, ValueError, NevoaError):  # none yet, or of another version
        saved = FORM.validate_json(workspace.choices_file.read_bytes())
        training = replace(saved, preset=PRESETS.checked(saved.preset))
    source, uploads = training.images.source, workspace.sources()
    if not source or (workspace.uploads == (workspace.folder / source).parent and source not in uploads):
        source = next(iter(uploads), DEFAULT)
    return replace(training, images=replace(training.images, source=source), run=workspace.free_name(training.run))
