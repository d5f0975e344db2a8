"""The tables of figures in the documentation are those of the receipts."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECEIPTS = ROOT / "docs" / "benchmarks"

spec = importlib.util.spec_from_file_location("make_tables", ROOT / "scripts" / "make_tables.py")
assert spec and spec.loader
make_tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_tables)
PAGE = "".join(path.read_text("utf-8") for path in make_tables.PAGES)


def test_every_table_is_that_of_its_receipt_and_every_receipt_has_a_table() -> None:
    assert list(make_tables.outdated(PAGE, RECEIPTS)) == []


def test_no_table_is_without_a_receipt() -> None:
    outside = make_tables.TABLE.sub("", PAGE)
    assert not [line for line in outside.splitlines() if line.startswith("|")]


def test_an_edited_figure_is_found_and_mended(tmp_path: Path) -> None:
    edited = PAGE.replace("| 321,920 | 0.549 |", "| 321,920 | 0.449 |")
    assert edited != PAGE
    assert list(make_tables.outdated(edited, RECEIPTS)) == ["time-to-quality"]
    assert make_tables.with_tables(edited, RECEIPTS) == PAGE
    shutil.copytree(RECEIPTS, tmp_path / "receipts")
    shutil.copy(RECEIPTS / "studio.json", tmp_path / "receipts" / "forgotten.json")
    assert list(make_tables.outdated(PAGE, tmp_path / "receipts")) == ["forgotten"]


def test_a_new_table_is_filled_and_what_follows_stays() -> None:
    lines = PAGE.splitlines()
    empty = "\n".join(line for line in lines if not line.startswith("|")).replace("\n\n\n", "\n\n") + "\n"
    assert empty.count("table:") == PAGE.count("table:")
    assert make_tables.with_tables(empty, RECEIPTS) == PAGE


@pytest.mark.parametrize("path", sorted(RECEIPTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_receipt_says_where_its_figures_come_from(path: Path) -> None:
    values = json.loads(path.read_text("utf-8"))
    assert (
        values.get("transcribed") is True
        or {"commands", "machine", "date", "versions"} <= values.keys()
        or (values["receipt"]["facts"]["cpu"] and values["receipt"]["facts"]["torch"] and values["made_at"])
    )


def test_a_table_of_a_report_has_its_scores_and_floors() -> None:
    report = {
        "scores": {"fd_a": 0.30123, "near_copies": 0.0},
        "floor": {"fd_a": 0.02083},
        "floor_spread": {"fd_a": 0.0016},
    }
    text = make_tables.table(report | {"title": "9 images by ddim in 7 steps", "protocol": {"name": "nevoa-a/2"}})
    rows = text.splitlines()
    assert rows[0] == "| 9 images by ddim in 7 steps, `nevoa-a/2` | score | floor |"
    assert rows[2:] == ["| `fd_a` | 0.3012 | 0.0208 ± 0.0016 |", "| `near_copies` | 0 | |"]


def test_a_receipt_of_another_form_is_refused() -> None:
    two_cells = dict.fromkeys(make_tables.KEYS) | {"columns": ["a"], "rows": [["1", "2"]]}
    with pytest.raises(ValueError, match="each row needs 1 cells"):
        make_tables.table(two_cells)
    with pytest.raises(ValueError, match="its keys are"):
        make_tables.table({"columns": ["a"], "rows": [["1"]]})
