"""Send a run to trackers while it is trained.

A tracker is a copy of the run folder: what it has is noted in the folder, and the rest is sent. So a resumed run sends
nothing twice, and a tracker that failed, or was not there from the beginning, gets the rest later.
"""

import math
import shlex
import sys
import warnings
from collections.abc import Generator, Iterable, Mapping
from contextlib import redirect_stdout
from typing import Any, TypeVar

from PIL import Image

from nevoa.errors import reason
from nevoa.runs import Run, Sent, best_report, best_saved, newest_saved, read_sent, reports_after, write_sent
from nevoa.trackers.services import Tracker

T = TypeVar("T")

# The axis of the curves, and a count that means something else in a run of another batch size.
NO_CURVES = "images_seen", "step"


def tracked(steps: Iterable[T], run: Run, trackers: Mapping[str, Tracker]) -> Generator[T, None, None]:
    """Pass the steps of a training on, and send each report that it writes into the run folder to the trackers.

    A tracker that fails is left out from then on, with one warning.

    Args:
        trackers: by the names under which the run folder remembers them: `trackers_of`.

    Example:
        >>> run = nevoa.Run("runs/clothes")
        >>> for step in tracked(nevoa.fit(config, run.folder), run, trackers_of(["tensorboard"])):
        ...     print(step.images_seen, step.loss)
    """
    copies = [Copy(run, name, tracker) for name, tracker in trackers.items()]
    known = -1
    try:
        for step in steps:
            size = run.metrics_file.stat().st_size if run.metrics_file.exists() else 0
            if size != known:  # it grows with each report
                known = size
                _update(copies)
            yield step
    finally:
        _update(copies, finish=True)


def _update(copies: list["Copy"], finish: bool = False) -> None:
    """Bring the copies up to date. Those that fail are removed from the list."""
    for copy in list(copies):
        try:
            with redirect_stdout(sys.stderr):  # some print; nevoa's own output may be JSON
                copy.update(finish)
        except Exception as error:  # each service fails in its own way, and none may stop a training
            copies.remove(copy)
            later = shlex.join(["nevoa", "continue", str(copy.run.folder), "--track", copy.name])
            warnings.warn(
                f"{copy.name} no longer tracks this run ({reason(error)}). To send the rest later: {later}",
                stacklevel=3,
            )


class Copy:
    """A run in a tracker."""

    def __init__(self, run: Run, name: str, tracker: Tracker):
        self.run, self.name, self.tracker = run, name, tracker
        self.sent: Sent | None = None

    def update(self, finish: bool) -> None:
        """Send what is new in the run folder: at first after opening the tracker's run, at last before closing it."""
        if not self.run.exists:
            return
        self.sent = sent = self.sent or self._open()
        try:
            self._send_scores(sent)
            self._send_reports(sent)
        finally:
            write_sent(self.run, self.name, sent)
        if finish:
            self.tracker.finish()

    def _open(self) -> Sent:
        sent = read_sent(self.run, self.name)
        opened = self.tracker.start(self.run, sent.id if sent else None)
        return sent or Sent(id=opened)

    def _send_reports(self, sent: Sent) -> None:
        for line, previews in reports_after(self.run, sent.images_seen):
            for images_seen, path in previews.items():
                with Image.open(path) as picture:
                    self.tracker.image(picture.convert("RGB"), images_seen)
            self.tracker.scalars(numbers(line), line["images_seen"])
            sent.images_seen = line["images_seen"]

    def _send_scores(self, sent: Sent) -> None:
        """Send the scores of the run's model, at the images that it has seen, unless they are known."""
        found = best_report(self.run)
        scores = numbers(found[1].scores, "evaluation/") if found and found[1].weights else {}
        if scores and scores != sent.scores:
            seen = best_saved(self.run.checkpoints) or newest_saved(self.run.checkpoints)
            self.tracker.scalars(scores, seen)
            sent.scores = scores


def numbers(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The finite numbers in nested values, by names as in `loss_by_log_snr/0_to_3`."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and math.isfinite(value) and name not in NO_CURVES:
            found[prefix + name] = float(value)
    return found
