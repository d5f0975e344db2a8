"""Draw the edges of shapes that were set aside, and read what a model makes of the drawings.

    .venv/bin/python benchmarks/drawings.py [--steps 1000] [--count 500] [--picture sheet.png]

A model learns shapes together with their edges, and makes images from the edges of test images, which do not name the
class. A classifier that was trained on real shapes reads the classes. Printed: the share of images that have the class
of their drawing; the ceiling, which is that of the real test images; and the floor, which is that of images made from
the drawings of others.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import nevoa
from nevoa.conditions.picture import Edges
from nevoa.data import ImageSet, load_images, load_scoring_images
from nevoa.features import FeatureNetwork, train_feature_network

EPOCHS = 4
SHOWN = 8


def classifier(train: ImageSet, test: ImageSet) -> FeatureNetwork:
    *_, last = train_feature_network(train, test, EPOCHS)
    return last.feature_network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument(
        "--picture", type=Path, help="a sheet: drawings, what the model makes of them, and the originals"
    )
    wishes = parser.parse_args()
    with TemporaryDirectory() as folder:
        options = ["network.dim=24", "training.batch_size=32"]
        run = nevoa.train("shapes", steps=wishes.steps, condition="edges", options=options, out=Path(folder) / "run")
        model, plan = run.model(), run.plan()
    train = load_images(plan.data)
    test = load_scoring_images(plan.data, train)
    some = np.arange(wishes.count)
    pictures = Edges(plan.pictures["edges"]).values(test, some, np.zeros(len(some)))
    made, real = model.sample(len(some), picture=pictures), test.images[some]
    reader = classifier(train, test)

    def share(images: np.ndarray, labels: np.ndarray) -> float:
        return float((reader.probabilities(reader.features(images)).argmax(1) == labels).mean())

    labels = test.labels[some]
    print(f"{share(made, labels):.1%} have the class of their drawing; real images {share(real, labels):.1%}, ", end="")
    print(f"images of the drawings of others {share(made, np.random.default_rng(0).permutation(labels)):.1%}")
    if wishes.picture:
        drawn = np.stack(pictures[:SHOWN])[..., :1].repeat(3, axis=3)
        nevoa.show(np.concatenate([drawn, made[:SHOWN], real[:SHOWN]]), columns=SHOWN).save(wishes.picture)


if __name__ == "__main__":
    main()
