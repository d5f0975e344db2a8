"""Without the packages of an extra, a sentence says which extra to install."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nevoa.commands.load import load
from nevoa.errors import NevoaError
from nevoa.formats import onnx
from nevoa.formats.diffusers.export import export
from nevoa.model import Model
from tests.formats.small_models import small_model

pytestmark = pytest.mark.slow

WORK: dict[str, tuple[str, Callable[[Model, Path], object]]] = {
    "export to diffusers": ("diffusers", lambda model, path: export(model, path)),
    "open a folder of diffusers": ("diffusers", lambda model, path: load(path)),
    "export to onnx": ("onnx", lambda model, path: onnx.export(model, path)),
}


@pytest.mark.parametrize("work", WORK)
def test_the_missing_package_and_its_extra_are_named(
    work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, function = WORK[work]
    model, path = small_model(), tmp_path / "m"
    if work.startswith("open"):
        export(model, path, sampler="dpm_solver", steps=2)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(NevoaError, match=rf"needs the package {package}: pip install 'nevoa\[{package}\]'"):
        function(model, path)
    assert sorted(tmp_path.rglob("*")) == before
