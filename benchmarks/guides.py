"""Compare a run's images with real ones at several weights of autoguidance.

    .venv/bin/python benchmarks/guides.py RUN [--weights 1 1.25 1.5 1.75 2] [--count 2048] [--steps 7]

The run must have a guide, as runs of `quick` and `photos` do. Weight 1 is the model alone. All rows are of one process.
The distances are in three kinds of features: those of `nevoa evaluate`, random ones, and those of a network that this
command trains first, for two minutes or more, to tell by how many quarters an image is turned.
"""

import argparse
from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np

from nevoa.data import ImageSet, load_images
from nevoa.evaluation import Protocol, Reference, Report, Samples, measure
from nevoa.features import FeatureNetwork, frechet_distance, random_network, train_feature_network
from nevoa.runs import Run

TURNED, COMPARED = 120_000, 10_000
SCORES = "precision", "recall"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run", type=Path)
    options.add_argument("--weights", type=float, nargs="+", default=[1, 1.25, 1.5, 1.75, 2])
    options.add_argument("--count", type=int, default=2048)
    options.add_argument("--steps", type=int)
    given = options.parse_args()
    run, reference = Run(given.run), Reference.of(Run(given.run).plan().data)
    model, train = run.model("cpu"), load_images(run.plan().data)
    networks = {"rotation": turned_features(train), "random": random_network(train)}
    real = train.images[np.sort(np.random.default_rng(0).permutation(len(train))[:COMPARED])]
    known = {name: network.features(real) for name, network in networks.items()}
    for weight in given.weights:
        images = model.sample(given.count, seed=0, steps=given.steps, autoguidance=weight)
        *_, report = measure(Samples("guided", images), Protocol(reference, given.count), ["frechet", "manifold"])
        assert isinstance(report, Report)
        reported = f"fd_{reference.feature_network.info.short_name}"
        found = {name: report.scores[name] for name in (reported, *SCORES)}
        found |= {name: frechet_distance(network.features(images), known[name]) for name, network in networks.items()}
        print(f"weight {weight:<5g}", *(f"{name} {value:.4g}" for name, value in found.items()), sep="  ", flush=True)


def turned_features(train: ImageSet) -> FeatureNetwork:
    """A network that has learned how far images are turned."""
    bare = replace(train, classes=(), labels=np.zeros(len(train), np.int64))
    *_, last = train_feature_network(bare, None, ceil(TURNED / len(train)))
    return last.feature_network


if __name__ == "__main__":
    main()
