"""What the package exports is what it says it exports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import customer_profiles

SOURCE = ast.parse(Path(customer_profiles.__file__).read_text())


def names_for_type_checkers() -> set[str]:
    guard = next(node for node in SOURCE.body if isinstance(node, ast.If))
    return {
        name.name
        for node in ast.walk(guard)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }


def test_all_is_sorted_and_complete() -> None:
    names = customer_profiles.__all__

    assert names == sorted(names)
    assert set(names) == names_for_type_checkers() == set(customer_profiles._ROOM_OF)


@pytest.mark.parametrize("name", customer_profiles.__all__)
def test_every_exported_name_is_there(name: str) -> None:
    assert getattr(customer_profiles, name) is not None
    assert name in dir(customer_profiles)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Profil'"):
        customer_profiles.Profil  # noqa: B018
