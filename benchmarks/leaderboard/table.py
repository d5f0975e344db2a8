"""The leaderboard as Markdown."""

from collections.abc import Callable
from typing import Any

COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "contender": lambda about: about["contender"],
    "version": lambda about: about["version"],
    "settings": lambda about: about["settings"],
    "parameters": lambda about: f"{about['parameters'] / 1e6:.1f} M",
    "images seen": lambda about: f"{about['images_seen']:,}",
    "steps": lambda about: f"{about['steps']:,}",
    "training, min": lambda about: f"{about['training_seconds'] / 60:.1f}",
    "sampler x steps (recommended / used)": lambda about: (
        f"{about['sampler']} x {about['sampling_steps_recommended']} / {about['sampling_steps']}"
    ),
    "sampling, s per image": lambda about: f"{about['drawing_seconds'] / about['asked']['count']:.3g}",
}
FLOOR = "real images (the floor)"
# Ends of the names of scores that the table leaves out: intervals, and what near copies say, too.
LEFT_OUT = ("_low", "_high", "_ratio")


def markdown(machine: dict[str, Any], results: list[dict[str, Any]]) -> str:
    """The machine, then a row for each contender, the best first, and one for real images.

    Args:
        results: what each left in `about.json`, with `scores` and `floor`.
    """
    header, rows = columns_and_rows(results)
    said = "; ".join(f"{key} {value}" for key, value in machine.items())
    return "\n".join([said, "", *map(_line, [header, ["---"] * len(header), *rows])]) + "\n"


def receipt(command: str, machine: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    """The table as scripts/make_tables.py puts it into docs/benchmarks.md."""
    header, rows = columns_and_rows(results)
    said = {key: value for key, value in machine.items() if key not in ("torch", "date")}
    about = {"commands": [command], "machine": "; ".join(f"{key} {value}" for key, value in said.items())}
    about |= {"date": machine["date"], "versions": {"torch": machine["torch"]}}
    return {"transcribed": False, **about, "columns": header, "rows": rows}


def columns_and_rows(results: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the cells of each row."""
    shown = [name for name in results[0]["scores"] if not name.endswith(LEFT_OUT)]  # the Fréchet distance first
    ranked = sorted(results, key=lambda about: about["scores"].get(shown[0], float("inf")))
    rows = [[*(cell(about) for cell in COLUMNS.values()), *_scores(about["scores"], shown)] for about in ranked]
    rows.append([FLOOR, *[""] * (len(COLUMNS) - 1), *_scores(ranked[0]["floor"], shown)])
    return [*COLUMNS, *shown], rows


def _scores(scores: dict[str, float], shown: list[str]) -> list[str]:
    return [f"{scores[name]:.4g}" if name in scores else "" for name in shown]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
