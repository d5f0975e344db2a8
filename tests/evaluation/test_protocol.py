"""A protocol's name stands for one set of images and one feature network."""

from dataclasses import replace

import pytest

from nevoa.config import DataConfig
from nevoa.data import Selection, open_source
from nevoa.evaluation import Protocol, Reference, feature_network_for
from nevoa.evaluation.protocol import FASHION
from tests.data.test_data import needs_debian
from tests.evaluation.toy import bands, toy_network


@needs_debian
@pytest.mark.slow
def test_fashion_mnist_and_the_packaged_network_have_the_short_name() -> None:
    reference = Reference.of(DataConfig(source="fashion_mnist"))
    assert reference.digest == FASHION
    assert Protocol(reference, 10_000).name == "nevoa-fashion/1"


@needs_debian
@pytest.mark.slow
def test_two_classes_of_fashion_mnist_are_another_protocol() -> None:
    """Issue 13, fault 2: `--classes Dress,Bag`, with a feature network of these two."""
    train, test = (open_source("fashion_mnist", Selection(split, ("Dress", "Bag"))) for split in ("train", "test"))
    network = replace(toy_network(), info=replace(feature_network_for(open_source("fashion_mnist")).info, sha256="two"))
    reference = Reference("fashion_mnist", test, train, network)
    assert Protocol(reference, 10_000).name == f"nevoa-fashion-{reference.digest:.8}/1"


def test_a_folder_called_fashion_mnist_is_another_protocol() -> None:
    """Issue 13, fault 2."""
    train, test = (replace(bands(400, seed), name="fashion_mnist") for seed in (0, 1))
    network = toy_network()
    network = replace(network, info=replace(network.info, name="fashion_mnist", shape=(1, 28, 28), sha256="toy"))
    reference = Reference("fashion_mnist", test, train, network)
    assert Protocol(reference, 10_000).name == f"nevoa-fashion-{reference.digest:.8}/1"


def test_every_part_of_the_reference_changes_the_name(reference: Reference) -> None:
    info = reference.feature_network.info
    others = [
        replace(reference, test=bands(400, seed=5)),
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
