"""The package exports its public classes, and each exported name can be imported."""

from __future__ import annotations

import ast
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import customer_profiles

STUB = ast.parse(Path(customer_profiles.__file__).with_suffix(".pyi").read_text())


def names_for_type_checkers() -> dict[str, str]:
    """Return the module of each name that the stub exports."""
    return {
        name.name: f".{node.module}"
        for node in STUB.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.asname == name.name
    }


def test_all_is_sorted_and_complete() -> None:
    names = customer_profiles.__all__

    assert names == sorted(names)
    assert names_for_type_checkers() == customer_profiles._MODULES
    assert len(names) == len(STUB.body)


@pytest.mark.parametrize("name", customer_profiles.__all__)
def test_every_exported_name_is_there(name: str) -> None:
    assert getattr(customer_profiles, name) is not None
    assert name in dir(customer_profiles)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Profil'"):
        customer_profiles.Profil  # noqa: B018


# Public within the package, but nothing that a user creates or names in an annotation.
NOT_EXPORTED = {
    *("Checkpoint", "CreateKeys", "Decided", "FlowBase", "FlowTask"),
    *("ProfilePage", "SearchKeys"),
}


def public_classes() -> list[str]:
    """Return `module.Class` of the classes that the files of models/ and repositories/ define.

    `base.py` and `documents.py` hold what the other files share.
    """
    return [
        f"{module.__name__}.{name}"
        for package in ("customer_profiles.models", "customer_profiles.repositories")
        for file in pkgutil.iter_modules(import_module(package).__path__)
        if file.name not in {"base", "documents"}
        for module in [import_module(f"{package}.{file.name}")]
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
        if name.isidentifier() and not name.startswith("_")  # not Page[Match], of pydantic
    ]


@pytest.mark.parametrize("path", public_classes())
def test_a_public_class_is_exported(path: str) -> None:
    module, _, name = path.rpartition(".")

    assert name in {*customer_profiles.__all__} | NOT_EXPORTED, (
        f"export {name} in src/customer_profiles/__init__.pyi (its module is {module}), or begin "
        "its name with an underscore"
    )
