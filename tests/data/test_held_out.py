"""Images that are set aside for measuring."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import nevoa
from nevoa.commands.measuring import Subject
from nevoa.config import DataConfig, Plan, parse
from nevoa.config.names import DivisionName
from nevoa.data import ImageSet, choosing_and_scoring, find, load_images, load_test_images
from nevoa.data.cache import kept
from nevoa.data.find import Source, find_source
from nevoa.data.held_out import default_number, divided
from nevoa.data.listing import Listing
from nevoa.errors import NevoaError
from nevoa.evaluation import Reference
from nevoa.runs import Run
from nevoa.training import prepare
from nevoa.training.held_out import HeldOut
from tests.data.pictures import encoded, photo
from tests.small_runs import stop_after

COUNT = 1_000


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """A file of 1,000 different images."""
    path = tmp_path / "noise.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8), dtype=np.uint8))
    return path


def listing(names: list[str]) -> Listing:
    return Listing(lambda _: b"", names.__getitem__, np.zeros(len(names), np.int64))


def rows(images: ImageSet) -> set[bytes]:
    return {image.tobytes() for image in images.images}


@pytest.mark.slow
@pytest.mark.parametrize("holdout", ["auto", 1, 37])
def test_every_image_is_trained_on_or_measured_with(noise: Path, holdout: str | int) -> None:
    data = DataConfig.model_validate({"source": str(noise), "holdout": holdout})
    train = load_images(data)
    test = load_test_images(data, train)
    assert len(test) == train.notes.held_out == (160 if holdout == "auto" else holdout)
    assert len(train) + len(test) == COUNT
    assert rows(train) | rows(test) == rows(load_images(noise))


def test_damaged_images_are_listed_wherever_they_fall(tmp_path: Path) -> None:
    for number in range(6):
        content = encoded(photo(number), "PNG")
        (tmp_path / f"{number}.png").write_bytes(content if number else content[:-400])
    for holdout in (0, 2, 3, 4):
        images = load_images(tmp_path, holdout=holdout)
        assert [one.name for one in images.notes.bad] == ["0.png"]
        with pytest.raises(NevoaError, match=r"Cannot use 1 of the files of .*; the first is 0\.png"):
            load_images(tmp_path, holdout=holdout, strict=True)


@pytest.mark.parametrize(
    ("count", "held_out"),
    [(79, 0), (80, 8), (99, 9), (999, 99), (1_000, 160), (1_610, 161), (10_000, 1_000), (1_000_000, 10_000)],
)
def test_a_tenth_within_limits(count: int, held_out: int) -> None:
    nameless = Listing(lambda _: b"", str, np.zeros(count, np.int64))
    assert default_number(Source("x", "x", "x", lambda: nameless), DataConfig()) == held_out


@pytest.mark.parametrize(
    ("count", "choosing"), [(1, 0), (2, 1), (9, 4), (159, 79), (160, 32), (200, 72), (257, 128), (1_000, 128)]
)
@pytest.mark.parametrize("division", get_args(DivisionName))
def test_images_that_choose_a_model_do_not_score_it(count: int, choosing: int, division: DivisionName) -> None:
    """Each part has a fingerprint of its own. Those of older runs are spread over all."""
    pixels = np.arange(count * 16, dtype=np.uint16).view(np.uint8).reshape(count, 4, 8, 1)
    held_out = ImageSet.of("numbers", pixels, np.arange(count) % 2, ["a", "b"])
    chosen, scoring = choosing_and_scoring(held_out, division)
    assert (len(chosen), len(scoring)) == (choosing, count - choosing)
    assert rows(chosen).isdisjoint(rows(scoring))
    assert rows(chosen) | rows(scoring) == rows(held_out)
    assert len({held_out.fingerprint, chosen.fingerprint, scoring.fingerprint}) == (3 if choosing else 2)
    if choosing and division == "places":
        places = np.flatnonzero([image.tobytes() in rows(chosen) for image in held_out.images])
        assert np.diff(places).max(initial=0) <= -(-count // choosing)


@pytest.mark.parametrize("count", [100, 200, 300])
def test_the_pixels_of_an_image_decide_whether_it_chooses(count: int) -> None:
    """In any order, and one more image moves at most one other."""
    pixels = np.random.default_rng(0).integers(0, 256, (count + 20, 4, 4, 1), dtype=np.uint8)

    def chosen(some: np.ndarray) -> set[bytes]:
        return rows(choosing_and_scoring(ImageSet.of("noise", some, np.zeros(len(some)), ()))[0])

    before = chosen(pixels[:count])
    assert chosen(pixels[:count][::-1]) == before
    assert max(len(before - chosen(np.insert(pixels[:count], 0, one, 0))) for one in pixels[count:]) <= 1


def test_one_more_file_moves_at_most_one_other() -> None:
    names, data = [f"photo-{number}.jpg" for number in range(300)], DataConfig(split="held-out", holdout=20)

    def names_held_out(names: list[str]) -> set[str]:
        found = divided(listing(names), data)
        return {found.file(index) for index in range(len(found))}

    before, differing = names_held_out(names), []
    for number in range(100):
        now = names_held_out([*names, f"new-{number}.jpg"])
        assert len(before - now) <= 1
        differing += before - now
    assert 0 < len(differing) < 20  # one of 15 new files is set aside itself


@pytest.mark.slow
def test_with_test_images_nothing_is_set_aside(tmp_path: Path) -> None:
    for split, count in (("train", COUNT), ("test", 1)):
        for number in range(count):
            path = tmp_path / "photos" / split / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(photo(number % 3), "PNG"))
    photos = str(tmp_path / "photos")
    assert default_number(find_source(photos), DataConfig(source=photos)) == 0
    assert default_number(find_source("fashion_mnist_10k"), DataConfig()) == 0
    assert default_number(find_source(f"{photos}/train"), DataConfig()) == 160


@pytest.mark.parametrize(
    ("cause", "known"), [(ValueError('Unknown split "test"'), True), (ConnectionError("no route"), False)]
)
def test_a_hub_that_cannot_be_reached_is_not_one_without_test_images(
    cause: Exception, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache would remember it."""

    def listed(place: object, split: str) -> Listing:
        if split == "train":
            return listing([f"{number}.png" for number in range(100)])
        raise NevoaError("Cannot fetch me/photos, split test.") from cause

    monkeypatch.setattr(find, "list_hub", listed)
    source = find_source("hf:me/photos")
    if known:
        assert default_number(source, DataConfig(source="hf:me/photos")) == 10
    else:
        with pytest.raises(NevoaError, match="split test"):
            default_number(source, DataConfig(source="hf:me/photos"))


def test_where_nothing_is_set_aside_the_store_is_that_of_before(cache: Path) -> None:
    assert load_images("digits", holdout="auto").fingerprint == load_images("digits").fingerprint
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 1


def test_a_limit_is_for_the_images_to_train_on(noise: Path) -> None:
    few = load_images(noise, limit=100, holdout=900)
    assert (len(few), few.notes.held_out) == (100, 900)
    assert sorted(one.images or 0 for one in kept()) == [100, 900]  # all are decoded by now
    assert len(load_images(noise, split="held-out", limit=100, holdout=900)) == 900


def test_a_limit_leaves_those_that_choose_and_those_that_score_as_they_are(noise: Path) -> None:
    config = nevoa.configure(
        noise, steps=1, limit=100, options=["network.dim=16", "training.batch_size=8", "data.holdout=900"]
    )
    job = prepare(config)
    test, compared = Reference.of(job.plan.data).test, HeldOut.of(job.plan, job.images)
    assert compared is not None
    assert len(test) + len(compared.held_out) == 900
    assert rows(test).isdisjoint(rows(compared.held_out))


@pytest.mark.parametrize("split", ["training", "Train"])
def test_a_split_by_another_name_is_the_same(noise: Path, split: str) -> None:
    assert load_images(noise, split=split, holdout="auto").notes.held_out == 160


@pytest.mark.slow
def test_a_training_never_sees_them(noise: Path) -> None:
    config = nevoa.configure(noise, steps=1, options=["network.dim=16", "training.batch_size=8"])
    job = prepare(config)
    test, compared = Reference.of(job.plan.data).test, HeldOut.of(job.plan, job.images)
    assert compared is not None
    assert job.plan.data.holdout == len(test) + len(compared.held_out) == 160
    assert rows(job.images).isdisjoint(rows(test) | rows(compared.held_out))
    assert rows(test).isdisjoint(rows(compared.held_out))
    assert rows(job.images) > rows(compared.training)
    assert job.plan.data.fingerprint == load_images(noise, holdout=160).fingerprint
    whole = prepare(nevoa.configure(noise, steps=1, options=["data.holdout=0", "training.batch_size=8"]))
    assert len(whole.images) == COUNT


@pytest.mark.slow
def test_a_run_from_before_there_was_a_share_goes_on(noise: Path, tmp_path: Path) -> None:
    options = ["network.dim=16", "network.blocks=1", "training.batch_size=8", "training.threads=1"]
    for holdout, steps in ((["data.holdout=0"], 1), ([], 2)):
        run = nevoa.train(noise, out=tmp_path / "run", steps=steps, options=[*options, *holdout], progress=False)
    assert run.plan().data.holdout == 0


def test_an_older_run_divides_its_held_out_images_as_before(noise: Path, tmp_path: Path) -> None:
    """By their places, as its plan does not say: what chooses its model when it resumes, and what scores it."""
    config = nevoa.configure(noise, steps=2, options=["network.dim=16", "network.blocks=1", "training.batch_size=8"])
    config, run = config.updated("data", holdout=40), Run(tmp_path / "run")
    job = prepare(config)
    about = job.plan.model_dump()
    assert about["data"].pop("division") == "pixels"
    stop_after(replace(job, plan=parse(about, Plan)), run.folder, 1)
    resumed = prepare(config, run=run)
    compared, held_out = HeldOut.of(resumed.plan, resumed.images), load_test_images(config.data, job.images)
    chosen, scoring = choosing_and_scoring(held_out, "places")
    assert compared is not None and rows(compared.held_out) == rows(chosen)
    for against in (None, str(noise)):
        assert rows(Subject(run).reference(against).test) == rows(scoring)
    assert rows(choosing_and_scoring(held_out)[1]) != rows(scoring)


def test_only_images_of_the_split_train_are_set_aside(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "both.npz", x_train=pixels, x_test=pixels + 1)
    assert len(load_images(tmp_path / "both.npz", split="test", holdout="auto")) == 20
    with pytest.raises(NevoaError, match="only images of the split train are set aside: leave out"):
        load_images(tmp_path / "both.npz", split="test", holdout=5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"holdout": COUNT},
            r"Cannot set aside 1,000 images to measure with: there are 1,000. Choose a smaller data.h",
        ),
        ({"split": "held-out"}, r"No images of .* are set aside for measuring"),
        ({"holdout": -1}, r"data.holdout: .*greater than or equal to 0"),
        ({"holdout": "some"}, r"data.holdout"),
    ],
)
def test_a_share_that_cannot_be(noise: Path, data: dict, message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        load_images(noise, **data)
