"""Who may know whom, read from the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import customer_profiles

ROOT = Path(customer_profiles.__file__).parent
OURS = "customer_profiles"
FORBIDDEN = {
    "engine": ("models", "repositories", "_gateway", "errors", "_client", "_channels", "mapping"),
    "models": ("repositories", "_gateway", "_channels", "_client", "engine"),
    "identity": ("models", "repositories", "engine", "_gateway", "_channels", "_client", "errors"),
}
ONLY_IN = {
    "sqlite3": ("engine/store/",),
    "tenacity": ("_gateway.py",),
    # An engine in this process reads the files of S3 flows and fills SQS queues by itself.
    "boto3": ("_channels.py", "_client.py", "engine/aws.py"),
    "typer": ("cli/",),
    "rich": ("cli/",),
}


def imports(path: Path) -> set[str]:
    """Give the modules that a file imports at run time, in full names."""
    package = [OURS, *path.relative_to(ROOT).parent.parts]
    found: set[str] = set()
    for node in ast.walk(without_type_checking(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module} | {f"{module}.{name.name}" for name in node.names}
    return found


def without_type_checking(tree: ast.Module) -> ast.Module:
    class Drop(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | None:
            names = {item.id for item in ast.walk(node.test) if isinstance(item, ast.Name)}
            return None if "TYPE_CHECKING" in names else self.generic_visit(node)

    return Drop().visit(tree)


FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


@pytest.mark.parametrize("file", FILES)
def test_a_room_imports_only_what_it_may_know(file: str) -> None:
    room = file.split("/", maxsplit=1)[0]
    known = imports(ROOT / file)
    barred = {f"{OURS}.{other}" for other in FORBIDDEN.get(room, ())}
    if room not in ("cli", "__main__.py"):
        barred.add(f"{OURS}.cli")

    assert {name for name in known for bar in barred if f"{name}.".startswith(f"{bar}.")} == set()


@pytest.mark.parametrize("file", FILES)
def test_a_library_is_imported_only_where_it_belongs(file: str) -> None:
    known = {name.split(".")[0] for name in imports(ROOT / file)}
    strange = {
        library
        for library, rooms in ONLY_IN.items()
        if library in known and not file.startswith(rooms)
    }

    assert strange == set()


def test_importing_the_package_imports_no_engine_and_no_cli() -> None:
    code = (
        "import sys; from customer_profiles import *; "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('moto', 'boto3', 'sqlite3', 'typer', 'rich', 'phonenumbers', 'tenacity') or "
        "name.startswith(('customer_profiles.engine', 'customer_profiles.cli', "
        "'customer_profiles.identity'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
