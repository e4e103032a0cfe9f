"""The documentation covers every command, option, public class and public method."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

import customer_profiles
from customer_profiles.cli.app import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CLI_PAGE = (DOCS / "reference/cli.md").read_text()
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SUBCOMMANDS = [
    f"{group} {name}"
    for group, command in COMMANDS.items()
    for name in getattr(command, "commands", ())
]
REFERENCES = [
    (page.name, reference)
    for page in sorted((DOCS / "reference").glob("*.md"))
    for reference in re.findall(r"^::: (\S+)$", page.read_text(), re.MULTILINE)
]
# What a reader learns from: not the reference, which lists names, nor the list of changes.
PROSE = "\n".join(
    page.read_text()
    for page in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    if page.parent.name != "reference" and page.name not in {"changelog.md", "fidelity.md"}
)
# Classes whose properties lead to the repositories.
ENTRANCES = {"CustomerProfiles", "Domain", "Match", "Profile"}
# Methods that records call on the collection that they came from.
FOR_RECORDS = {"contents", "erase", "is_changed", "named", "profiles_of", "reread"}


def target_of(reference: str) -> Any:
    """Return the object that a reference such as `customer_profiles.errors` names.

    Raises:
        LookupError: there is no such object.
    """
    parts = reference.split(".")
    for length in range(len(parts), 0, -1):
        try:
            target: Any = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if not hasattr(target, name):
                raise LookupError(reference)
            target = getattr(target, name)
        return target
    raise LookupError(reference)


def documented() -> set[int]:
    """Return the ids of the objects that the reference pages list, those of modules included."""
    targets = [target_of(reference) for _, reference in REFERENCES]
    members = [
        member
        for module in targets
        if inspect.ismodule(module)
        for name, member in vars(module).items()
        if not name.startswith("_")
    ]
    return {id(target) for target in [*targets, *members]}


def public_methods() -> list[str]:
    """Return `Class.method` of the public methods and properties of repositories and records."""
    return [
        f"{name}.{method}"
        for name in customer_profiles.__all__
        if isinstance(owner := getattr(customer_profiles, name), type)
        if owner.__module__.startswith("customer_profiles.repositories") or name in ENTRANCES
        for method, value in vars(owner).items()
        if not method.startswith(("_", "model_"))
        and (inspect.isroutine(value) or isinstance(value, property))
    ]


@pytest.mark.parametrize(("page", "reference"), REFERENCES)
def test_a_reference_names_something(page: str, reference: str) -> None:
    try:
        target_of(reference)
    except LookupError:
        pytest.fail(f"docs/reference/{page}: {reference} does not exist; write its new path")


@pytest.mark.parametrize("name", sorted({*customer_profiles.__all__} - {"__version__"}))
def test_an_exported_name_is_in_the_reference(name: str) -> None:
    value = getattr(customer_profiles, name)
    path = f"{getattr(value, '__module__', 'customer_profiles')}.{name}"

    assert id(value) in documented(), (
        f"customer_profiles.{name} is on no page of docs/reference/: write `::: {path}` on the "
        "page of its family; a new page also needs a link in docs/index.md"
    )


@pytest.mark.parametrize("method", public_methods())
def test_a_public_method_is_explained(method: str) -> None:
    name = method.rpartition(".")[2]

    assert name in FOR_RECORDS or re.search(rf"\.{name}\b|`{name}\b", PROSE), (
        f"no page of docs/how-to/, the tutorial or README shows `{method}`: write there when to "
        "use it, with a Python block (it runs as a test), and add a line to CHANGELOG.md"
    )


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_a_page_is_linked_from_the_index(page: Path) -> None:
    path = page.relative_to(DOCS).as_posix()
    index = (DOCS / "index.md").read_text()

    assert f"({path})" in index or path in {"index.md", "changelog.md"}, (
        f"docs/index.md has no link to {path}: add it to the list of its section"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_its_options_are_documented(name: str) -> None:
    options = [option for param in COMMANDS[name].params for option in param.opts]
    missing = [name for name in options if name.startswith("--") and f"`{name}" not in CLI_PAGE]

    assert f"## `customer-profiles {name}" in CLI_PAGE, f"docs/reference/cli.md lacks {name}"
    assert COMMANDS[name].help
    assert missing == [], f"docs/reference/cli.md does not explain {missing} of {name}"


@pytest.mark.parametrize("path", SUBCOMMANDS)
def test_a_command_of_a_group_and_its_options_are_documented(path: str) -> None:
    group, name = path.split()
    command = COMMANDS[group].commands[name]
    section = CLI_PAGE.split(f"## `customer-profiles {group}", 1)[1].split("\n## ", 1)[0]
    options = [option for param in command.params for option in param.opts]
    missing = [name for name in options if name.startswith("--") and name not in section]

    assert command.help
    assert re.search(rf"`{name}\b|^ {name}\b", section), f"docs/reference/cli.md lacks {path}"
    assert missing == [], f"docs/reference/cli.md does not explain {missing} of {path}"
