"""`customer-profiles object-types`: object types, and the files that declare them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from customer_profiles import InvalidInputError, ObjectType
from customer_profiles._hints.nearest import did_you_mean
from customer_profiles._standard_objects import standard as standard_objects

from .completion import object_type_names, standard_object_names
from .console import confirm, echo, err, errors_as_messages, fail, out
from .output import Output, shown
from .target import Target, naming_type, with_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles._standard_objects import Node

app: typer.Typer = typer.Typer(
    help="Object types: how objects of other systems are mapped to profiles.", no_args_is_help=True
)

Name = Annotated[
    str, typer.Argument(help="The object type's name.", autocompletion=object_type_names)
]
_COLUMNS = shown("object_type_name", whole=True) + shown("description", "last_updated_at")
_ALL = 1_000
_FILES = typer.Argument(
    metavar="FILE...", help="JSON files in the format of AWS, one object type each."
)
File = Annotated[
    Path | None, typer.Option("--output", help="The file to write; it must not exist.")
]


@app.command()
@with_target
def put(
    *,
    files: Annotated[list[Path] | None, _FILES] = None,
    template: Annotated[
        str | None,
        typer.Option(help="The template to create an object type from, instead of files."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The object type's name, instead of the one in the file.")
    ] = None,
    target: Target,
) -> None:
    """Create or replace object types. Objects that are stored already stay as they are.

    An embedded domain is created if it is missing.
    """
    if bool(files) == bool(template):
        fail("give files, or a --template")
    with errors_as_messages():
        declared = [ObjectType.from_file(file) for file in files or ()]
        if template:
            declared = [ObjectType(object_type_name=template, template_id=template)]
        if name is not None:
            if len(declared) > 1:
                fail("--name is for one object type; give one file")
            declared[0].object_type_name = name
    with target.open(create=True) as domain:
        for object_type in declared:
            stored = domain.object_types.put(object_type)
            out.print(f"put {escape(stored.object_type_name)}")


@app.command()
@with_target
def get(name: Name, *, output: File = None, target: Target) -> None:
    """Print an object type as JSON, or write it to a file for `put` or the AWS tools."""
    with target.open() as domain, naming_type(domain, name):
        found = domain.object_types.get(name)
        if output is None:
            echo(json.dumps(found._to_wire(), indent=2, ensure_ascii=False))
        else:
            found.to_file(_new(output))


@app.command(name="list")
@with_target
def list_(*, target: Target, output: Output) -> None:
    """List the domain's object types."""
    with target.open() as domain:
        output.show(
            domain.object_types.all(),
            columns=_COLUMNS,
            model=ObjectType,
            private=False,
            empty="no object types; `object-types put` creates one from a file",
        )


@app.command()
@with_target
def standard(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A standard object, such as _case; default: list the standard objects.",
            autocompletion=standard_object_names,
            show_default=False,
        ),
    ] = None,
    *,
    output: Output,
) -> None:
    """List the standard objects, or the members of one that a field's target may name."""
    objects = standard_objects()
    if name is None:
        output.show(
            (
                {
                    "name": found.name,
                    "identifier": found.identifier,
                    "id_member": found.id_member,
                    "keys": [key for key, _ in found.keys],
                }
                for found in objects.values()
            ),
            columns=shown("name", "identifier", whole=True) + shown("id_member", "keys"),
            private=False,
        )
        return
    if name not in objects:
        hint = did_you_mean(name, objects) or f"known are {', '.join(objects)}"
        fail(f"there is no standard object {name!r}; {hint}")
    output.show(
        _members(name, objects[name].tree),
        columns=shown("target", whole=True) + shown("kind", "max_length", "values"),
        limit=_ALL,
        private=False,
    )


def _members(path: str, node: Node) -> Iterator[dict[str, Any]]:
    """Yield the targets within a member of a standard object."""
    if node.kind == "structure":
        for name, inner in node.members.items():
            yield from _members(f"{path}.{name}", inner)
    elif node.kind == "list" and node.item is not None:
        yield from _members(f"{path}[]", node.item)
    elif node.kind == "map" and node.item is not None:
        yield from _members(f"{path}.<name>", node.item)
    else:
        found: dict[str, Any] = {"target": path, "kind": node.kind, "values": list(node.values)}
        if node.longest < sys.maxsize:
            found["max_length"] = node.longest
        yield found


@app.command()
@with_target
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    target: Target,
) -> None:
    """Delete an object type, its objects, and the profile values that they set."""
    with target.open() as domain, naming_type(domain, name):
        object_type = domain.object_types.get(name)
        if not yes:
            question = f"Delete {name}, its objects and their values in {target.domain}?"
            confirm(question)
        object_type.delete()
        out.print(f"deleted {escape(name)}")


@app.command()
@with_target
def plan(
    files: Annotated[list[Path], _FILES],
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Apply the differences.")] = False,
    delete_undeclared: Annotated[
        bool,
        typer.Option(
            "--delete-undeclared",
            help="Delete object types that no file declares, and their objects.",
        ),
    ] = False,
    target: Target,
) -> None:
    """Show how the object types in files differ from those of the domain.

    Exit code: 0 no differences, or applied; 1 differences; 2 an error.
    """
    with target.open() as domain:
        declared = [ObjectType.from_file(file) for file in files]
        object_types = domain.object_types
        planned = object_types.plan(*declared, delete_undeclared=delete_undeclared)
        echo(str(planned))
        if planned.is_empty:
            return
        if not apply:
            raise typer.Exit(1)
        object_types.apply(planned)
        out.print("applied")


@app.command()
@with_target
def codegen(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...", help="Object types; default: all object types of the domain."
        ),
    ] = None,
    *,
    output: File = None,
    target: Target,
) -> None:
    """Write the Python source of classes that declare object types."""
    from customer_profiles import codegen as write

    with target.open() as domain:
        object_types = domain.object_types
        chosen = names or [object_type.object_type_name for object_type in object_types.all()]
        if not chosen:
            err.print(f"domain {escape(target.domain)} has no object types")
            return
        source = write(*(object_types.get(name) for name in chosen))
        if output is None:
            echo(source, nl=False)
        else:
            _new(output).write_text(source, encoding="utf-8")


def _new(path: Path) -> Path:
    if path.exists():
        msg = f"{path} exists already; move it, or give another --output"
        raise InvalidInputError(msg)
    if not path.parent.is_dir():
        msg = f"the folder {path.parent} does not exist; create it first"
        raise InvalidInputError(msg)
    return path
