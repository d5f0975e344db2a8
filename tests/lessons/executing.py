"""Lessons as notebooks that are executed: with other parameters, and with the answers to their exercises."""

import base64
import contextlib
import importlib.util
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from IPython.core.displayhook import CapturingDisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from PIL import Image
from traitlets.config import Config

ROOT = Path(__file__).parents[2]
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def script() -> ModuleType:
    """The script that makes notebooks, as a module."""
    spec = importlib.util.spec_from_file_location("make_lessons", ROOT / "scripts" / "make_lessons.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_lessons = script()


def with_parameters(notebook: NotebookNode, values: Mapping[str, Any]) -> NotebookNode:
    """Set values after the cell that is tagged `parameters`, which must have set all of them."""
    (index,) = (i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ()))
    names = re.findall(r"^(\w+) = ", notebook.cells[index].source, re.MULTILINE)
    assert set(values) <= set(names), (values, names)
    lines = (f"{name} = {value!r}" for name, value in values.items())
    notebook.cells.insert(index + 1, new_code_cell("\n".join(lines)))
    return notebook


def with_solutions(notebook: NotebookNode) -> NotebookNode:
    """Put each folded solution into a cell of its own, tagged `solution`, after the text that holds it."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            for code in PYTHON.findall(cell.source):
                cells.append(new_code_cell(code, metadata={"tags": ["solution"]}))
    notebook.cells = cells
    return notebook


def executed(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Execute a notebook in a folder, in a shell of its own in this process: torch is imported once for all lessons.

    An error in a cell is an error.
    """
    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    formatter: Any = shell.display_formatter
    formatter.active_types = ["text/plain", "text/html", "image/png"]
    dtype = torch.get_default_dtype()
    try:
        with contextlib.chdir(folder):
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs = list(_outputs(shell, cell.source))
    finally:
        torch.set_default_dtype(dtype)
        shell.restore_sys_module_state()
        InteractiveShell.clear_instance()
    return notebook


def _outputs(shell: InteractiveShell, code: str) -> Iterator[NotebookNode]:
    """Run a cell, and yield what a notebook shows below it."""
    shell.display_trap.hook = hook = CapturingDisplayHook(shell)
    with capture_output() as captured:
        shell.run_cell(code).raise_error()
    for name, text in (("stdout", captured.stdout), ("stderr", captured.stderr)):
        if text:
            yield new_output("stream", name=name, text=text)
    for shown in (*(shown.data for shown in captured.outputs), *(shown["data"] for shown in hook.outputs)):
        yield new_output("display_data", {mime: _encoded(data) for mime, data in shown.items()})


def _encoded(data: Any) -> Any:
    return base64.b64encode(data).decode() if isinstance(data, bytes) else data


def outputs(notebook: NotebookNode, mime: str) -> Iterator[tuple[NotebookNode, str]]:
    """Yield the outputs of one kind, each with its cell."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if mime in output.get("data", {}):
                yield cell, output["data"][mime]


def pictures(notebook: NotebookNode) -> list[np.ndarray]:
    """All pictures, as gray pixels."""
    found = (Image.open(io.BytesIO(base64.b64decode(data))) for _, data in outputs(notebook, "image/png"))
    return [np.asarray(picture.convert("L")) for picture in found]
