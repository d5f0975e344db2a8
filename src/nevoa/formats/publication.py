"""A run as a folder that others open: its model, for nevoa and for diffusers, its card and the pictures of the card."""

import json
import re
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from nevoa._util.files import read_json, read_text, write_text
from nevoa._util.packages import needs
from nevoa.data import hub, is_path, short_name
from nevoa.data.find import UNKNOWN_LICENCE
from nevoa.errors import NevoaError
from nevoa.formats import hub_card
from nevoa.runs import Run, status_of
from nevoa.runs.check import check_adapters
from nevoa.runs.model_files import check

PICTURE = re.compile(r"!\[[^]]*\]\(([^)\s]+)\)")
# Files of an earlier publication that the next one may lack.
REPLACED = "samples/", "evaluation/", "model/lora/", "unet/", "guide/", "scheduler/", "model_index.json", "pipeline.py"


@dataclass(frozen=True)
class Publication:
    """Everything that is published of a run.

    Attributes:
        folder: where it was written.
        sizes: the number of bytes of each file.
        metadata: of the card, in YAML.
        left_out: why there are no files for diffusers; None if there are.
        address: where it was uploaded to; None before.
    """

    folder: Path
    sizes: Mapping[str, int]
    metadata: str
    left_out: str | None
    address: str | None = None


def prepare(run: Run, folder: Path, place: str, licence: str | None = None) -> Publication:
    """Write into an empty folder what is published of a run.

    Paths of this machine are shortened to names.

    Args:
        place: where it will be, as `hf:OWNER/NAME`; for the card.
        licence: of the model, as the Hub names it; unknown if None.

    Raises:
        NevoaError: the run has no model, is being trained, or is damaged.
    """
    hub.parse_model(place, pushed=True)
    needs("hub", "huggingface_hub")
    _check(run)
    published = Run(folder)
    write_text(published.model_config_file, _shared_json(run.model_config_file))
    for file, copy in ((run.config_file, published.config_file), (run.plan_file, published.plan_file)):
        write_text(copy, _shared_toml(file))
    shutil.copy(run.weights_file, published.weights_file)
    if run.adapters_file.is_file():
        write_text(published.adapters_config_file, _as_json(_shared(read_json(run.adapters_config_file))))
        shutil.copy(run.adapters_file, published.adapters_file)
    pipeline, left_out = _export(run, folder)
    _copy_pictures(run, folder)
    licence = licence or UNKNOWN_LICENCE
    metadata = hub_card.metadata(run, place, licence, pipeline is not None)
    text = hub_card.text(run, place, licence, pipeline)
    write_text(published.card_file, f"---\n{metadata}\n---\n\n{text}")
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in hub.files_of(folder)}
    return Publication(folder, sizes, metadata, left_out)


def _check(run: Run) -> None:
    if not run.exists or not run.has_model:
        raise NevoaError(f"{run.folder} is not a run with a model: 'nevoa runs' lists the runs.")
    if status_of(run)[0] == "running":
        raise NevoaError(f"{run.folder} is being trained: wait until it is finished, or stop it.")
    # Damaged ones are refused here.
    run.config()
    run.plan()
    check(run.weights_file, run.model_config_file)
    if run.adapters_file.is_file():
        check_adapters(run)


def _export(run: Run, folder: Path) -> tuple[str | None, str | None]:
    """Write the files for diffusers. Return the name of the pipeline, or else why there is none."""
    from nevoa.formats.diffusers.export import export

    try:
        return export(run.model("cpu"), folder), None
    except NevoaError as error:
        return None, str(error)


def _copy_pictures(run: Run, folder: Path) -> None:
    """Copy the loss, and the files of the run that the card shows."""
    card = read_text(run.card_file) if run.card_file.is_file() else ""
    root = run.folder.resolve()
    for path in {run.loss_file, run.metrics_file, *(run.folder / name for name in PICTURE.findall(card))}:
        if path.is_file() and (inside := path.resolve()).is_relative_to(root):
            copy = folder / inside.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)


def _shared_json(file: Path) -> str:
    values = read_json(file)
    return _as_json(values | {"plan": _shared(values["plan"])})


def _as_json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=2) + "\n"


def _shared_toml(file: Path) -> str:
    return tomli_w.dumps(_shared(tomllib.loads(read_text(file))))


def _shared(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config or plan in which paths of this machine are names."""
    shared: dict[str, Any] = {name: dict(value) if isinstance(value, dict) else value for name, value in config.items()}
    named = (shared.get("data", {}), "source"), (shared.get("training", {}), "start"), (shared, "distilled_from")
    for section, key in (*named, (shared, "base_model_name_or_path")):  # the last one of adapters
        if (value := section.get(key)) and is_path(value):
            section[key] = short_name(value)
    return shared
