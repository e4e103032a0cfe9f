"""`customer-profiles object-types`: object types, and the files that declare them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from customer_profiles import InvalidInputError, ObjectType

from .console import confirm, echo, err, errors_as_messages, fail, out
from .target import Target, with_target

app: typer.Typer = typer.Typer(
    help="Object types: how objects of other systems are mapped to profiles.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The object type's name.")]
_FILES = typer.Argument(
    metavar="FILE...", help="JSON files in the format of AWS, one object type each."
)
Output = Annotated[Path | None, typer.Option(help="The file to write; it must not exist.")]


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
def get(name: Name, *, output: Output = None, target: Target) -> None:
    """Print an object type as JSON, or write it to a file for `put` or the AWS tools."""
    with target.open() as domain:
        found = domain.object_types.get(name)
        if output is None:
            echo(json.dumps(found._to_wire(), indent=2, ensure_ascii=False))
        else:
            found.to_file(_new(output))


@app.command(name="list")
@with_target
def list_(*, target: Target) -> None:
    """List the domain's object types."""
    table = Table("name", "description", "last updated", box=None)
    with target.open() as domain:
        for listed in domain.object_types.all():
            updated = f"{listed.last_updated_at:%Y-%m-%d %H:%M}" if listed.last_updated_at else ""
            table.add_row(
                escape(listed.object_type_name), escape(listed.description or ""), updated
            )
    out.print(table)


@app.command()
@with_target
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    target: Target,
) -> None:
    """Delete an object type, its objects, and the profile values that they set."""
    with target.open() as domain:
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
    output: Output = None,
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
