"""The table of the speedrun is that of its results."""

import importlib.util
import json
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks" / "speedrun"

spec = importlib.util.spec_from_file_location("speedrun", FOLDER / "run.py")
assert spec and spec.loader
speedrun = importlib.util.module_from_spec(spec)
spec.loader.exec_module(speedrun)
PAGE = speedrun.PAGE.read_text("utf-8")
RESULTS = speedrun.RESULTS.read_text("utf-8")


def test_the_table_has_every_result_as_it_was_measured() -> None:
    assert speedrun.with_table(PAGE, RESULTS) == PAGE


def test_only_minutes_that_reached_the_goal_are_bold() -> None:
    result = json.loads(RESULTS.splitlines()[-1])
    for distance, bold in ((speedrun.GOAL, True), (speedrun.GOAL + 0.001, False)):
        scores = result["scores"] | {"fd_fashion": distance}
        assert speedrun.row(result | {"scores": scores})[0].startswith("**") == bold
