"""Build the wheel and the source archive into dist/, and check what strangers will get.

python scripts/make_release.py [--suite]

Both are built twice, and the bytes must agree. The wheel must hold the files of src/nevoa that git has, and no others;
the source archive all files of git but large pictures. The wheel is installed into an environment of its own, in which
nevoa makes an image; with --suite all tests run there, against the wheel.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from nevoa.version import __version__

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
# What pyproject.toml leaves out of the source archive.
LEFT_OUT = "docs/*.png", "docs/*/*.png", "docs/*.gif"
# Added by the build.
METADATA = "PKG-INFO"
# Rooms that hold weights or images of others, whose licence must be there, too.
OF_OTHERS = "packaged/*", "data/sheets/*"


def run(*command: object, cwd: Path = ROOT) -> str:
    """Run a command, and return what it prints."""
    return subprocess.run([*map(str, command)], cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout


def built(place: Path) -> tuple[Path, Path]:
    """Build the wheel and the source archive into a folder."""
    run(sys.executable, "-m", "build", "--outdir", place)
    (wheel,), (source,) = place.glob("*.whl"), place.glob("*.tar.gz")
    return wheel, source


def check_equal(first: Iterable[Path], second: Iterable[Path]) -> None:
    for one, other in zip(first, second, strict=True):
        if one.read_bytes() != other.read_bytes():
            sys.exit(f"Two builds of {one.name} differ.")


def check_same(what: str, found: set[str], expected: set[str]) -> None:
    if missing := sorted(expected - found):
        sys.exit(f"{what} lacks {', '.join(missing)}.")
    if more := sorted(found - expected):
        sys.exit(f"{what} also has {', '.join(more)}.")


def check_contents(wheel: Path, source: Path) -> None:
    """Compare the files of both archives with those of git."""
    tracked = {*run("git", "ls-files").splitlines()}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    check_same("The wheel", names, {name[4:] for name in tracked if name.startswith("src/nevoa/")})
    with tarfile.open(source) as archive:
        names = {one.name.partition("/")[2] for one in archive.getmembers() if one.isfile()}
    pictures = {name for name in tracked if any(Path(name).match(pattern) for pattern in LEFT_OUT)}
    check_same("The source archive", names - {METADATA}, tracked - pictures)


def check_licences() -> None:
    for folder in (one for pattern in OF_OTHERS for one in (ROOT / "src/nevoa").glob(pattern) if one.is_dir()):
        texts = [*folder.glob("LICENSE*"), *folder.glob("README.md")]
        if not any("licen" in text.read_text("utf-8").lower() for text in texts):
            sys.exit(f"{folder} names no licence.")


def installed(wheel: str, folder: Path) -> Path:
    """Install the wheel into a new environment, with extras if the name has them. Return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", wheel)
    return python


def check_installed(python: Path, folder: Path) -> None:
    """Make an image from an empty folder, by what lies in the environment alone."""
    folder.mkdir()
    place = run(python, "-c", "import nevoa; print(nevoa.__file__)", cwd=folder)
    if ROOT in Path(place.strip()).parents:
        sys.exit(f"The environment imports the checkout: {place}")
    print(run(python, "-m", "nevoa", "--version", "--verbose", cwd=folder))
    run(python, "-m", "nevoa", "sample", "--count", "4", "--out", "clothes.png", cwd=folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", action="store_true", help="run all tests against the wheel; takes half an hour")
    wish = parser.parse_args()
    tag = os.environ.get("GITHUB_REF_NAME", "")
    if tag.startswith("v") and tag != f"v{__version__}":
        sys.exit(f"The tag is {tag}, and src/nevoa/version.py says {__version__}.")
    if changed := run("git", "status", "--porcelain"):
        sys.exit(f"Commit or remove what git does not know:\n{changed}")
    check_licences()
    with TemporaryDirectory() as name:
        place = Path(name)
        archives = built(place / "first")
        check_equal(archives, built(place / "second"))
        check_contents(*archives)
        run(sys.executable, "-m", "twine", "check", "--strict", *archives)
        extras = "[test]" if wish.suite else ""
        python = installed(f"{archives[0]}{extras}", place / "environment")
        check_installed(python, place / "empty")
        if wish.suite:
            subprocess.run([python, "-m", "pytest", "-n", "auto", "--dist", "loadfile"], cwd=ROOT, check=True)
        shutil.rmtree(DIST, ignore_errors=True)
        DIST.mkdir()
        for archive in archives:
            shutil.copy(archive, DIST)
    print(*(f"{one.stat().st_size / 1e6:.1f} MB  {one.relative_to(ROOT)}" for one in sorted(DIST.iterdir())), sep="\n")


if __name__ == "__main__":
    main()
