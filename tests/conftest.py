"""Shapes are checked while tests run: the hook comes before any module of nevoa is imported."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from jaxtyping import install_import_hook

import tests.typechecker  # noqa: F401

hook = install_import_hook("nevoa", "tests.typechecker.check")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import settings  # noqa: E402

from nevoa.config import Config  # noqa: E402
from nevoa.config.plugins import load_installed  # noqa: E402
from nevoa.config.presets import configure  # noqa: E402
from nevoa.config.registry import TABLES, table_of, unregister  # noqa: E402
from nevoa.data import ImageSet  # noqa: E402
from tests.data.fake_hub import fake  # noqa: E402, F401
from tests.small_runs import job, memorising, residual_job, two_checkpoints  # noqa: E402, F401
from tests.waiting import moments  # noqa: E402, F401

# Tests may run in the background, where Ctrl-C is ignored, or under nohup, and the programs they start inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Two trainers that share two cores wait for one another's spinning threads; these networks are too small for two.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"
# pytest-xdist sets it in its workers; lines are broken only where a test says how wide the terminal is.
os.environ.pop("COLUMNS", None)

# Nothing is timed on a noisy machine.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

TINY = (
    "network.kind=residual",
    "network.dim=8",
    "network.multipliers=[1]",
    "network.attention=[false]",
    "network.blocks=1",
    "network.patch=2",
    "diffusion.timesteps=20",
    "sampling.steps=4",
    "sampling.sampler=ddpm",
    "sampling.spacing=trailing",
    "training.condition=none",
    "training.batch_size=8",
    "training.precision=float32",
    "training.guide=0",
    "training.report_every_images=16",
    "training.preview_every_images=32",
    "training.checkpoint_every_images=40",
)


@pytest.fixture
def registered() -> Iterator[None]:
    """Forget after the test which parts it registered, and which plugins it imported."""
    before, modules = {kind: {*table_of(kind)} for kind in TABLES}, set(sys.modules)
    yield
    for kind, names in before.items():
        for name in {*table_of(kind)} - names:
            unregister(kind, name)
    for name in set(sys.modules) - modules:
        if "plugin" in name:
            del sys.modules[name]
    load_installed.cache_clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders of the longest tests: at the end, one of two processes would wait for them."""
    items.sort(key=lambda item: item.path.parent.name not in ("training", "cli", "studio", "fuzz"))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One image store for the session, away from the user's."""
    return Path(os.environ.setdefault("NEVOA_CACHE", str(tmp_path_factory.mktemp("cache"))))


@pytest.fixture
def tiny() -> Config:
    """A config that trains in seconds on the embedded images."""
    return configure("fashion_mnist_10k", steps=12, options=TINY)


@pytest.fixture
def few_images() -> ImageSet:
    """Twenty images of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
    return ImageSet.of("noise", pixels, np.arange(20) % 4, ["a", "b", "c", "d"])


@pytest.fixture
def few_images_file(few_images: ImageSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same images in a file, as a command loads them."""
    path = tmp_path_factory.mktemp("images") / "few.npz"
    np.savez(path, images=few_images.images, labels=few_images.labels)
    return path
