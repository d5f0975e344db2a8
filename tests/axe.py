"""Violations of WCAG 2.1, levels A and AA, that npm's axe-core finds on a page."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Page

# It depends on no other package.
PACKAGE = "axe-core@4.14.1"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
RUN = "async tags => (await axe.run(document, {runOnly: tags, resultTypes: ['violations']})).violations"


def violations(page: Page) -> list[str]:
    """A line for each element that breaks a rule: the rule, the element, what is wrong. Without npm, skip the test."""
    page.evaluate(f"() => {{ {_axe()} }}")
    return [
        f"{rule['id']}: {node['html']}: {node['failureSummary']}"
        for rule in page.evaluate(RUN, TAGS)
        for node in rule["nodes"]
    ]


@cache
def _axe() -> str:
    """Its code, installed once a process; npm has a cache of its own."""
    npm = shutil.which("npm")
    if not npm:
        assert not os.environ.get("NEVOA_REQUIRE_NPM"), "npm is missing."
        pytest.skip("There is no npm.")
    with TemporaryDirectory() as folder:
        command = [npm, "install", "--no-save", "--no-audit", "--no-fund", f"--prefix={folder}", PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return Path(folder, "node_modules/axe-core/axe.min.js").read_text("utf-8")
