"""Train the judge that ships with the package: all 60,000 training images of Fashion-MNIST.

    python scripts/make_judge.py

Its scores change with its weights: a new judge is a new version of the protocol.
"""

import shutil
from pathlib import Path

from nevoa.data import Choice, open_source
from nevoa.evaluation import save_judge, train_judge

FOLDER = Path(__file__).parents[1] / "src/nevoa/evaluation/judges/fashion_mnist"


def main() -> None:
    *_, last = train_judge(open_source("fashion_mnist"), open_source("fashion_mnist", Choice("test")))
    shutil.rmtree(FOLDER, ignore_errors=True)
    print(save_judge(last.judge, FOLDER).card)


if __name__ == "__main__":
    main()
