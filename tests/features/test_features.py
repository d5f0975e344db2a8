"""The feature cache: by images and network, and computed again if damaged."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nevoa.evaluation import Reference
from nevoa.features import FeatureNetwork, train_feature_network
from nevoa.features.features import features_of
from tests.evaluation.toy import bands


def test_features_of_a_store_are_computed_once(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    images = bands(50, seed=8)
    first = features_of(images, reference.feature_network)
    monkeypatch.setattr(FeatureNetwork, "features", lambda *_: pytest.fail("computed again"))
    np.testing.assert_array_equal(features_of(images, reference.feature_network), first)


def test_a_broken_feature_cache_is_computed_again(reference: Reference, cache: Path) -> None:
    images = bands(50, seed=9)
    first = features_of(images, reference.feature_network)
    (kept,) = (cache / "features").glob(f"*{images.fingerprint:.16}*")
    kept.write_bytes(kept.read_bytes()[:100])
    np.testing.assert_array_equal(features_of(images, reference.feature_network), first)


def test_the_cache_knows_when_features_were_used(reference: Reference, cache: Path) -> None:
    images = bands(50, seed=11)
    features_of(images, reference.feature_network)
    os.utime(cache / "features", (0, 0))
    features_of(images, reference.feature_network)
    assert (cache / "features").stat().st_mtime > 0


def test_a_cache_that_cannot_be_written_is_no_loss(reference: Reference, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "file"))
    assert features_of(bands(50, seed=10), reference.feature_network).shape == (50, reference.feature_network.width)


def test_of_few_images_no_others_are_computed(
    reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are the same as of all, up to rounding; more than half are worth the cache, which then serves fewer."""
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path))
    images, few = bands(50, seed=11), np.array([3, 41, 7])
    some = features_of(images, reference.feature_network, few)
    assert not list(tmp_path.iterdir())
    most = features_of(images, reference.feature_network, np.arange(1, 50))
    everything = features_of(images, reference.feature_network)
    np.testing.assert_array_equal(most, everything[1:])
    np.testing.assert_allclose(some, everything[few], atol=1e-5)
    np.testing.assert_array_equal(features_of(images, reference.feature_network, few), everything[few])


def test_an_image_set_of_another_feature_network_has_features_of_its_own(reference: Reference) -> None:
    images = bands(50, seed=10)
    first = features_of(images, reference.feature_network)
    *_, last = train_feature_network(bands(200, seed=4), None, epochs=1)
    other = dataclasses.replace(
        last.feature_network, info=dataclasses.replace(last.feature_network.info, sha256="other")
    )
    assert not np.array_equal(features_of(images, other), first)
