"""Build the wheel and the source archive into dist/, and check what strangers will get.

python scripts/make_release.py [--suite] [--extras] [--lowest]

Both are built twice, and the bytes must agree. The wheel must hold the files of src/nevoa that git has, and no others;
the source archive all files of git but large pictures. The wheel is installed into an environment of its own, in which
nevoa makes an image; with --suite all tests run there, against the wheel. With --extras each extra gets an environment
of its own, too, and does what it is for. With --lowest pip installs the lowest versions that pyproject.toml promises.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from nevoa.version import __version__

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
# What pyproject.toml leaves out of the source archive.
LEFT_OUT = "docs/*.png", "docs/*/*.png", "docs/*.gif"
# Added by the build.
METADATA = "PKG-INFO"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# Rooms that hold weights or images of others, whose licence must be there, too.
OF_OTHERS = "packaged/*", "data/sheets/*"
PARQUET = """
from datasets import Dataset
from PIL import Image
from nevoa.data import load_images
Dataset.from_dict({"image": [Image.new("RGB", (8, 8))] * 9}).to_parquet("nine.parquet")
assert len(load_images("nine.parquet")) == 9
"""
SMALL = "-m nevoa train shapes --limit 100 --size 8 --steps 2 -o network.kind=residual -o network.dim=8 --out run"
# What Python does in an environment with one extra: the smallest thing that it is for.
TRIALS = {
    "hub": f"-c {shlex.quote(PARQUET)}",
    "diffusers": "-m nevoa export --to diffusers --out folder",
    "lora": "-m nevoa train shapes --limit 100 --from drawings32 --lora 2 --steps 1 -o training.batch_size=2 --out run",
    "onnx": "-m nevoa export --to onnx",
    "video": "-m nevoa sample --count 1 --steps 4 --out clothes.mp4",
    "metrics": "-c 'from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3'",
    "digits": "-m nevoa data show digits --out digits.png",
    "lessons": "-c 'import ipykernel, ipywidgets, nevoa.lessons; assert nevoa.lessons.photo().shape[2] == 3'",
    "studio": "-c 'from nevoa.studio import application; import uvicorn'",
    "notify": f"{SMALL} --notify",
    **{name: f"{SMALL} --track {name}" for name in ("tensorboard", "wandb", "mlflow", "trackio")},
}


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


def needs(extra: str) -> Iterator[str]:
    """Yield the requirements of an extra in pyproject.toml, and of the extras that it names; of nevoa alone for ""."""
    for need in PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]:
        yield from needs(need[6:-1]) if need.startswith("nevoa[") else [need]


def lowest(extra: str) -> str:
    """The lowest versions as constraints of pip. Not of torch, which is gigabytes: that is the version at hand."""
    pairs = (need.partition(",")[0].split(">=") for need in {*needs(""), *needs(extra)})
    return "\n".join(f"{name}=={version}" for name, version in pairs if name != "torch")


def installed(wheel: Path, extra: str, folder: Path, constraints: str) -> Path:
    """Install the wheel into a new environment, perhaps with an extra. Return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    limits = folder / "constraints.txt"
    limits.write_text(constraints, "utf-8")
    what = f"{wheel}[{extra}]" if extra else wheel
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", "--constraint", limits, what)
    return python


def check_installed(python: Path, folder: Path) -> None:
    """Import all that is public, and make an image from an empty folder, by what lies in the environment alone."""
    folder.mkdir()
    # Where pytest will start, with the same path.
    place = run(python, "-c", "import nevoa; [getattr(nevoa, name) for name in dir(nevoa)]; print(nevoa.__file__)")
    if ROOT in Path(place.strip()).parents:
        sys.exit(f"The environment imports the checkout: {place}")
    print(run(python, "-m", "nevoa", "--version", "--verbose", cwd=folder))
    run(python, "-m", "nevoa", cwd=folder)
    run(python, "-m", "nevoa", "sample", "--count", "4", "--out", "clothes.png", cwd=folder)


def check_extra(extra: str, python: Path, folder: Path) -> None:
    folder.mkdir()
    print(f"{extra}: {TRIALS[extra]}", flush=True)
    run(python, *shlex.split(TRIALS[extra]), cwd=folder)


def check_wheel(wheel: Path, wish: argparse.Namespace) -> None:
    """Install the wheel as strangers do, and use it there."""
    for extra in ("test" if wish.suite else "", *(TRIALS if wish.extras else ())):
        with TemporaryDirectory() as name:
            python = installed(wheel, extra, Path(name, "environment"), lowest(extra) if wish.lowest else "")
            if extra in TRIALS:
                check_extra(extra, python, Path(name, "empty"))
            else:
                check_installed(python, Path(name, "empty"))
            if extra == "test":
                subprocess.run([python, "-m", "pytest", "-n", "auto", "--dist", "loadfile"], cwd=ROOT, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", action="store_true", help="run all tests against the wheel; takes half an hour")
    parser.add_argument("--extras", action="store_true", help="try each extra alone; takes half an hour")
    parser.add_argument("--lowest", action="store_true", help="do so with the lowest versions of pyproject.toml")
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
        check_wheel(archives[0], wish)
        shutil.rmtree(DIST, ignore_errors=True)
        DIST.mkdir()
        for archive in archives:
            shutil.copy(archive, DIST)
    print(*(f"{one.stat().st_size / 1e6:.1f} MB  {one.relative_to(ROOT)}" for one in sorted(DIST.iterdir())), sep="\n")


if __name__ == "__main__":
    main()
