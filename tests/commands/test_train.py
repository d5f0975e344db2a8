"""The model that a training loads before it begins."""

from pathlib import Path

import pytest

from nevoa.commands.train import model_to_start
from nevoa.config.training import TrainingConfig
from nevoa.errors import NevoaError
from nevoa.runs import Run


def test_a_model_is_loaded_where_a_name_says_which(tmp_path: Path) -> None:
    """Without a name there is none, and on "auto" the plan decides."""
    run = Run(tmp_path / "run")
    assert model_to_start(TrainingConfig(), run) is model_to_start(TrainingConfig(start="auto"), run) is None
    model = model_to_start(TrainingConfig(start="emoji"), run)
    assert model is not None and model.place.endswith("emoji")
    with pytest.raises(NevoaError, match="nowhere is not a run with a model"):
        model_to_start(TrainingConfig(start="nowhere"), run)
