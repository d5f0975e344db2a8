"""The Hugging Face Hub: repositories of models, down and up."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from json import JSONDecodeError
from pathlib import Path

from nevoa._util.visible import behind
from nevoa.errors import NevoaError, reason
from nevoa.formats.packages import needs

HUB = "hf:"
# As the Hub has it: no name begins or ends with a dash or a dot, or contains two of them in a row.
NAME = re.compile(r"(?!.*(--|[.][.]))[A-Za-z0-9_]([A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?")
# Seconds in which the Hub must say what it has, before anything is sent or fetched.
TIMEOUT = 10
# What a header can hold. The client quotes any other token in its error.
TOKEN = re.compile(r"[!-~]*")


def is_hub(place: object) -> bool:
    """Whether a place is written as `hf:OWNER/NAME[@REVISION]`."""
    return isinstance(place, str | os.PathLike) and os.fspath(place).startswith(HUB)


def download(place: str, patterns: Sequence[str]) -> Path:
    """Download the files of a repository that match one of the patterns. Return their folder in the Hub's own cache.

    The token is that of the environment (HF_TOKEN) or of `hf auth login`. With HF_HUB_OFFLINE=1 the cache must hold the
    files.

    Raises:
        NevoaError: the repository does not exist or is private, is gated, or cannot be reached.
    """
    name, revision = parsed(place)
    with explained(place):
        from huggingface_hub import HfApi, constants, snapshot_download

        # One question without retries, so that a wrong name or a missing network is reported at once.
        if not constants.HF_HUB_OFFLINE:
            HfApi().model_info(name, revision=revision, timeout=TIMEOUT)
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(patterns)))


def upload(folder: Path, place: str, private: bool = False, replaced: Sequence[str] = ()) -> str:
    """Upload the files of a folder in one commit. Return the address of the repository, which is created if needed.

    Args:
        private: whether nobody else may see the repository.
        replaced: beginnings of names; files of the repository with such a name that the folder lacks are removed.

    Raises:
        NevoaError: the token is missing or does not allow it, the Hub refuses a file, or cannot be reached.
    """
    name, revision = parsed(place)
    if revision:
        raise NevoaError(f"A push goes to the main branch: leave out @{revision}.")
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
    """The files below a folder, by name."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def parsed(place: str) -> tuple[str, str | None]:
    """Return name and revision of `hf:OWNER/NAME[@REVISION]`. A NevoaError for another form."""
    name, _, revision = place.removeprefix(HUB).partition("@")
    if not is_hub(place) or name.count("/") != 1 or not all(map(NAME.fullmatch, name.split("/"))):
        raise NevoaError(
            f"'{place}' does not have the form hf:OWNER/NAME[@REVISION], with names of ASCII letters, digits, '-', '_' "
            "and '.'."
        )
    return name, revision or None


def check_client() -> None:
    """Raise a NevoaError if the Hub's client is not installed."""
    needs("hub", "huggingface_hub")


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn the errors of the Hub's client into a NevoaError, which never quotes the token."""
    check_client()
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
    """Say what is wrong, and what to do."""
    from huggingface_hub import errors

    said = " ".join(str(error).split())
    if isinstance(error, errors.GatedRepoError):
        return f"{place} is gated: accept its terms on huggingface.co/{parsed(place)[0]}, then set HF_TOKEN."
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"{place} does not exist, or is private: check the name, or set HF_TOKEN."
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{place} has no such revision: leave out what follows the @."
    if isinstance(error, errors.HfHubHTTPError) and error.response is not None:  # None in older clients, offline
        return {
            401: f"The Hub needs a valid token for {place}: set HF_TOKEN, or run 'hf auth login'.",
            403: f"Your token does not allow this for {place}: use one that does, from huggingface.co/settings/tokens.",
        }.get(error.response.status_code, f"The Hub refused the request for {place}: {said}")
    if isinstance(error, ValueError) and not isinstance(error, JSONDecodeError):  # the metadata of a card
        return f"The Hub does not accept {place}: {said}"
    return f"The Hub cannot be reached for {place} ({reason(error)}): check the network."
