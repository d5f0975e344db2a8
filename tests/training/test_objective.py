"""Which networks a training has, and which of them learn when."""

import pytest

from nevoa.config.registry import OBJECTIVES
from nevoa.training import Job
from nevoa.training.objective import MODEL, objective_of
from tests.small_runs import distillation_of

# The share of the cool-down that has passed, and the networks that learn then.
LEARNING = {
    "denoise": {0.0: (MODEL,), 0.5: (MODEL,), 1.0: (MODEL,)},
    "path": {0.0: (MODEL,), 0.5: (MODEL,), 1.0: (MODEL,)},
    "match": {0.0: (MODEL,), 0.5: (MODEL,), 1.0: (MODEL, "second")},
}


def test_every_objective_is_in_the_table() -> None:
    assert LEARNING.keys() == set(OBJECTIVES)


@pytest.mark.parametrize(("name", "cooled"), [(name, cooled) for name, row in LEARNING.items() for cooled in row])
def test_the_networks_that_learn_are_those_of_the_table(name: str, cooled: float, job: Job) -> None:
    objective = objective_of((job if name == "denoise" else distillation_of(job, name)).plan)
    assert objective.trained(cooled) == LEARNING[name][cooled]
    assert (objective.cost(cooled) > 1) == ("second" in LEARNING[name][cooled])


@pytest.mark.parametrize("name", LEARNING)
def test_what_learns_beside_the_model_has_a_rate(name: str, job: Job) -> None:
    objective = objective_of((job if name == "denoise" else distillation_of(job, name)).plan)
    learning = {other for row in LEARNING[name].values() for other in row} - {MODEL}
    assert {other for other, rate in objective.beside.items() if rate} == learning
