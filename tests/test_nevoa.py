"""What `import nevoa` gives: names that are looked up when they are used."""

import subprocess
import sys
from pathlib import Path

import pytest

import nevoa


def test_every_name_and_every_room_is_found() -> None:
    for name in dir(nevoa):
        assert getattr(nevoa, name) is not None, name


def test_rooms_need_no_import_of_their_own() -> None:
    """In a process of its own: here tests have imported them."""
    rooms = [name for name in dir(nevoa) if name not in nevoa.__all__]
    script = (
        f"import sys, nevoa; assert 'torch' not in sys.modules; [getattr(nevoa, name) for name in {rooms}]; "
        "print(nevoa.runs.Run is nevoa.Run, nevoa.networks.register.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "True register\n", done.stderr


def test_a_run_may_be_named_by_text() -> None:
    """In a process of its own: here the type checker of the tests would be first."""
    script = "import nevoa; print(nevoa.Run('runs/x').folder / 'y', 'not started' in nevoa.Run('x')._repr_html_())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == [str(Path("runs/x/y")), "True"], done.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        nevoa.trian  # noqa: B018
