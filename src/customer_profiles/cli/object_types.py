"""`customer-profiles object-types`: how objects of other systems are mapped, kept in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from customer_profiles import InvalidInputError, ObjectType

from .console import err, fail, out, told_plainly
from .target import Db, DomainName, EndpointUrl, ProfileName, Region, made, opened

app: typer.Typer = typer.Typer(
    help="Object types: how objects of other systems become profiles.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The object type's name.")]
Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Object types as JSON, as AWS writes it.")
]
Output = Annotated[Path | None, typer.Option(help="The file to write; it must not be there yet.")]


@app.command()
def put(  # noqa: PLR0913  (the command's options)
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Object types as JSON, as AWS writes it."),
    ] = None,
    domain: DomainName,
    template: Annotated[
        str | None, typer.Option(help="A template to make an object type of, in place of files.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The object type's name, in place of the file's own.")
    ] = None,
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Create object types, or replace them; objects that are there stay as they are.

    An embedded domain is made when it is missing.
    """
    if bool(files) == bool(template):
        fail("give files, or a --template")
    with told_plainly():
        declared = [ObjectType.from_file(file) for file in files or ()]
        if template:
            declared = [ObjectType(object_type_name=template, template_id=template)]
        if name is not None:
            if len(declared) > 1:
                fail("--name is for one object type; give one file")
            declared[0].object_type_name = name
        with opened(db, region, profile, endpoint_url) as cp:
            # On AWS a domain has settings that somebody must choose.
            where = cp.domain(domain) if db is None else made(cp, domain)
            for one in declared:
                stored = where.object_types.put(one)
                out.print(f"put {escape(stored.object_type_name)}")


@app.command()
def get(  # noqa: PLR0913  (the command's options)
    name: Name,
    *,
    domain: DomainName,
    output: Output = None,
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Print an object type as JSON, or write it to a file that `put` and AWS's tools read."""
    with told_plainly(), opened(db, region, profile, endpoint_url) as cp:
        found = cp.domain(domain).object_types.get(name)
        if output is None:
            typer.echo(json.dumps(found.to_wire(), indent=2, ensure_ascii=False))
        else:
            found.to_file(_new(output))


@app.command(name="list")
def list_(
    *,
    domain: DomainName,
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """List the domain's object types."""
    table = Table("name", "description", "last updated", box=None)
    with told_plainly(), opened(db, region, profile, endpoint_url) as cp:
        for one in cp.domain(domain).object_types.all():
            updated = f"{one.last_updated_at:%Y-%m-%d %H:%M}" if one.last_updated_at else ""
            table.add_row(escape(one.object_type_name), escape(one.description or ""), updated)
    out.print(table)


@app.command()
def delete(  # noqa: PLR0913  (the command's options)
    name: Name,
    *,
    domain: DomainName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Delete an object type, all its objects, and what they set in profiles."""
    with told_plainly(), opened(db, region, profile, endpoint_url) as cp:
        object_type = cp.domain(domain).object_types.get(name)
        if not yes:
            question = f"Delete {name}, its objects and what they set in profiles of {domain}?"
            typer.confirm(question, abort=True)
        object_type.delete()
        out.print(f"deleted {escape(name)}")


@app.command()
def plan(  # noqa: PLR0913  (the command's options)
    files: Files,
    *,
    domain: DomainName,
    apply: Annotated[bool, typer.Option("--apply", help="Make it so.")] = False,
    delete_undeclared: Annotated[
        bool,
        typer.Option(
            "--delete-undeclared", help="Delete the object types that no file has, with objects."
        ),
    ] = False,
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Show how object types in files differ from those of the domain.

    Exit code: 0 no difference, or it was applied; 1 a difference; 2 an error.
    """
    with told_plainly(), opened(db, region, profile, endpoint_url) as cp:
        declared = [ObjectType.from_file(file) for file in files]
        object_types = cp.domain(domain).object_types
        planned = object_types.plan(*declared, delete_undeclared=delete_undeclared)
        typer.echo(str(planned))
        if planned.is_empty:
            return
        if not apply:
            raise typer.Exit(1)
        object_types.apply(planned)
        out.print("applied")


@app.command()
def codegen(  # noqa: PLR0913  (the command's options)
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Object types; without a name, all of the domain."),
    ] = None,
    *,
    domain: DomainName,
    output: Output = None,
    db: Db = None,
    region: Region = None,
    profile: ProfileName = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Write Python source of the classes that declare object types."""
    from customer_profiles import codegen as write

    with told_plainly(), opened(db, region, profile, endpoint_url) as cp:
        object_types = cp.domain(domain).object_types
        chosen = names or [one.object_type_name for one in object_types.all()]
        if not chosen:
            err.print(f"domain {escape(domain)} has no object types")
            return
        source = write(*(object_types.get(name) for name in chosen))
        if output is None:
            typer.echo(source, nl=False)
        else:
            _new(output).write_text(source, encoding="utf-8")


def _new(path: Path) -> Path:
    if path.exists():
        msg = f"{path} is there already; move it, or give another --output"
        raise InvalidInputError(msg)
    if not path.parent.is_dir():
        msg = f"the folder {path.parent} is missing; make it first"
        raise InvalidInputError(msg)
    return path
