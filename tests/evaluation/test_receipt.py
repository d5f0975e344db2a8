"""What a report carries, and what is read of it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nevoa.config import Config, ModelPlan
from nevoa.errors import NevoaError
from nevoa.evaluation import Protocol, Reference, Samples, as_dict, from_model, measure
from nevoa.evaluation.receipt import facts_of_images, read_report, receipt_of
from nevoa.model import Model
from nevoa.networks import fresh_network
from tests.evaluation.toy import bands
from tests.small_runs import model_plan


def model_of(config: Config | ModelPlan) -> Model:
    plan = model_plan(config) if isinstance(config, Config) else config
    return Model(plan, fresh_network(plan.network, 1, classes=0, seed=0), (1, 12, 12))


def samples_of(model: Model, reference: Reference, count: int = 150, **options: Any) -> Samples:
    *_, samples = from_model(model, reference, count, seed=3, **{"steps": 2, **options})
    assert isinstance(samples, Samples)
    return samples


def values_of(samples: Samples, reference: Reference) -> dict[str, Any]:
    protocol = Protocol(reference, len(samples.images), 3, samples.sampler)
    *_, report = measure(samples, protocol, ["frechet", "classes"])
    return json.loads(json.dumps(as_dict(report)))  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def written(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """A report on images of a model, as in a file."""
    from nevoa.config.presets import configure
    from tests.conftest import TINY

    reference = request.getfixturevalue("reference")
    return values_of(samples_of(model_of(configure("fashion_mnist_10k", steps=12, options=TINY)), reference), reference)


@pytest.mark.slow
def test_a_report_can_be_read_with_all_that_repeats_it(
    written: Mapping[str, Any], reference: Reference, tiny: Config, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(written))
    saved = read_report(path)
    samples = samples_of(model_of(tiny), reference)
    assert saved.receipt == receipt_of(samples, Protocol(reference, 150, 3, samples.sampler))
    assert saved.receipt.config == model_plan(tiny).model_dump(mode="json", exclude_none=True)
    assert saved.receipt.reference.digest == reference.digest
    assert saved.protocol.seed == 3 and saved.protocol.sampler == samples.sampler
    hashes = {"feature network", "reference", "images"}
    others = {"nevoa", "torch", "numpy", "python", "precision", "cpu", "cores", "threads", "system", "device"}
    assert saved.receipt.facts.keys() >= hashes | others
    assert re.fullmatch("[0-9a-f]{16}", saved.receipt.facts["images"])


def test_a_report_with_a_weight_for_each_kind_can_be_read(written: Mapping[str, Any], tmp_path: Path) -> None:
    values, weights = json.loads(json.dumps(written)), {"class": 1.5, "text": 3.0}
    values["protocol"]["sampler"]["guidance"] = weights
    (tmp_path / "report.json").write_text(json.dumps(values))
    sampler = read_report(tmp_path / "report.json").protocol.sampler
    assert sampler and sampler["guidance"] == weights


@pytest.mark.parametrize(("sampler", "steps", "evaluations"), [("ddim", 3, 3), ("heun", 3, 5), ("dpm_solver", 4, 4)])
def test_network_evaluations_are_counted(
    sampler: str, steps: int, evaluations: int, reference: Reference, tiny: Config
) -> None:
    """Heun evaluates twice in each step but the last."""
    samples = samples_of(model_of(tiny), reference, 7, sampler=sampler, steps=steps)
    assert samples.evaluations == 7 * evaluations


def test_one_pixel_changes_the_hash_of_images() -> None:
    def hashed(images: np.ndarray) -> str:
        return facts_of_images(Samples("bands", images))["images"]

    images = bands(20).images
    other = np.array(images)
    other[3, 4, 5, 0] ^= 1
    assert hashed(images) == hashed(images.copy()) != hashed(other)
    assert hashed(images[::-1]) == hashed(images[::-1].copy())


@pytest.mark.parametrize("key", ["receipt", "receipt.facts", "protocol.seed", "scores"])
def test_a_report_that_lacks_a_key_is_refused_with_its_name(
    key: str, written: Mapping[str, Any], tmp_path: Path
) -> None:
    values = json.loads(json.dumps(written))
    *sections, last = key.split(".")
    place = values
    for section in sections:
        place = place[section]
    del place[last]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(values))
    with pytest.raises(NevoaError, match=f"{re.escape(str(path))} is not a report: it has no key {key}"):
        read_report(path)


@pytest.mark.parametrize("text", ["", "[]", "{", "\0"])
def test_what_is_no_report_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(NevoaError, match="is damaged or unreadable"):
        read_report(tmp_path / "report.json")


def test_a_value_of_another_type_is_refused(written: Mapping[str, Any], tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps({**written, "images": "many"}))
    with pytest.raises(NevoaError, match="is damaged or unreadable: images: Input should be a valid integer"):
        read_report(tmp_path / "report.json")
