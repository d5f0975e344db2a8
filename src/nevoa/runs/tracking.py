"""The state of a tracker: its own name for the run, and how much was sent."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from nevoa._util.files import read_json_or_empty, write_text
from nevoa.runs.run import Run


class Sent(BaseModel):
    """How much of a run a tracker has.

    Attributes:
        id: of the run, in the tracker.
        images_seen: at the last report that was sent.
        scores: the last ones that were sent.

    Example:
        >>> Sent(id="clothes-1a2b3c").images_seen
        0
    """

    model_config = ConfigDict(allow_inf_nan=False)

    id: str
    images_seen: NonNegativeInt = 0
    scores: dict[str, float] = {}


def read_sent(run: Run, tracker: str) -> Sent | None:
    """Return how much of a run a tracker has; None if it has nothing or the file is damaged.

    Example:
        >>> read_sent(run, "wandb") is None
        True
    """
    with suppress(ValidationError):
        return Sent.model_validate(read_json_or_empty(run.tracking_file).get(tracker))
    return None


def write_sent(run: Run, tracker: str, sent: Sent) -> None:
    """Note in the run folder how much of the run a tracker has.

    Example:
        >>> write_sent(run, "tensorboard", Sent(id="clothes-1a2b3c", images_seen=16))
        >>> read_sent(run, "tensorboard").images_seen
        16
    """
    others = read_json_or_empty(run.tracking_file)
    write_text(run.tracking_file, json.dumps(others | {tracker: sent.model_dump()}, indent=2) + "\n")


def reports_after(run: Run, images_seen: int) -> Iterator[tuple[dict[str, Any], dict[int, Path]]]:
    """Yield each line of the metrics after so many images, with the previews since the line before by `images_seen`.

    Example:
        >>> [line["images_seen"] for line, _ in reports_after(run, 0)]
        [8, 16]
    """
    previews = {int(path.stem): path for path in run.previews() if path.stem.isdecimal()}
    for line in run.metrics():
        if (now := line["images_seen"]) > images_seen:
            yield line, {seen: path for seen, path in previews.items() if images_seen < seen <= now}
            images_seen = now
