"""CI, metadata and the contributor's guide agree with the files that they name."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CI = (ROOT / ".ci/run").read_text()
WORKFLOWS: dict[str, dict[str, Any]] = {
    path.name: yaml.safe_load(path.read_text())
    for path in sorted((ROOT / ".github/workflows").glob("*.yml"))
}
JOBS = [(file, job) for file, workflow in WORKFLOWS.items() for job in workflow["jobs"].values()]
STEPS = [(file, step) for file, job in JOBS for step in job["steps"]]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()


def supported_versions() -> set[str]:
    prefix = "Programming Language :: Python :: "
    return {
        name.removeprefix(prefix)
        for name in PROJECT["project"]["classifiers"]
        if name.startswith(prefix)
    }


def test_ci_tests_every_supported_python() -> None:
    tested = {
        version
        for _, job in JOBS
        for version in [
            *job.get("strategy", {}).get("matrix", {}).get("python", []),
            *(step.get("with", {}).get("python-version", "") for step in job["steps"]),
        ]
        if not version.startswith("$") and version
    }
    local = re.search(r"^supported=\((.*)\)$", CI, re.MULTILINE)

    assert tested == supported_versions(), "list the same versions in .github/workflows/ci.yml"
    assert local is not None
    assert set(local[1].split()) == supported_versions(), "list the same versions in .ci/run"


@pytest.mark.parametrize(("file", "step"), STEPS)
def test_a_workflow_calls_steps_that_exist(file: str, step: dict[str, Any]) -> None:
    calls = re.findall(r"\.ci/run (.*)", step.get("run", ""))
    missing = [name for call in calls for name in call.split() if f"\n{name}() {{" not in CI]

    assert missing == [], f"{file} calls {missing}, which .ci/run does not define"


@pytest.mark.parametrize("file", WORKFLOWS)
def test_a_workflow_has_few_rights_and_no_secret(file: str) -> None:
    text = (ROOT / ".github/workflows" / file).read_text()

    assert WORKFLOWS[file]["permissions"] == {"contents": "read"}
    assert "secrets." not in text


def test_every_interpreter_but_one_leaves_out_slow_tests() -> None:
    runs = re.findall(r"^.*\bpytest .*$", CI, re.MULTILINE)
    whole = [run.strip() for run in runs if "not slow" not in run and "#" not in run]

    assert whole == ['coverage run -m pytest "${parallel[@]}"']


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:src|tests|tools|docs|\.ci|\.github)/[\w./-]+)`", GUIDE)))
)
def test_the_guide_names_files_that_exist(path: str) -> None:
    assert (ROOT / path).exists(), f"CONTRIBUTING.md names {path}; write its new path"


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="compares an sdist with the repository")
def test_the_sdist_has_all_files_of_the_repository() -> None:
    command = ["git", "-C", str(ROOT), "ls-files"]
    files = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    included = {
        pattern.removeprefix("/")
        for pattern in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    }
    names = {Path(file).parts[0] for file in files} - {"pyproject.toml"}
    missing = sorted(
        name for name in names if not any(Path(name).match(pattern) for pattern in included)
    )

    assert missing == [], f"add {missing} to include of the sdist in pyproject.toml"
