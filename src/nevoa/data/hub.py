"""The Hugging Face Hub: names there, data sets down, models down and up."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path

from nevoa._util.packages import needs
from nevoa._util.places import HUB as HUB
from nevoa._util.places import is_hub as is_hub
from nevoa._util.visible import behind
from nevoa.data.listing import Listing
from nevoa.data.sources.parquet import list_rows, load_dataset
from nevoa.errors import NevoaError, reason

# The branch where the Hub converts data sets that are scripts, which nevoa does not run, or archives.
PARQUET = "refs/convert/parquet"
# As the Hub has it: no name begins or ends with a dash or a dot, or contains two of them in a row.
NAME = re.compile(r"(?!.*(--|[.][.]))[A-Za-z0-9_]([A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?")
# Seconds in which the Hub must say what it has, before anything is sent or fetched.
TIMEOUT = 10
# The characters that a header can hold. The client quotes any other token in its error.
TOKEN = re.compile(r"[!-~]*")


@dataclass(frozen=True)
class Place:
    """A repository of the Hub: `hf:OWNER/NAME[:CONFIG][@REVISION]`. A data set may have configs.

    Attributes:
        label: the column of the classes, as for `list_rows`.
    """

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
    if not is_hub(text) or hub_id.count("/") != 1 or not all(map(NAME.fullmatch, hub_id.split("/"))):
        raise NevoaError(
            f"'{text}' does not have the form hf:OWNER/NAME[:CONFIG][@REVISION], with names of ASCII letters, digits, "
            "'-', '_' and '.'."
        )
    return Place(hub_id, config or None, revision or None)


def parse_model(text: str, pushed: bool = False) -> Place:
    """Parse `hf:OWNER/NAME[@REVISION]`, without a revision if it is pushed. A NevoaError for a text of another form."""
    place = parse_place(text)
    if place.config:
        raise NevoaError(f"{text} names a config, and only data sets have one: leave out :{place.config}.")
    if pushed and place.revision:
        raise NevoaError(f"A push makes a new revision: leave out @{place.revision}.")
    return place


def list_hub(place: Place, split: str, instead: str = "a folder of images") -> Listing:
    """List the rows of a split of a data set. If that fails, the error suggests to use `instead`."""
    needs("hub", "datasets")
    try:
        token = os.environ.get("HF_TOKEN") or False  # False: not the token that a login left on the disk
        # The branch of conversions has no card that names configs; there, a config is a folder.
        config = {"data_dir" if place.revision == PARQUET else "name": place.config}
        rows = load_dataset(place.hub_id, **config, split=split, revision=place.revision, token=token)
    except Exception as error:  # network, libraries and missing data sets raise errors of many kinds
        raise NevoaError(f"Cannot fetch {place}, split {split} ({reason(error)}). Try {instead}.") from error
    return list_rows(rows, place.label, str(place))


def download(place: str, patterns: Sequence[str]) -> Path:
    """Download the files of a repository that match one of the patterns. Return their folder in the Hub's own cache.

    The token is that of the environment (HF_TOKEN) or of `hf auth login`. With HF_HUB_OFFLINE=1 the cache must hold the
    files.

    Raises:
        NevoaError: the repository does not exist or is private, is gated, or cannot be reached.
    """
    found = parse_model(place)
    with explained(place):
        from huggingface_hub import HfApi, constants, snapshot_download

        # One question without retries, so that a wrong name or a missing network is reported at once.
        if not constants.HF_HUB_OFFLINE:
            HfApi().model_info(found.hub_id, revision=found.revision, timeout=TIMEOUT)
        return Path(snapshot_download(found.hub_id, revision=found.revision, allow_patterns=list(patterns)))


def upload(folder: Path, place: str, private: bool = False, replaced: Sequence[str] = ()) -> str:
    """Upload the files of a folder in one commit. Return the address of the repository, which is created if needed.

    Args:
        private: whether nobody else may see the repository.
        replaced: beginnings of names; files of the repository with such a name that the folder lacks are removed.

    Raises:
        NevoaError: the token is missing or does not allow it, the Hub refuses a file, or cannot be reached.
    """
    name = parse_model(place, pushed=True).hub_id
    with explained(place):
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

        api = HfApi()
        address = api.create_repo(name, private=private or None, exist_ok=True)
        found = api.model_info(name, timeout=TIMEOUT)
        if private and not found.private:
            raise NevoaError(f"{place} exists and is public: leave out --private, or change it on {address}/settings.")
        new = {path.relative_to(folder).as_posix(): path for path in files_of(folder)}
        old = {file.rfilename for file in found.siblings or () if file.rfilename.startswith(tuple(replaced))}
        changes = [
            *(CommitOperationAdd(file, path) for file, path in new.items()),
            *(CommitOperationDelete(file) for file in sorted(old - set(new))),
        ]
        api.create_commit(name, changes, commit_message="Upload a model of nevoa")
        return str(address)


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn the errors of the Hub's client into a NevoaError, which never quotes the token."""
    needs("hub", "huggingface_hub")
    from huggingface_hub import get_token

    try:
        if not TOKEN.fullmatch(get_token() or ""):
            raise NevoaError(
                "Your token of the Hub has characters that no token has: set HF_TOKEN, or run 'hf auth login', again."
            )
        with _quiet():
            yield
    except NevoaError:
        raise
    except Exception as error:  # without a network, each version of the client brings the errors of another library
        raise NevoaError(_sentence(error, place)) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the client's progress bars unless stderr is a terminal, which has to obey what they are drawn by."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if sys.stderr.isatty() or are_progress_bars_disabled():
        with redirect_stderr(behind(sys.stderr)):
            yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _sentence(error: Exception, place: str) -> str:
    from huggingface_hub import errors

    said = " ".join(str(error).split())
    if isinstance(error, errors.GatedRepoError):
        return f"{place} is gated: accept its terms on huggingface.co/{parse_model(place).hub_id}, then set HF_TOKEN."
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"{place} does not exist, or is private: check the name, or set HF_TOKEN."
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{place} has no such revision: name another after the @, or none."
    if isinstance(error, errors.HfHubHTTPError) and error.response is not None:  # None in older clients, offline
        return {
            401: f"The Hub needs a valid token for {place}: set HF_TOKEN, or run 'hf auth login'.",
            403: f"Your token does not allow this for {place}: use one that does, from huggingface.co/settings/tokens.",
        }.get(error.response.status_code, f"The Hub refused the request for {place}: {said}")
    if isinstance(error, ValueError) and not isinstance(error, JSONDecodeError):  # the metadata of a card
        return f"The Hub does not accept {place}: {said}"
    return f"The Hub cannot be reached for {place} ({reason(error)}): check the network."
