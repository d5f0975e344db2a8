"""The actions of the tab "Runs" on the runs that a person has chosen."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from PIL import Image

from nevoa.errors import NevoaError
from nevoa.runs import Run, Summary, best_report, remove
from nevoa.studio.commands import answer, exported, output
from nevoa.studio.controls import table
from nevoa.studio.texts import StudioError, Texts
from nevoa.studio.workspace import Workspace

# Images of an evaluation: more take minutes, fewer say little.
COUNT = 2048
COLUMNS = "run", "state", "seen", "loss", "quality", "size"
Pictures = list[tuple[Image.Image, str]]


class RunActions:
    """The actions, each on names of runs."""

    def __init__(self, workspace: Workspace, say: Texts) -> None:
        self.workspace, self.say = workspace, say

    def table(self) -> str:
        """A row for each run, in Markdown: name, state, images seen, loss, quality and size."""
        runs = [Summary.of(self.workspace.run(name)) for name in self.workspace.run_names()]
        return table([self.say.text(f"column_{name}") for name in COLUMNS], map(self._row, runs))

    def compare(self, names: Sequence[str]) -> Pictures:
        """The losses of the runs in one plot."""
        runs = [f"runs/{run.folder.name}" for run in self._chosen(names)]
        with TemporaryDirectory(dir=self.workspace.served) as folder:
            path = Path(folder, "loss.png")
            output(self.workspace.folder, ["runs", "plot", *runs, f"--out={path}"])
            return [(Image.open(path).copy(), self.say.label("compare"))]

    def samples(self, names: Sequence[str]) -> Pictures:
        """The newest preview of each run."""
        previews = {run.folder.name: run.previews() for run in self._chosen(names)}
        if not any(previews.values()):
            raise StudioError("no_previews")
        return [(Image.open(paths[-1]).copy(), name) for name, paths in previews.items() if paths]

    def report(self, names: Sequence[str]) -> tuple[str, Pictures]:
        """The scores of the runs side by side, and the pictures of their evaluations."""
        found = {run.folder.name: best_report(run) for run in self._chosen(names)}
        measured = {name: pair for name, pair in found.items() if pair}
        if not measured:
            for name in found:
                self._explain(name)
            raise StudioError("not_measured")
        sheets = {name: path.with_suffix(".png") for name, (path, _) in measured.items()}
        pictures = [(Image.open(path).copy(), name) for name, path in sheets.items() if path.exists()]
        return _scores({name: saved.scores for name, (_, saved) in measured.items()}), pictures

    def _explain(self, name: str) -> None:
        """Raise what keeps a run's newest evaluation from having a report."""
        job = self.workspace.jobs.of_run(name)
        if job is None or job.trains:
            return
        if job.error:
            raise NevoaError(job.error)
        if job.state != "ended":
            raise StudioError("measuring", run=name)

    def evaluate(self, names: Sequence[str]) -> str:
        """Let jobs measure the runs."""
        runs = [run.folder.name for run in self._chosen(names)]
        for name in runs:
            self.workspace.jobs.add(["evaluate", f"runs/{name}", f"--count={COUNT}"], name)
        return self.say.text("evaluating", runs=", ".join(runs))

    def check(self, names: Sequence[str]) -> str:
        """Read every file of the runs, and name the damaged ones."""
        lines = []
        for run in self._chosen(names):
            parts = answer(self.workspace.folder, ["runs", "check", str(run.folder), "--json"], codes=(0, 2))
            damaged = [self.say.text("damaged", **part) for part in parts if part["problem"]]
            lines += damaged or [self.say.text("valid", run=run.folder.name, parts=len(parts))]
        return "\n\n".join(lines)

    def export(self, names: Sequence[str], kind: str) -> str:
        """The path of the first run's model in another format."""
        run = self._chosen(names)[0].folder
        return str(exported(self.workspace.folder, run, kind, Path(mkdtemp(dir=self.workspace.served))))

    def remove(self, names: Sequence[str], typed: str) -> str:
        """Remove one run, if its name is typed and it has no job."""
        if list(names) != [typed.strip()]:
            raise StudioError("not_confirmed")
        [run] = self._chosen(names)
        if any(job.record.run == run.folder.name for job in self.workspace.jobs.active()):
            raise StudioError("busy", run=run.folder.name)
        remove(run)
        return self.say.text("removed", run=run.folder.name)

    def _chosen(self, names: Sequence[str]) -> list[Run]:
        if not names:
            raise StudioError("none_chosen")
        return [self.workspace.run(name) for name in names]

    def _row(self, summary: Summary) -> list[str]:
        number = self.say.number
        planned = f" / {number(summary.images_planned)}" if summary.images_planned else ""
        quality = f"{summary.quality[0]} {number(summary.quality[1], '.3g')}" if summary.quality else ""
        loss = "" if summary.loss is None else number(summary.loss, ".4f")
        state, size = self.say.text(f"state_{summary.status}"), f"{number(summary.size / 1e6, ',.0f')} MB"
        return [summary.name, state, f"{number(summary.images_seen)}{planned}", loss, quality, size]


def _scores(runs: dict[str, dict[str, float]]) -> str:
    """The scores of runs side by side, in Markdown."""
    names = dict.fromkeys(name for scores in runs.values() for name in scores)
    values = ([name, *(f"{scores[name]:.4g}" if name in scores else "" for scores in runs.values())] for name in names)
    return table(["", *runs], values)
