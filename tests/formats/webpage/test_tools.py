"""What other tools say about the page's code: the compiler of its kernels, and that of its types."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nevoa.data import CATALOG
from nevoa.data.find import UNKNOWN_LICENCE
from nevoa.formats.webpage.page import BROWSER, HERE, MODULES, PAGE, WORKER, joined, kernels

# What the promise of a small page allows: the scripts of the worker and the kernels.
LARGEST_RUNTIME = 65_000


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, with what package.json names."""
    if not shutil.which("npm"):
        assert not os.environ.get("NEVOA_REQUIRE_NPM"), "npm is missing."
        pytest.skip("There is no npm.")
    folder = tmp_path_factory.mktemp("webpage")
    for name in ("wasm", "browser"):
        shutil.copytree(HERE / name, folder / name, ignore=shutil.ignore_patterns("node_modules"))
    npm(folder, "ci")
    return folder


def npm(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["npm", *arguments], cwd=folder / "wasm", capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_kernels_are_those_of_their_source(compiled: Path) -> None:
    for name in MODULES:
        (compiled / "wasm" / name).unlink()
    npm(compiled, "run", "build")
    for name in MODULES:
        assert (compiled / "wasm" / name).read_bytes() == (HERE / "wasm" / name).read_bytes()


@pytest.mark.slow
def test_the_types_of_the_modules_fit(compiled: Path) -> None:
    npm(compiled, "run", "check")


def test_every_module_is_in_a_script_after_those_that_it_imports() -> None:
    assert {path.stem for path in BROWSER.glob("*.js")} == {*WORKER, *PAGE}
    for names in (WORKER, PAGE):
        for place, name in enumerate(names):
            code = (BROWSER / f"{name}.js").read_text()
            assert set(re.findall(r'^import .*? from "\./(\w+)\.js";', code, re.M | re.S)) <= set(names[:place])


def test_every_module_exports_what_others_import() -> None:
    """In the script, where a name that is not there would be undefined without a word."""
    for names in (WORKER, PAGE):
        script = joined(names, "")
        returned = re.findall(r"^return \{ (.*) \};\n\}\)\(\);$", script, re.M)
        exports = {name: set(found.split(", ")) for name, found in zip(names, returned, strict=True)}
        imports = re.findall(r"^const \{([^{}]*)\} = \$(\w+);$", script, re.M)
        assert len(imports) > 5
        for found, name in imports:
            assert set(re.findall(r"\w+", found)) <= exports[name], name


def test_the_runtime_is_small() -> None:
    assert len(joined(WORKER, "").encode()) + sum(map(len, kernels())) < LARGEST_RUNTIME


def test_both_languages_have_the_same_texts() -> None:
    english, portuguese = (BROWSER / "texts.js").read_text().split("  pt: {")
    key = re.compile(r"^    (\w+): ", re.MULTILINE)
    assert key.findall(english) == key.findall(portuguese)
    values = re.compile(r"\{(\w+)\}")
    for one, other in zip(english.splitlines()[5:], portuguese.splitlines()[1:], strict=False):
        assert sorted(values.findall(one)) == sorted(values.findall(other)), one


def test_what_is_said_of_a_licence_has_portuguese_words() -> None:
    """A licence's name, such as CC BY 4.0, stays."""
    known = re.findall(r'^  "(.*)": ".*",$', (BROWSER / "texts.js").read_text(), re.MULTILINE)
    assert {
        licence
        for licence in (UNKNOWN_LICENCE, *(row.licence for row in CATALOG.values()))
        if re.search(r"\b[a-z]{2,}", licence)
    } == {*known}
