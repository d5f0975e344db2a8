"""Files that GitHub and other services read."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import nevoa
from nevoa.cli.first import FIRST

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


@pytest.mark.parametrize("name", ["README.md", "README.pt.md", "docs/index.md", "docs/pt/index.md"])
def test_the_first_command_of_a_first_page_installs_nevoa(name: str) -> None:
    found = re.findall(r"(pip install \S+|make \w+)", (ROOT / name).read_text("utf-8"))
    assert found[0].rstrip("`") == "pip install nevoa"


@pytest.mark.parametrize("name", ["README.md", "README.pt.md"])
def test_a_readme_begins_with_what_nevoa_alone_prints_and_has_the_clone_below(name: str) -> None:
    typed = re.findall(r"^ {4}((?:nevoa|make) .+)$", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    words = [shlex.split(line, comments=True) for line in typed]
    first = [shlex.split(re.split("  +", line)[0]) for line in re.findall(r"^  (nevoa .+)$", FIRST, re.MULTILINE)]
    assert words[:5] == [*first, ["make", "demo"], ["make", "test"]]


def test_pre_commit_runs_a_target_of_the_makefile() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (hook,) = repository["hooks"]
    assert (repository["repo"], hook["language"], hook["always_run"]) == ("local", "system", True)
    assert f"\n{hook['entry'].removeprefix('make ')}:" in (ROOT / "Makefile").read_text()
