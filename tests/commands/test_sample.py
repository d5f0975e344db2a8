"""Images are written as they are made."""

import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa import model as models
from nevoa._util.reserve import reserve_output
from nevoa.commands.batches import sampled
from nevoa.commands.output import MOST_TILES, Output
from nevoa.commands.sample import default_count
from nevoa.errors import NevoaError
from nevoa.pictures import class_grid, grid, titled_rows
from nevoa.runs.run import Run


@pytest.mark.parametrize(
    ("classes", "count"), [(0, 64), (1, 64), (2, 16), (10, 80), (33, 231), (100, 200), (5_749, 256)]
)
def test_a_grid_has_eight_of_each_class_or_fewer(classes: int, count: int) -> None:
    assert default_count(classes, trajectory=False) == count


def test_thedefault_count_fits_into_an_animation() -> None:
    assert max(default_count(classes, trajectory=False) for classes in range(1_000)) <= MOST_TILES


@pytest.mark.slow
def test_batches_joined_are_the_images_of_the_model(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Run(trained / "runs/tiny").model()
    whole = model.sample(7, seed=3)
    monkeypatch.setattr(models, "IMAGES_AT_ONCE", 3)
    made = list(sampled(model, 7, 1, model.settings().steps or 1, {"seed": 3}))
    assert [len(images) for (images,) in made] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([images for (images,) in made]), whole)


@pytest.mark.slow
def test_states_are_evenly_spaced_from_noise_to_image(trained: Path) -> None:
    model = Run(trained / "runs/tiny").model()
    ((*_, images),) = sampled(model, 2, 3, model.settings().steps or 1, {})
    ((first, _, last),) = sampled(model, 2, 3, model.settings().steps or 1, {})
    assert first.std() > 60  # clipped unit noise
    np.testing.assert_array_equal(last, images)


def pieces(count: int, each: int, made: list[int]) -> Iterator[list[np.ndarray]]:
    """Batches of random images that are made when they are asked for."""
    for first in range(0, count, each):
        made.append(first)
        yield [np.random.default_rng(first).integers(0, 256, (min(each, count - first), 16, 16, 3), np.uint8)]


@pytest.mark.parametrize("classes", [("cat", "dog"), ()])
def test_a_picture_names_the_classes_and_an_array_keeps_its_pixels(classes: tuple[str, ...], tmp_path: Path) -> None:
    frames = [np.full((4, 28, 28, 1), shade, np.uint8) for shade in (100, 200)]
    rows, names = list(np.stack(frames, axis=1)), [classes[n % 2] for n in range(4) if classes]
    expected = {
        None: class_grid(frames[-1], classes),
        2: titled_rows(rows, names, columns=2) if names else grid(np.concatenate(rows), columns=2),
    }
    for trajectory, picture in expected.items():
        Output(tmp_path / "x.png", trajectory).write(tmp_path / "x.png", iter([frames]), 4, classes)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "x.png")), np.asarray(picture))
    Output(tmp_path / "x.npy").write(tmp_path / "x.npy", iter([frames]), 4, classes)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), frames[-1])


@pytest.mark.parametrize("name", ["x.npy", "x"])
def test_a_file_holds_all_batches_in_order(name: str, tmp_path: Path) -> None:
    expected = np.concatenate([images for (images,) in pieces(10, 4, [])])
    Output(tmp_path / name).write(tmp_path / name, pieces(10, 4, []), 10)
    if name == "x":
        found = np.stack([np.asarray(Image.open(path)) for path in sorted((tmp_path / name).iterdir())])
    else:
        found = np.load(tmp_path / name)
        np.save(tmp_path / "reference.npy", expected)
        assert (tmp_path / name).read_bytes() == (tmp_path / "reference.npy").read_bytes()
    np.testing.assert_array_equal(found, expected)


def test_memory_stays_flat_while_an_array_is_written(tmp_path: Path) -> None:
    output = Output(tmp_path / "x.npy")
    output.write(output.path, pieces(8, 8, []), 8)  # imports are not counted
    tracemalloc.start()
    try:
        output.write(output.path, pieces(8_192, 64, []), 8_192)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "x.npy").stat().st_size > 6_000_000
    assert peak < 1_500_000


def test_a_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[list[np.ndarray]]:
        yield from pieces(4, 2, [])
        raise NevoaError("the model is gone")

    for name in ("x.npy", "x"):
        output = Output(tmp_path / name)
        with pytest.raises(NevoaError, match="the model is gone"), reserve_output([output.path]) as reserved:
            output.write(reserved.temporary, failing(), 8)
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_room_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": 2_000_000_000})())
    output = Output(tmp_path / "x.npy")
    output.check(15_000_000, 1, (1, 10, 10))
    with pytest.raises(NevoaError, match=r"x.npy needs up to 2,100 MB"):
        output.check(21_000_000, 1, (1, 10, 10))
