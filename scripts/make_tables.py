"""Make the tables of docs/benchmarks.md, docs/few-pictures.md and docs/speed.md from the receipts in docs/benchmarks.

python scripts/make_tables.py            write the tables into the pages
python scripts/make_tables.py --check    name the tables that differ from their receipts, and exit with code 1

A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`. Its receipt is docs/benchmarks/NAME.json: a
report of `nevoa evaluate`, which `nevoa verify` repeats; or commands, machine, date and versions, with columns and rows
of text. `transcribed` says that the figures were copied from a page, where they were written by hand.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nevoa.evaluation.report import rounded

DOCS = Path(__file__).parents[1] / "docs"
PAGES = DOCS / "benchmarks.md", DOCS / "speed.md", DOCS / "few-pictures.md"
TABLE = re.compile(r"(?<=^<!-- table: )([\w-]+)( -->\n)(.*?)(?=<!-- end of table -->$)", re.MULTILINE | re.DOTALL)
KEYS = {"transcribed", "commands", "machine", "date", "versions", "columns", "rows"}


def table(receipt: dict[str, Any]) -> str:
    """Return a receipt as a table in Markdown. A ValueError if it has other keys, or a row of another length."""
    columns, rows = _of_report(receipt) if "scores" in receipt else _of_rows(receipt)
    if any(len(row) != len(columns) for row in rows):
        raise ValueError(f"each row needs {len(columns)} cells")
    return "\n".join(map(_line, [columns, ["---"] * len(columns), *rows]))


def with_tables(page: str, receipts: Path) -> str:
    """Return a page with each table as its receipt has it."""

    def replaced(found: re.Match[str]) -> str:
        name, marker, _ = found.groups()
        lines = table(json.loads((receipts / f"{name}.json").read_text(encoding="utf-8")))
        return f"{name}{marker}\n{lines}\n\n"

    return TABLE.sub(replaced, page)


def outdated(page: str, receipts: Path) -> Iterator[str]:
    """Yield the names of the tables that differ from their receipts, and of the receipts without a table."""
    shown, right = (
        {name: text for name, _, text in TABLE.findall(each)} for each in (page, with_tables(page, receipts))
    )
    yield from (name for name in shown if shown[name] != right[name])
    yield from (path.stem for path in sorted(receipts.glob("*.json")) if path.stem not in shown)


def _of_report(report: dict[str, Any]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    floor = {name: rounded(score, report["floor_spread"].get(name)) for name, score in report["floor"].items()}
    rows = [
        (f"`{name}`", f"{score:.4g}", floor.get(name, "").replace("±", " ± "))
        for name, score in report["scores"].items()
    ]
    return (f"{report['title']}, `{report['protocol']['name']}`", "score", "floor"), rows


def _of_rows(receipt: dict[str, Any]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    if receipt.keys() != KEYS:
        raise ValueError(f"its keys are {sorted(receipt)}, not {sorted(KEYS)}")
    return receipt["columns"], receipt["rows"]


def _line(cells: Sequence[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    pages, receipts = {path: path.read_text(encoding="utf-8") for path in PAGES}, DOCS / "benchmarks"
    if parser.parse_args().check:
        wrong = outdated("".join(pages.values()), receipts)
        sys.exit("\n".join(f"{name} differs: run scripts/make_tables.py" for name in wrong) or 0)
    for path, page in pages.items():
        path.write_text(with_tables(page, receipts), encoding="utf-8")


if __name__ == "__main__":
    main()
