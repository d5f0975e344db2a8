"""Files that GitHub and other services read."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import nevoa

ROOT = Path(__file__).parents[1]
FORMS = ROOT / ".github" / "ISSUE_TEMPLATE"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": WORKFLOWS,
    "vendor.github-issue-forms": [FORMS / "defect.yml", FORMS / "wish.yml"],
    "vendor.github-issue-config": [FORMS / "config.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}


def check(schema: str, *files: Path) -> subprocess.CompletedProcess[str]:
    """Compare files with a schema that check-jsonschema brings."""
    command = [sys.executable, "-m", "check_jsonschema", "--default-filetype", "yaml", "--builtin-schema", schema]
    return subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_for_services_are_valid(schema: str) -> None:
    done = check(schema, *SCHEMAS[schema])
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_workflow_with_a_spelling_mistake_is_not(tmp_path: Path) -> None:
    file = tmp_path / "tests.yml"
    file.write_text(WORKFLOWS[0].read_text().replace("runs-on", "run-on"))
    assert check("vendor.github-workflows", file).returncode == 1


def test_workflows_run_targets_of_the_makefile() -> None:
    targets = (ROOT / "Makefile").read_text()
    for job in (job for file in WORKFLOWS for job in yaml.safe_load(file.read_text())["jobs"].values()):
        for step in job.get("steps", ()):
            if step.get("run", "").startswith("make "):
                assert f"\n{step['run'].removeprefix('make ')}:" in targets


def test_the_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == version("nevoa") == nevoa.__version__


def test_the_report_of_a_defect_asks_for_the_versions() -> None:
    labels = [part["attributes"]["label"] for part in yaml.safe_load((FORMS / "defect.yml").read_text())["body"]]
    assert any("nevoa --version --verbose" in label for label in labels)
