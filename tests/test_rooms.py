"""Who may know whom, read from the imports."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import customer_profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(customer_profiles.__file__).parent
OURS = "customer_profiles"
# What a room must not import; a key may be a folder or a file.
FORBIDDEN = {
    "engine": ("models", "repositories", "_gateway", "errors", "_client", "channels", "mapping"),
    "engine/service": (
        "engine.store",
        "engine.profiles",
        "engine.ingestion",
        "engine.matching",
        "engine.flows",
    ),
    "engine/store": ("engine.service", "engine.profiles", "engine.ingestion", "engine.matching"),
    "engine/profiles": ("engine.ingestion", "engine.matching", "engine.flows"),
    "engine/ingestion": ("engine.matching", "engine.flows"),
    "engine/matching": ("engine.ingestion", "engine.flows"),
    "files": (
        "models",
        "repositories",
        "engine",
        "identity",
        "mapping",
        "_gateway",
        "channels",
        "_client",
        "_wire",
        "errors",
    ),
    "transfer": ("engine", "identity", "cli"),
    "models": ("transfer", "repositories", "_gateway", "channels", "_client", "engine", "mapping"),
    "identity": ("models", "repositories", "engine", "_gateway", "channels", "_client", "errors"),
}
# Operations and doors are the top of the engine: nothing else in it imports them.
TOPS = ("engine/operations", "engine/doors", "engine/__init__.py")
ONLY_IN = {
    "tenacity": ("_gateway.py",),
    "sqlite3": ("engine/store/",),
    # An engine in this process reads the files of S3 flows and fills SQS queues by itself.
    "boto3": ("channels/", "_client.py", "engine/aws.py", "engine/doors/moto.py"),
    "botocore": (
        "channels/",
        "engine/aws.py",
        "engine/doors/hook.py",
        "engine/doors/moto.py",
        "_wire.py",  # the service's description
        "errors.py",  # a ServiceError is also a ClientError
        "cli/serve.py",  # the region that boto3 finds
        "cli/target.py",  # named profiles of credentials
    ),
    "pyspark": ("identity/spark/",),
    "typer": ("cli/",),
    "uvicorn": ("engine/doors/listening.py",),
    "rich": ("cli/",),
    "python_calamine": ("files/",),
    "vobject": ("files/",),
}
# Rooms within rooms: two of them count as different rooms in the search for circles.
INNER_ROOMS = ("engine", "identity")
LARGEST_CIRCLE = 3
MOST_FILES = 14
ONE_FILE_A_FAMILY = ("models", "repositories", "engine/operations", "engine/store", "cli")


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
            found |= {f"{module}.{name.name}" for name in node.names}
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
    barred = {
        f"{OURS}.{other}"
        for room, others in FORBIDDEN.items()
        if file.startswith(f"{room}/")
        for other in others
    }
    if not file.startswith(("cli/", "__main__.py")):
        barred.add(f"{OURS}.cli")
    if file.startswith("engine/") and not file.startswith(TOPS):
        barred |= {f"{OURS}.engine.operations", f"{OURS}.engine.doors"}

    known = imports(ROOT / file)
    assert {name for name in known for bar in barred if f"{name}.".startswith(f"{bar}.")} == set()


BOTTOM = (
    "_flow_rules.py",
    "_hints/nearest.py",
    "_standard_objects.py",
    "_timestamps.py",
    "_type_rules.py",
    "_wire.py",
)


@pytest.mark.parametrize("file", BOTTOM)
def test_what_sdk_and_engine_share_knows_neither(file: str) -> None:
    assert imported_modules(file) <= {module_of(name) for name in BOTTOM}


def module_of(file: str) -> str:
    parts = [OURS, *file.removesuffix(".py").split("/")]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def imported_modules(file: str) -> set[str]:
    """Return the modules of ours that a file imports; a name is imported from its module."""
    names = imports(ROOT / file)
    known = {name if name in MODULES else name.rpartition(".")[0] for name in names}
    return (known & MODULES.keys()) - {module_of(file)}


def room_of(module: str) -> str:
    """Return the folder that counts as a module's room; a file at the top is a room itself."""
    parts = MODULES[module].split("/")
    depth = 2 if parts[0] in INNER_ROOMS else 1
    return "/".join(parts[:depth])


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the sets of nodes that reach one another."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            for name in graph.get(waiting.pop(), set()) - found:
                found.add(name)
                waiting.append(name)
        return found

    reach = {name: reached(name) for name in graph}
    rings = {
        frozenset(other for other in found if name in reach.get(other, ()))
        for name, found in reach.items()
        if name in found
    }
    return [set(ring) for ring in rings]


def test_no_two_rooms_import_each_other() -> None:
    graph: dict[str, set[str]] = {}
    for module, file in MODULES.items():
        others = {room_of(name) for name in imported_modules(file)}
        graph.setdefault(room_of(module), set()).update(others - {room_of(module)})

    assert circles(graph) == []


def test_no_circle_of_imports_has_more_than_three_files() -> None:
    graph = {module: imported_modules(file) for module, file in MODULES.items()}

    assert [ring for ring in circles(graph) if len(ring) > LARGEST_CIRCLE] == []


@pytest.mark.parametrize("folder", sorted({Path(file).parent.as_posix() for file in FILES}))
def test_a_folder_has_few_files(folder: str) -> None:
    files = {path.name for path in (ROOT / folder).glob("*.py")}
    # Users import it by this name, as pytest does.
    count = len(files - {"testing.py"})

    assert count <= MOST_FILES or folder in ONE_FILE_A_FAMILY, (
        f"{folder} holds {count} files; make rooms of it, as docs/explanation/architecture.md says"
    )


@pytest.mark.parametrize("file", FILES)
def test_a_library_is_imported_only_where_it_belongs(file: str) -> None:
    known = {name.split(".")[0] for name in imports(ROOT / file)}
    strange = {
        library
        for library, rooms in ONLY_IN.items()
        if library in known and not file.startswith(rooms)
    }

    assert strange == set()


SQL = re.compile(
    r"\s*(SELECT\s.+\sFROM\s|SELECT EXISTS|INSERT\s(OR \w+ )?INTO\s|UPDATE\s\w+\sSET\s"
    r"|DELETE FROM\s|(CREATE|ALTER|DROP)\s(TABLE|INDEX|TRIGGER)\s|PRAGMA\s)",
    re.DOTALL,
)
ROW_BITS = 40


def sql_in(tree: ast.Module) -> Iterator[int]:
    """Return the lines of string literals with SQL."""
    for node in ast.walk(tree):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(
            str(part.value) if isinstance(part, ast.Constant) else "name" for part in parts
        )
        if isinstance(node, ast.JoinedStr | ast.Constant) and SQL.match(text):
            yield node.lineno


def packing_in(tree: ast.Module) -> Iterator[int]:
    """Return the lines that pack or unpack row numbers, or compute a neighbouring slot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
            operator, operand = node.op, node.right.value
            if isinstance(operator, ast.LShift | ast.RShift) and operand == ROW_BITS:
                yield node.lineno
            if isinstance(operator, ast.BitXor) and operand == 1:
                yield node.lineno


OUTSIDE_THE_STORE = [file for file in FILES if not file.startswith("engine/store/")]


@pytest.mark.parametrize("file", OUTSIDE_THE_STORE)
def test_sql_is_only_in_the_store(file: str) -> None:
    lines = sorted(sql_in(ast.parse((ROOT / file).read_text())))

    assert lines == [], (
        f"{file} has SQL in lines {lines}: put it into a function of the module in engine/store/ "
        "that has the table, and call that function here"
    )


@pytest.mark.parametrize("file", OUTSIDE_THE_STORE)
def test_row_numbers_are_packed_only_in_the_store(file: str) -> None:
    lines = sorted(packing_in(ast.parse((ROOT / file).read_text())))

    assert lines == [], (
        f"{file} packs row numbers or index slots in lines {lines}: use a function of "
        "engine/store/rows.py, such as domain_of(row), first_row(domain) or object_slot(), or add "
        "one there"
    )


def test_sql_and_packing_are_recognized() -> None:
    code = """
row >> 40, domain << 40, slot ^ 1, row >> 8
connection.execute(f"SELECT {columns} FROM profiles")
connection.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", ["Select a file from the list"])
connection.execute("DELETE FROM keys")
"""
    tree = ast.parse(code)

    assert sorted(packing_in(tree)) == [2, 2, 2]
    assert sorted(set(sql_in(tree))) == [3, 4, 5]


def test_importing_the_package_imports_no_engine_and_no_cli() -> None:
    code = (
        "import sys; from customer_profiles import *; "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('moto', 'boto3', 'sqlite3', 'typer', 'rich', 'phonenumbers', 'tenacity') or "
        "name.startswith(('customer_profiles.engine', 'customer_profiles.cli', "
        "'customer_profiles.identity'))])"
    )
    # Coverage, which measures subprocesses too, imports sqlite3.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )

    assert done.stdout.strip() == "[]"
