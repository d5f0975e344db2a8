"""The options of `nevoa train`."""

from nevoa.cli.train import TrainingFlags
from nevoa.config.presets import configure


def test_from_none_asks_for_random_weights() -> None:
    """In the folder of the preset, as without it."""
    flags = TrainingFlags(preset="photos", place="none", options=("training.seed=1",))
    given = flags.keywords()
    assert given.pop("place") is given.pop("plan") is None
    assert configure("photos/", **given) == configure(
        "photos/", "photos", options=["training.seed=1", "training.start=none"]
    )
    assert (flags.start, TrainingFlags(place="runs/clothes").start) == ("photos", "clothes")
