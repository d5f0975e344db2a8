"""Fit the best width for an amount of computation to the trials; print the table and draw the curves.

    .venv/bin/python benchmarks/scaling/fit.py [--trials RESULTS.jsonl] [--plot docs/scaling-laws.png]

The logarithm of the distance is fitted by least squares. The best width is a power law of the FLOP, and its distance
falls as one, down to a limit.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from scipy.optimize import least_squares

from nevoa.training.width import in_words

HERE = Path(__file__).parent
# The trials that the law is fitted to: the settings of `quick`.
SETTINGS = {
    "training.batch_size": "32",
    "training.cooldown": "0.5",
    "training.learning_rate": "0.001",
    "training.timestep_distribution": "log_normal",
    "diffusion.prediction": "flow",
}
# A budget with one width says nothing about the best.
FEWEST_WIDTHS = 2
# Marks of the axes.
DISTANCES = 0.3, 0.5, 1, 2, 3, 5, 7

# By FLOP and width, the distance of each seed.
Distances = dict[float, dict[int, list[float]]]


@dataclass(frozen=True)
class Law:
    """The distance of a width after so many FLOP, and the best width.

    distance = limit + at_1e13 (FLOP / 1e13)^-fall exp(spread (u - 1 - log u)),    u = (best / width)^2,
    best     = width_at_1e13 (FLOP / 1e13)^exponent.

    An image takes operations in proportion to the square of the width, so u is the number of images that are seen,
    divided by that of the best width.

    Attributes:
        limit: what no number of FLOP takes away.
    """

    at_1e13: float
    fall: float
    spread: float
    width_at_1e13: float
    exponent: float
    limit: float

    @classmethod
    def fitted(cls, distances: Distances) -> "Law":
        """The law of the trials, in numbers of three digits."""

        def errors(logarithms: np.ndarray) -> np.ndarray:
            return cls(*np.exp(logarithms)).errors(distances)

        found = least_squares(errors, np.log([1, 0.5, 0.5, 20, 0.2, 0.1]))
        return cls(*(float(f"{number:.3g}") for number in np.exp(found.x)))

    def errors(self, distances: Distances) -> np.ndarray:
        """The logarithm of the distance / the expected one, of each width of each budget."""
        points = [(flop, width, fmean(seeds)) for flop, row in distances.items() for width, seeds in row.items()]
        flop, width, seen = np.array(points).T
        return np.log(seen / self.distance(flop, width))

    def in_words(self, distances: Distances) -> str:
        """Return by how much the distances differ from the law."""
        errors = self.errors(distances)
        typical, most = np.sqrt(np.mean(errors**2)), np.abs(np.expm1(errors)).max()
        return f"by {100 * typical:.1f} % (root mean square of the logarithm), and at most by {100 * most:.1f} %"

    def width(self, flop: np.ndarray) -> np.ndarray:
        return self.width_at_1e13 * (flop / 1e13) ** self.exponent

    def distance(self, flop: np.ndarray, width: np.ndarray) -> np.ndarray:
        u = (self.width(flop) / width) ** 2
        return self.limit + self.at_1e13 * (flop / 1e13) ** -self.fall * np.exp(self.spread * (u - 1 - np.log(u)))


def distances_of(path: Path) -> Distances:
    """Return the distances of the trials with the settings of `quick`, for the budgets with several widths."""
    distances: Distances = defaultdict(lambda: defaultdict(list))
    for row in map(json.loads, path.read_text().splitlines()):
        options = dict(option.split("=") for option in row["options"])
        width = int(options.pop("network.dim"))
        if options == SETTINGS and row["source"] == "fashion_mnist":
            distances[row["flop"]][width].append(row["scores"]["fd_fashion"])
    return {flop: dict(sorted(row.items())) for flop, row in sorted(distances.items()) if len(row) >= FEWEST_WIDTHS}


def table(distances: Distances, law: Law) -> str:
    """Return the distances as Markdown, the best of each row in bold."""
    widths = sorted({width for row in distances.values() for width in row})
    lines = [["FLOP", *map(str, widths), "law"], ["---"] * (len(widths) + 2)]
    for flop, row in distances.items():
        means = {width: fmean(seeds) for width, seeds in row.items()}
        best = min(means, key=means.__getitem__)
        cells = ["**{}**" if width == best else "{}" for width in widths]
        values = [", ".join(f"{seed:.3g}" for seed in row.get(width, [])) for width in widths]
        shown = [cell.format(value) if value else "" for cell, value in zip(cells, values, strict=True)]
        lines.append([in_words(flop), *shown, f"{law.width(np.array(flop)):.1f}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def draw(distances: Distances, law: Law, path: Path) -> None:
    """Draw distance against width for each budget, and the distance of the best width against FLOP."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    figure = Figure(figsize=(10, 4.2), layout="constrained", dpi=110)
    by_width, by_flop = figure.subplots(1, 2)
    for number, (flop, row) in enumerate(distances.items()):
        colour = f"C{number}"
        means = [fmean(seeds) for seeds in row.values()]
        by_width.plot(row.keys(), means, "o", color=colour, label=f"{in_words(flop)} FLOP")
        between = np.geomspace(min(row) * 0.85, max(row) * 1.15)
        by_width.plot(between, law.distance(np.array(flop), between), color=colour)
        by_flop.plot(flop, min(means), "o", color=colour)
    flops = np.geomspace(min(distances), max(distances))
    by_flop.plot(flops, law.distance(flops, law.width(flops)), color="gray")
    for axes, label in ((by_width, "width (network.dim)"), (by_flop, "FLOP of the training")):
        axes.set(xscale="log", yscale="log", xlabel=label, ylabel="fd_fashion of 2,048 images")
        axes.grid(alpha=0.3, which="both")
    widths = sorted({width for row in distances.values() for width in row})
    by_width.set_xticks(widths, map(str, widths))
    by_flop.set_xticks(list(distances), map(in_words, distances))
    for axes in (by_width, by_flop):
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_yticks(DISTANCES, map(str, DISTANCES))
    by_width.legend()
    by_flop.set_title(f"best width: {law.width_at_1e13:.1f} (FLOP / 1e13)^{law.exponent:.2f}", fontsize=10)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=Path, default=HERE / "results.jsonl")
    parser.add_argument("--plot", type=Path, default=HERE.parents[1] / "docs" / "scaling-laws.png")
    wishes = parser.parse_args()
    distances = distances_of(wishes.trials)
    law = Law.fitted(distances)
    print(table(distances, law))
    print(f"\nwidth = {law.width_at_1e13:.1f} (FLOP / 1e13)^{law.exponent:.3f}")
    falling = f"{law.at_1e13:.2f} (FLOP / 1e13)^-{law.fall:.3f}"
    print(f"distance = {law.limit:.3f} + {falling} exp({law.spread:.3f} (u - 1 - log u)), u = (best / width)^2")
    print(f"The distances differ from it {law.in_words(distances)}.")
    draw(distances, law, wishes.plot)


if __name__ == "__main__":
    main()
