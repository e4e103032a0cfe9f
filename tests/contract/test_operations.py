"""Every operation of the service is built on both sides, or is listed in `NOT_YET`."""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from pathlib import Path

import pytest

import customer_profiles
from customer_profiles import _wire
from customer_profiles.engine.service import registry
from tests.contract.not_yet import NOT_YET

ROOT = Path(customer_profiles.__file__).parent
SERVICE = frozenset(_wire.service().operation_names)
BUILT = sorted(SERVICE - NOT_YET)
# The folders in which the name of an operation belongs, each once.
SIDES = ["engine/operations", "repositories"]
LIST = "tests/contract/not_yet.py"


@functools.cache
def lines_by_operation() -> dict[str, list[str]]:
    """Return the lines of code that name each operation, as `folder/file.py:line`."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(ROOT.rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value in SERVICE:
                found[node.value].append(f"{file}:{node.lineno}")
    return found


def folders(lines: list[str]) -> list[str]:
    """Return the folders of lines such as `repositories/domains.py:12`."""
    return [line.rpartition("/")[0] for line in lines]


@pytest.mark.parametrize("operation", BUILT)
def test_a_built_operation_is_named_once_on_each_side(operation: str) -> None:
    lines = lines_by_operation()[operation]
    missing = [side for side in SIDES if side not in folders(lines)]

    assert missing == [], (
        f'write "{operation}" in a file of src/customer_profiles/{" and of ".join(missing)} '
        f"(CONTRIBUTING.md, Add an operation), or list it in {LIST}; it is named in {lines}"
    )
    assert folders(lines) == SIDES, (
        f'"{operation}" is named {len(lines)} times: {lines}. Name it once in repositories/ '
        "and once in engine/operations/; use a constant or a function for the second use"
    )


@pytest.mark.parametrize("operation", sorted(NOT_YET))
def test_what_is_not_yet_built_is_nowhere(operation: str) -> None:
    lines = lines_by_operation()[operation]

    assert lines == [], f"{operation} is built in {lines}: remove its line from {LIST}"


def test_not_yet_names_only_operations_of_the_service() -> None:
    """An operation that botocore adds or drops is reported here, by name."""
    unregistered = sorted(set(BUILT) - set(registry.OPERATIONS))
    early = sorted(set(registry.OPERATIONS) & NOT_YET)
    unknown = sorted(NOT_YET - SERVICE)

    assert unregistered == [], (
        f"the engine has no function for {unregistered}: decorate one with @operation(...) in "
        f"engine/operations/ and import its file there, or list the operation in {LIST}"
    )
    assert early == [], f"the engine has {early}: remove the lines from {LIST}"
    assert unknown == [], f"the service has no operations {unknown}: remove the lines from {LIST}"
    assert set(registry.OPERATIONS) == set(BUILT)
