"""One HTML page of its parts: modules joined into scripts, styles, data, and the policy that allows nothing else."""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

HERE = Path(__file__).parent
BROWSER = HERE / "browser"
STYLE = BROWSER / "page.css"
# In the order in which they need each other.
WORKER = (
    "checksum",
    "plain",
    "program",
    "encoders",
    "engine",
    "wasm",
    "shaders",
    "gpu",
    "random",
    "samplers",
    "guidance",
    "sampling",
    "worker",
)
PAGE = (
    "checksum",
    "words",
    "guidance",
    "gif",
    "pictures",
    "elements",
    "brush",
    "photo",
    "drawing",
    "asking",
    "texts",
    "player",
    "viewer",
    "controls",
    "page",
)
# The first that a browser accepts is used.
MODULES = "kernels-fma.wasm", "kernels.wasm"

IMPORT = re.compile(r'^import (\{.*?\}) from "\./(\w+)\.js";$', re.MULTILINE | re.DOTALL)
EXPORT = re.compile(r"^export ((?:async )?(?:const|class|function\*?) (\w+))", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/ ?|(?:^\s*| +)//[^\n]*$", re.MULTILINE | re.DOTALL)
INDENTED, LINE = re.compile(r"\n\s+"), "\n"


def joined(names: Sequence[str], last: str) -> str:
    """Modules as one script: each is a function that returns what it exports. Comments and indentation are left out.

    Args:
        last: what the script does in the end.
    """
    return "\n".join(['"use strict";', *map(_as_function, names), last, ""])


def _as_function(name: str) -> str:
    code = (BROWSER / f"{name}.js").read_text("utf-8")
    exports = ", ".join(found for _, found in EXPORT.findall(code))
    code = COMMENT.sub("", EXPORT.sub(r"\1", IMPORT.sub(r"const \1 = $\2;", code)))
    return f"const ${name} = (() => {{\n{INDENTED.sub(LINE, code).strip()}\nreturn {{ {exports} }};\n}})();"


def page_of(data: dict[str, Any], weights: str, source: str | None = None) -> str:
    """The page.

    Args:
        data: what the scripts read, as JSON.
        weights: the block in base64; empty if it lies beside the page.
        source: the name of the file with the block, if it does.
    """
    style = STYLE.read_text("utf-8")
    script = joined(PAGE, "$page.start();")
    # Nothing may be fetched, but for the weights of a page that has them beside it. The worker is made of a Blob and
    # has the policy of its page, so that it may compile WebAssembly.
    policy = {
        "default-src": "'none'",
        "script-src": f"'{_digest(script)}' 'wasm-unsafe-eval'",
        "style-src": f"'{_digest(style)}'",
        "img-src": "blob: data:",
        "worker-src": "blob:",
        **({"connect-src": "'self'"} if source else {}),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return Template((BROWSER / "page.html").read_text("utf-8")).substitute(
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        style=style,
        data=_inside_script(data | {"source": source}),
        weights=weights,
        worker=joined(WORKER, "$worker.serve(self);"),
        script=script,
    )


def kernels() -> list[str]:
    """The compiled kernels, deflated, in base64."""
    return [base64.b64encode(zlib.compress((HERE / "wasm" / name).read_bytes(), 9)).decode() for name in MODULES]


def _inside_script(data: dict[str, Any]) -> str:
    """JSON that cannot end the element that it stands in, whatever the names of classes are."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
