"""A protocol's name stands for one set of images and one feature network."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from nevoa.config import DataConfig
from nevoa.data import ImageSet
from nevoa.evaluation import Protocol, Reference
from nevoa.evaluation import reference as references
from nevoa.evaluation.protocol import FASHION
from nevoa.features import FeatureNetwork
from tests.data.sources.test_builtin import needs_debian
from tests.evaluation.toy import bands, toy_network


@needs_debian
@pytest.mark.slow
def test_fashion_mnist_and_the_packaged_network_have_the_short_name() -> None:
    reference = Reference.of(DataConfig(source="fashion_mnist"))
    assert reference.digest == FASHION
    assert Protocol(reference, 10_000).name == "nevoa-fashion/2"


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """`nevoa features train` was run on whatever images the reference has."""

    def network_for(train: ImageSet, *_: object) -> FeatureNetwork:
        network = toy_network()
        info = replace(network.info, name=train.name, fingerprint=train.fingerprint, shape=train.shape, sha256="toy")
        return replace(network, info=info)

    monkeypatch.setattr(references, "feature_network_for", network_for)


@needs_debian
@pytest.mark.slow
def test_two_classes_of_fashion_mnist_are_another_protocol(trained: None) -> None:
    """Issue 13, fault 2: `--classes Dress,Bag`."""
    reference = Reference.of(DataConfig(source="fashion_mnist", only=("Dress", "Bag")))
    assert len(reference.test) == 2_000
    assert Protocol(reference, 10_000).name == f"nevoa-fashion-{reference.digest:.8}/2"


def test_a_folder_called_fashion_mnist_is_another_protocol(trained: None, tmp_path: Path) -> None:
    """Issue 13, fault 2."""
    for number in range(16):
        path = tmp_path / "fashion_mnist" / ("train", "test")[number % 2] / "ab"[number // 8] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (28, 28), number).save(path)
    reference = Reference.of(DataConfig(source=str(tmp_path / "fashion_mnist")))
    assert reference.feature_network.info.short_name == "fashion"
    assert Protocol(reference, 10_000).name == f"nevoa-fashion-{reference.digest:.8}/2"


def test_every_part_of_the_reference_changes_the_name(reference: Reference) -> None:
    info = reference.feature_network.info
    others = [
        replace(reference, found_test=bands(400, seed=5)),
        replace(reference, train=bands(600, seed=5)),
        replace(reference, feature_network=replace(reference.feature_network, info=replace(info, sha256="other"))),
    ]
    names = {Protocol(each, 10_000).name for each in (reference, *others)}
    assert len(names) == 4
    assert Protocol(replace(reference, source="elsewhere"), 10_000).name in names


def test_departures_are_counted_from_the_protocols_own_numbers(reference: Reference) -> None:
    protocol = Protocol(reference, 10_000)
    assert protocol.departures == []
    assert protocol.title == protocol.name
    other = Protocol(reference, 150, seed=2)
    assert other.departures == ["150 images instead of 10,000", "seed 2 instead of 0"]
    assert other.title == f"{protocol.name} (150 images instead of 10,000; seed 2 instead of 0)"
