"""Every module of this room imports and works where Unix's calls are missing; Windows has none of these."""

import mmap
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from nevoa.data import load_images
from nevoa.data.sources.arrays import give_back, mapped
from tests.data.pictures import encoded, photo

WITHOUT_UNIX = """
import ctypes, importlib, mmap, os, pkgutil, signal, sys
sys.modules["resource"] = sys.modules["fcntl"] = None
for name in "pread", "fork", "sched_getaffinity", "mkfifo":
    delattr(os, name)
del mmap.MADV_DONTNEED, signal.SIGKILL
import nevoa.data
for found in pkgutil.walk_packages(nevoa.data.__path__, "nevoa.data."):
    importlib.import_module(found.name)
print("imported")
"""


@pytest.mark.slow
def test_every_module_imports_without_unix() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_UNIX], capture_output=True, text=True, check=False)
    assert done.stdout == "imported\n", done.stderr


def test_images_load_without_unix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pets").mkdir()
    for number in range(3):
        (tmp_path / "pets" / f"{number}.png").write_bytes(encoded(photo(number), "PNG"))
    with tarfile.open(tmp_path / "pets.tar.gz", "w:gz") as out:
        out.add(tmp_path / "pets", "pets")
    expected = load_images(tmp_path / "pets").fingerprint
    monkeypatch.delattr(os, "pread")
    monkeypatch.delattr(mmap, "MADV_DONTNEED")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    for name in ("pets", "pets.tar.gz"):
        assert load_images(tmp_path / name).fingerprint == expected
    np.save(tmp_path / "a.npy", np.zeros((2, 4, 4), np.uint8))
    give_back(mapped(tmp_path / "a.npy"))
