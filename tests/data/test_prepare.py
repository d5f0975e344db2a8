"""From a source to its store: once, whole, on all cores, and the same however it was interrupted."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nevoa._util import files
from nevoa.config import DataConfig
from nevoa.data import ImageSet, load_images
from nevoa.data import prepare as preparing
from nevoa.data.prepare import prepare, store_folder
from nevoa.errors import NevoaError
from tests.data.noise import NOISE, noise, prepared
from tests.data.pictures import encoded, photo
from tests.waiting import until


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "PART_BYTES", 5 * 6 * 5 * 3)  # five images a part


@pytest.mark.parametrize("bad", [(), (0,), (22,), (3, 4, 5, 6, 7, 8, 9, 10), tuple(range(22))])
def test_a_store_gives_back_what_went_in(bad: tuple[int, ...]) -> None:
    images, kept = prepared(noise(bad)), [number for number in range(23) if number not in bad]
    np.testing.assert_array_equal(images.images, NOISE[kept])
    assert images.labels.tolist() == [number % 2 for number in kept]
    assert images.fingerprint == ImageSet.of("x", NOISE[kept], np.array(kept) % 2, ["even", "odd"]).fingerprint
    assert [one.name for one in images.notes.bad] == [f"f{number}" for number in bad]
    assert isinstance(images.images, np.memmap)


@pytest.mark.parametrize("stop_at", range(23))
def test_a_preparation_that_was_stopped_is_gone_on_with(stop_at: int, cache: Path) -> None:
    """Wherever it stopped, nothing half-made can be opened; the next try reads only what is missing."""
    with pytest.raises(KeyboardInterrupt):
        prepared(noise((2, 11), stop_at))
    assert not store_folder(noise(), DataConfig()).exists()
    first = next(iter(prepare(noise((2, 11)), DataConfig())))
    assert first.done == stop_at // 5 * 5
    images = prepared(noise((2, 11)))
    assert images.fingerprint == prepared(noise((2, 11), identity="again")).fingerprint
    assert not list(cache.glob(".*partial"))


def test_a_part_that_was_half_written_is_written_over(cache: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepared(noise(stop_at=22))
    (partial,) = cache.glob(".*.partial")
    with (partial / "images.npy").open("ab") as file:
        file.write(b"rubbish" * 1000)
    np.testing.assert_array_equal(prepared(noise()).images, NOISE)


def test_another_content_does_not_go_on_with_what_was_begun() -> None:
    """Files that have moved up in the list since would get the labels of others."""
    with pytest.raises(KeyboardInterrupt):
        prepared(noise(stop_at=12))
    source = noise()
    listing = source.list()
    renamed = replace(listing, file=lambda number: f"g{number}")
    assert next(iter(prepare(replace(source, list=lambda: renamed), DataConfig()))).done == 0


def test_what_is_there_needs_no_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepared(noise(stop_at=20))
    asked: list[int] = []
    monkeypatch.setattr(preparing, "check_room", lambda folder, needed, what: asked.append(needed))
    prepared(noise())
    assert asked == [3 * 6 * 5 * 3 - 128]  # the header is there as well


def test_very_many_bad_files_are_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_TEXT", 2000)
    assert len(prepared(noise(tuple(range(1, 23)))).notes.bad) == 22


def test_a_store_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(noise())
    monkeypatch.setattr(preparing, "shapes_of", lambda *_: pytest.fail("read again"))
    prepared(noise())


def test_choices_have_stores_of_their_own() -> None:
    choices = (
        DataConfig(),
        DataConfig(limit=4),
        DataConfig(channels=1),
        DataConfig(size=(4, 4)),
        DataConfig(only=("odd",)),
        DataConfig(split="x"),
    )
    assert len({store_folder(noise(), choice) for choice in choices}) == len(choices)
    assert store_folder(noise(identity=1), DataConfig()) != store_folder(noise(identity=2), DataConfig())


@pytest.mark.parametrize("file", ["images.npy", "labels.npy", "about.json", "bad.jsonl"])
@pytest.mark.parametrize("how", ["a bit", "longer", "shorter", "gone"])
def test_a_store_that_was_changed_is_noticed(file: str, how: str) -> None:
    prepared(noise((3,)))
    folder = store_folder(noise(), DataConfig())
    path = folder / file
    data = bytearray(path.read_bytes())
    if how == "gone":
        path.unlink()
    else:
        data[-3] ^= 4
        path.write_bytes({"a bit": data, "longer": data + b"x", "shorter": data[:-1]}[how])
    with pytest.raises(NevoaError, match=r"damaged.*remove that folder"):
        prepared(noise())


def test_a_store_that_was_only_touched_is_whole() -> None:
    prepared(noise())
    os.utime(store_folder(noise(), DataConfig()) / "images.npy")
    np.testing.assert_array_equal(prepared(noise()).images, NOISE)


def test_every_file_is_kept_by_its_hash(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encoded(photo(number), "PNG"))
    images = load_images(str(tmp_path))
    assert images.notes.source == str(tmp_path)
    listed = sorted(Path(os.environ["NEVOA_CACHE"]).glob("*/files-*.jsonl"))
    lines = [json.loads(line) for path in listed for line in path.read_text().splitlines()]
    sums = [hashlib.sha256((tmp_path / f"{number}.png").read_bytes()).hexdigest() for number in range(3)]
    assert lines == [
        {"file": f"{number}.png", "sha256": digest, "size": [30, 40]} for number, digest in enumerate(sums)
    ]


def test_a_full_disk_is_said_before_anything_is_written(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100})())
    with pytest.raises(NevoaError, match="The store of noise needs up to 0 MB"):
        prepared(noise())
    assert not [path for path in cache.iterdir() if path.suffix != ".lock"]


@pytest.mark.slow
def test_the_real_command_killed_and_started_again_makes_the_same_store(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(600):
        (pictures / f"{number}.png").write_bytes(encoded(photo(number, (200, 150)), "PNG"))
    command = [sys.executable, "-c", _SMALL_PARTS, "data", "prepare", str(pictures), "--size", "32"]
    environment = {**os.environ, "NEVOA_CACHE": str(tmp_path / "killed")}
    for _ in range(3):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = _parts(tmp_path)
        until(lambda process=process, before=before: process.poll() is not None or _parts(tmp_path) >= before + 2)
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: not _processes(str(pictures)), seconds=10)
    assert _parts(tmp_path) >= 6
    for cache in ("killed", "whole"):
        subprocess.run(command, env={**environment, "NEVOA_CACHE": str(tmp_path / cache)}, check=True)
    killed, whole = (
        {path.name: path.read_bytes() for path in (tmp_path / cache).glob("pictures-*/*") if path.name != "about.json"}
        for cache in ("killed", "whole")
    )
    assert killed == whole
    assert len(whole) > 8


_SMALL_PARTS = """
import nevoa.data.prepare
from nevoa.cli.main import main
nevoa.data.prepare.PART_BYTES = 50 * 32 * 32 * 3
main()
"""


def _processes(argument: str) -> list[str]:
    """Those that were started with an argument."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if argument.encode() in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(process.name)
    return found


def _parts(folder: Path) -> int:
    return len(list((folder / "killed").glob(".*partial/files-*.jsonl")))


def test_a_size_that_belongs_to_the_data_set_is_no_advice() -> None:
    """Shapes are drawn larger than they are."""
    assert load_images("shapes", limit=7).notes.most is None
