"""Packages of the extras, which may be missing."""

from importlib.util import find_spec

from nevoa.errors import NevoaError


def needs(extra: str, *packages: str) -> None:
    """Raise a NevoaError unless all packages of an extra can be imported."""
    if missing := [package for package in packages if find_spec(package) is None]:
        raise NevoaError(
            f"This needs the package{'s' * (len(missing) > 1)} {' and '.join(missing)}: pip install 'nevoa[{extra}]'."
        )
