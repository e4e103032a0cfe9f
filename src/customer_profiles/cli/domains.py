"""`customer-profiles domains`: list, show, create and delete domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from customer_profiles import Domain, ResourceNotFoundError

from .completion import domain_names
from .console import confirm, fail, out
from .output import Output, shown
from .target import Connection, check_domain, with_target

if TYPE_CHECKING:
    from customer_profiles import CustomerProfiles

app: typer.Typer = typer.Typer(help="Domains: the containers of profiles.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(help="The domain's name.", autocompletion=domain_names, show_default=False)
]
_COLUMNS = shown("domain_name", whole=True) + shown(
    *("stats.profile_count", "stats.object_count", "default_expiration_days"),
    *("created_at", "last_updated_at"),
)


@app.command(name="list")
@with_target
def list_(*, connection: Connection, output: Output) -> None:
    """List the domains: of a database file with their counts, of AWS with their times."""
    with connection.connect() as cp:
        domains = cp.domains.all()
        found = (domain.refresh() if connection.db else domain for domain in domains)
        output.show(
            found,
            columns=_COLUMNS,
            model=Domain,
            private=False,
            empty="no domains; `domains create` creates one",
        )


@app.command()
@with_target
def show(name: Name, *, connection: Connection, output: Output) -> None:
    """Show a domain: its settings, its counts, and the names of its object types."""
    with connection.connect() as cp:
        domain = _get(cp, name)
        names = [object_type.object_type_name for object_type in domain.object_types.all()]
        row = {**domain.model_dump(exclude_none=True), "object_types": names}
        output.show([row], private=False, vertical=True)


@app.command()
@with_target
def create(  # noqa: PLR0913  (the command's options)
    name: Name,
    *,
    expiration_days: Annotated[
        int,
        typer.Option(
            min=1, max=1098, help="Days after the last update until a profile or object expires."
        ),
    ] = 366,
    encryption_key: Annotated[
        str | None, typer.Option(help="The ARN of the KMS key that encrypts the domain's data.")
    ] = None,
    dead_letter_queue_url: Annotated[
        str | None, typer.Option(help="The URL of the SQS queue for objects that are rejected.")
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="NAME=VALUE", help="A tag; may be repeated."),
    ] = None,
    connection: Connection,
) -> None:
    """Create a domain, and the --db file if it is missing."""
    settings: dict[str, Any] = {
        "default_encryption_key": encryption_key,
        "dead_letter_queue_url": dead_letter_queue_url,
        "tags": dict(_tag(tag) for tag in tags or ()),
    }
    chosen = {field: value for field, value in settings.items() if value}
    with connection.connect(create=True) as cp:
        cp.domains.create(name, default_expiration_days=expiration_days, **chosen)
        out.print(f"created domain {escape(name)}", soft_wrap=True)


@app.command()
@with_target
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    connection: Connection,
) -> None:
    """Delete a domain with all its profiles, objects and object types. This cannot be undone."""
    with connection.connect() as cp:
        domain = _get(cp, name)
        stats = domain.stats
        if not yes:
            profiles, objects = (
                (stats.profile_count or 0, stats.object_count or 0) if stats else (0, 0)
            )
            confirm(
                f"Delete domain {name} with {profiles:,} profiles and {objects:,} objects? "
                "It cannot be undone."
            )
        cp.domains.delete(name)
        out.print(f"deleted domain {escape(name)}", soft_wrap=True)


def _get(cp: CustomerProfiles, name: str) -> Domain:
    try:
        return cp.domains.get(name)
    except ResourceNotFoundError:
        check_domain(cp, name)
        raise


def _tag(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        fail(f"--tag is NAME=VALUE, such as team=shop, not {text}")
    return name, value
