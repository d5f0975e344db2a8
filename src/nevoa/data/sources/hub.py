"""Data sets of the Hugging Face Hub."""

import os
from dataclasses import dataclass

from nevoa.data.listing import Listing
from nevoa.data.sources.parquet import import_load_dataset, list_rows
from nevoa.errors import NevoaError, reason

HUB = "hf:"
# The branch where the Hub converts data sets that are scripts, which nevoa does not run, or archives.
PARQUET = "refs/convert/parquet"


@dataclass(frozen=True)
class Place:
    """A data set of the Hub: `hf:OWNER/NAME[:CONFIG][@REVISION]`; `label` as for `list_rows`."""

    hub_id: str
    config: str | None = None
    revision: str | None = None
    label: str | None = None

    def __str__(self) -> str:
        config = f":{self.config}" if self.config else ""
        return f"{HUB}{self.hub_id}{config}" + (f"@{self.revision}" if self.revision else "")


def parse_place(text: str) -> Place:
    """Parse `hf:OWNER/NAME[:CONFIG][@REVISION]`. A NevoaError if the text does not have that form."""
    rest, _, revision = text.removeprefix(HUB).partition("@")
    hub_id, _, config = rest.partition(":")
    if hub_id.count("/") != 1 or not all(hub_id.split("/")):
        raise NevoaError(f"'{text}' does not have the form hf:OWNER/NAME[:CONFIG][@REVISION].")
    return Place(hub_id, config or None, revision or None)


def list_hub(place: Place, split: str, instead: str = "a folder of images") -> Listing:
    """List the rows of a split. If that fails, the error suggests to use `instead`."""
    load_dataset = import_load_dataset(f"Fetching {place} from the Hugging Face Hub")
    try:
        token = os.environ.get("HF_TOKEN") or False  # False: not the token that a login left on the disk
        # The branch of conversions has no card that names configs; there, a config is a folder.
        config = {"data_dir" if place.revision == PARQUET else "name": place.config}
        rows = load_dataset(place.hub_id, **config, split=split, revision=place.revision, token=token)
    except Exception as error:  # network, libraries and missing data sets raise errors of many kinds
        raise NevoaError(f"Cannot fetch {place}, split {split} ({reason(error)}). Try {instead}.") from error
    return list_rows(rows, place.label, str(place))
