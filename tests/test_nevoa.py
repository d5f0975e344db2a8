"""What `import nevoa` gives: names that are looked up when they are used."""

import subprocess
import sys
from pathlib import Path

import pytest

import nevoa

# Python refuses none of these by itself: each call, and a part of the error.
WRONG_CALLS = {
    "model.sample(2.5)": "count must be a whole number from 1 to 1,000,000,000, not 2.5.",
    "model.sample(1, seed='1')": "seed must be a whole number",
    "model.sample(1, labels=3.5)": "labels must be classes by name or index, such as 'T-shirt/top' or [0, 1], not 3.5.",
    "model.sample(1, labels=[[0, 1]])": "There is no class '(0, 1)'.",
    "nevoa.sample(label=3.5)": "There is no class '3.5'.",
    "nevoa.sample(trajectory=4.5)": "trajectory must be a whole number",
    "nevoa.sample('')": "is not a run with a model",
    "nevoa.evaluate(seed=-1)": "seed must be a whole number",
    "nevoa.continue_('r', cool_down='30s')": "a number of seconds",
    "list(nevoa.sweep(count=2.5))": "count must be a whole number",
    "nevoa.compare('a', 'b', seed='0')": "seed must be a whole number",
    "nevoa.noise('shapes:0', at=2.5)": "--at must be a list of whole numbers",
    "nevoa.noise('shapes:0', schedule=[])": "There is no schedule to draw",
    "nevoa.export('', to='onnx')": "is not a run with a model",
    "model.sample(1, lables=3)": "Did you mean 'labels'?",
    "model.condition('2')": "count must be a whole number",
    "model.to(0)": "This machine has no 0 device.",
    "nevoa.load(3)": "The run must be a path, as text or a pathlib.Path, not 3.",
    "nevoa.load(device=3)": "This machine has no 3 device.",
    "nevoa.configure(3)": "The source must be a path",
    "nevoa.configure(config=3)": "config must be a path",
    "nevoa.configure(preset=3)": "There is no preset '3'.",
    "nevoa.train('shapes', step=7)": "Did you mean 'steps'?",
    "nevoa.train('shapes', steps='7')": "training.steps: Input should be a valid integer (given: '7').",
    "nevoa.train('shapes', steps=7, out=3)": "out must be a path",
    "nevoa.train('shapes', steps=7, network=lambda x_t, t: x_t)": "an object of a subclass of torch.nn.Module",
    "nevoa.train('shapes', progress='no')": "progress must be True or False, not 'no'.",
    "nevoa.train('shapes', accept_changes=1)": "accept_changes must be True or False, not 1.",
    "nevoa.lessons.Lesson(1, 'de')": "There is no language 'de': the lessons are in en and pt.",
    "nevoa.fit('shapes')": "make one with nevoa.configure(SOURCE).",
    "nevoa.fit(nevoa.configure('shapes'), out=3)": "out must be a path",
    "nevoa.fit(nevoa.configure('shapes'), start='runs/x')": "start must be a model, such as nevoa.load('runs/x')",
    "nevoa.variations(model, __import__('numpy').zeros((0, 5), 'uint8'))": "not uint8 [0, 5].",
}


def test_every_name_and_every_room_is_found() -> None:
    for name in dir(nevoa):
        assert getattr(nevoa, name) is not None, name


@pytest.mark.slow
def test_rooms_need_no_import_of_their_own_and_import_no_notebook() -> None:
    """In a process of its own: here tests have imported them."""
    rooms = [name for name in dir(nevoa) if name not in nevoa.__all__]
    script = (
        f"import sys, nevoa; assert 'torch' not in sys.modules; [getattr(nevoa, name) for name in {rooms}]; "
        "print(nevoa.runs.Run is nevoa.Run, nevoa.register.__name__, "
        "{'ipywidgets', 'IPython', 'skimage', 'peft'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "True register set()\n", done.stderr


@pytest.mark.slow
def test_a_run_may_be_named_by_text() -> None:
    """In a process of its own: here the type checker of the tests would be first."""
    script = "import nevoa; print(nevoa.Run('runs/x').folder / 'y', 'not started' in nevoa.Run('x')._repr_html_())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == [str(Path("runs/x/y")), "True"], done.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        nevoa.trian  # noqa: B018


@pytest.mark.slow
def test_arguments_of_another_type_are_explained_before_anything_is_done(tmp_path: Path) -> None:
    """In a process of its own: here the type checker of the tests would be first."""
    script = (
        f"import nevoa\nmodel = nevoa.load(device='cpu')\nfor call in {list(WRONG_CALLS)}:\n"
        " try: eval(call); print('accepted')\n except nevoa.NevoaError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert not done.stderr
    for call, message, said in zip(WRONG_CALLS, WRONG_CALLS.values(), done.stdout.splitlines(), strict=True):
        assert message in said, call
    assert not list(tmp_path.iterdir())
