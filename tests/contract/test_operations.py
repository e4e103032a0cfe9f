"""Every operation of the service is built on both sides, or stands in `NOT_YET`."""

from __future__ import annotations

from pathlib import Path

import pytest

import customer_profiles
from customer_profiles import _wire
from customer_profiles.engine.service import registry
from tests.contract.not_yet import NOT_YET

ROOT = Path(customer_profiles.__file__).parent
BUILT = sorted(set(_wire.service().operation_names) - NOT_YET)


def files_with(operation: str) -> list[str]:
    """Give the rooms whose code names an operation."""
    return sorted(
        path.relative_to(ROOT).parts[0]
        for path in ROOT.rglob("*.py")
        for line in path.read_text().splitlines()
        if f'"{operation}"' in line
    )


@pytest.mark.parametrize("operation", BUILT)
def test_a_built_operation_is_named_once_on_each_side(operation: str) -> None:
    assert files_with(operation) == ["engine", "repositories"]


@pytest.mark.parametrize("operation", sorted(NOT_YET))
def test_what_is_not_yet_built_is_nowhere(operation: str) -> None:
    assert files_with(operation) == []


def test_not_yet_names_only_operations_of_the_service() -> None:
    """An operation that botocore adds or drops shows up here, by name."""
    assert set(registry.OPERATIONS) == set(BUILT)
    assert set(_wire.service().operation_names) >= NOT_YET
