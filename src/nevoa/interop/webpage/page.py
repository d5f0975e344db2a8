"""One HTML page of its parts: modules joined into scripts, styles, data, and the policy that allows nothing else."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

HERE = Path(__file__).parent
BROWSER = HERE / "browser"
# In the order in which they need each other.
WORKER = "plain", "program", "engine", "wasm", "gpu", "random", "samplers", "sampling", "worker"
PAGE = "texts", "gif", "pictures", "player", "viewer", "page"
# The first that a browser accepts is used.
MODULES = "kernels-fma.wasm", "kernels.wasm"

IMPORT = re.compile(r"^import .*?;\n", re.MULTILINE | re.DOTALL)
EXPORT = re.compile(r"^export ", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/ ?|^\s*//[^\n]*$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"\n\s+")


def joined(names: Sequence[str], last: str) -> str:
    """Modules as one script, without comments and indentation; no two of them define the same name."""
    code = "\n".join((BROWSER / f"{name}.js").read_text("utf-8") for name in names)
    code = COMMENT.sub("", EXPORT.sub("", IMPORT.sub("", code)))
    return "\n".join(['"use strict";', INDENTED.sub("\n", code).strip(), last, ""])


def page_of(data: dict[str, Any], weights: str, source: str | None = None) -> str:
    """The page.

    Args:
        data: what the scripts read, as JSON.
        weights: the block in base64; empty if it lies beside the page.
        source: the name of the file with the block, if it does.
    """
    style = (BROWSER / "page.css").read_text("utf-8")
    script = joined(PAGE, "start();")
    # Nothing may be fetched, but for the weights of a page that has them beside it. The worker is made of a Blob, and has
    # the policy of its page, so that it may compile WebAssembly.
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
        worker=joined(WORKER, "serve(self);"),
        script=script,
    )


def kernels() -> list[str]:
    """The compiled kernels in base64."""
    return [base64.b64encode((HERE / "wasm" / name).read_bytes()).decode() for name in MODULES]


def _inside_script(data: dict[str, Any]) -> str:
    """JSON that cannot end the element that it stands in, whatever the names of classes are."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
