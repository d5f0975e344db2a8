"""The folder that the studio works in: runs, uploads, and the files that the page shows."""

import re
import shutil
import time
from collections.abc import Callable, Sequence
from filecmp import cmp
from functools import partial
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryDirectory

from nevoa.runs import RUNS, Run
from nevoa.studio.files import changed
from nevoa.studio.jobs import Job, Jobs
from nevoa.studio.texts import StudioError

DAY = 86_400.0
# Limits of what one page brings at once.
MOST_FILES = 20_000
MOST_BYTES = 2_000_000_000
# Jobs whose runs can be watched although they may have refused to begin.
RECENT = 5
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".npy", ".npz", ".parquet")
UNUSUAL = re.compile(r"[^\w.-]+")
# In bytes.
LONGEST_NAME, LONGEST_SUFFIX = 80, 10


class Workspace:
    """A folder. Nothing outside of it is written.

    Args:
        folder: absolute, without links.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs, own = folder, folder / RUNS, folder / "studio"
        self.uploads, self.choices_file = own / "uploads", own / "choices.json"
        self.served = own / "served"  # copies of what the page shows
        self.jobs = Jobs(own / "jobs", folder)

    def run(self, name: str) -> Run:
        """The run of a name. A NevoaError if there is none in the folder of runs."""
        run = Run(self.runs / name)
        if not name or name.startswith(".") or Path(name).name != name or not run.folder.is_dir():
            raise StudioError("no_run", run=name)
        return run

    def run_names(self) -> list[str]:
        """Names of all runs, the one that was changed last first."""
        found = map(Run, self.runs.glob("*"))
        runs = [run for run in found if not run.folder.name.startswith(".") and (run.exists or run.has_model)]
        return [run.folder.name for run in sorted(runs, key=_worked, reverse=True)]

    def watchable(self) -> list[str]:
        """Return the names of runs, first those whose newest job has not ended or was refused, newest job first."""
        newest: dict[str, Job] = {}
        for job in reversed(list(self.jobs)[-RECENT:]):
            newest.setdefault(job.record.run, job)
        begun = [run for run, job in newest.items() if job.state != "ended" or job.error]
        return list(dict.fromkeys([*begun, *self.run_names()]))

    def free_name(self, name: str, arguments: Callable[[str], Sequence[str]] | None = None) -> str:
        """The name, or the next one that no run and no job has: photos, photos-2, photos-3, …

        Args:
            arguments: of the job that will have the name, by the name. A second click finds the job of the first.
        """
        plain = plain_name(name)
        base, _, number = plain.rpartition("-")
        if not (base and number.isdecimal()):
            base, number = plain, "1"
        active = {job.record.run: [*job.record.arguments] for job in self.jobs.active()}

        def is_free(one: str) -> bool:
            if one in active:
                return arguments is not None and active[one] == [*arguments(one)]
            return not (self.runs / one).exists()

        return next(filter(is_free, chain([plain], (f"{base}-{n}" for n in count(int(number) + 1)))))

    def sources(self) -> list[str]:
        """Return the paths of the uploads from the workspace, newest first."""
        found = [path for path in self.uploads.glob("*") if not path.name.startswith(".")]
        found.sort(key=changed, reverse=True)
        return [path.relative_to(self.folder).as_posix() for path in found]

    def tidy(self) -> None:
        """Remove copies of what pages have shown that are older than a day."""
        for path in self.served.glob("*"):
            # A picture that is shown again is written again, which leaves the time of its folder as it was.
            if time.time() - max(map(changed, [path, *path.glob("*")])) > DAY:
                shutil.rmtree(path, ignore_errors=True)

    def receive(self, files: Sequence[Path]) -> str:
        """Keep the files that a page has brought, and return their source: an archive, or a folder of the files.

        What has been brought before is kept once. A NevoaError if there are none, or too many, or too large ones.
        """
        if not files:
            raise StudioError("no_files")
        for source in self.sources():
            if _is_made_of(self.folder / source, files):
                return source
        if len(files) > MOST_FILES:
            raise StudioError("many_files", count=len(files), most=MOST_FILES)
        size = sum(file.stat().st_size for file in files)
        if size > MOST_BYTES:
            raise StudioError("large_files", size=f"{size / 1e9:.1f}", most=round(MOST_BYTES / 1e9))
        archive = len(files) == 1 and files[0].suffix.lower() in ARCHIVES
        name = plain_name(files[0].name) if archive else "images"
        paths = (self.uploads / (f"{number}-{name}" if number > 1 else name) for number in count(1))
        for folder in (self.uploads, self.served):
            folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.served) as folder:
            copy = Path(folder, "copy")
            if archive:
                shutil.copyfile(files[0], copy)
            else:
                _copy_all(files, copy)
            with self.jobs.changing():  # so that no other page takes the name
                path = copy.rename(next(path for path in paths if not path.exists()))
        return path.relative_to(self.folder).as_posix()


def plain_name(name: str) -> str:
    """A text as the name of a file: letters, digits, dots and dashes; no folder, no hidden file, its suffix kept."""
    plain = UNUSUAL.sub("-", name).strip(".-")
    suffix = Path(plain).suffix[-LONGEST_SUFFIX:]
    stem = plain.removesuffix(suffix).encode()[: LONGEST_NAME - len(suffix.encode())].decode(errors="ignore")
    return f"{stem.strip('.-') or 'run'}{suffix}"


def _copy_all(files: Sequence[Path], folder: Path) -> None:
    folder.mkdir()
    for name, file in zip(_names(files), files, strict=True):
        shutil.copyfile(file, folder / name)


def _names(files: Sequence[Path]) -> list[str]:
    """Their own names, by which captions and tables belong to images; with numbers where two are alike."""
    own = [file.name.lstrip(".") for file in files]
    if all(own) and len({name.lower() for name in own}) == len(own):
        return own
    return [f"{number:05d}-{plain_name(file.name)}" for number, file in enumerate(files)]


def _is_made_of(kept: Path, files: Sequence[Path]) -> bool:
    """Whether an earlier upload has just these contents."""
    if kept.is_file():
        copies, there = [kept], {kept}
    else:
        copies, there = [kept / name for name in _names(files)], {*kept.iterdir()}
    return len(copies) == len(files) and {*copies} == there and all(map(partial(cmp, shallow=False), copies, files))


def _worked(run: Run) -> float:
    """When a training last worked on a run."""
    return changed(run.metrics_file) or changed(run.folder)
