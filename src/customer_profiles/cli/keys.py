"""`customer-profiles keys`: the search keys of a domain and of a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from customer_profiles import ProfileKey
from customer_profiles.repositories.domains import PROFILE_KEYS

from .console import confirm, fail, out
from .output import Column, Output, shown
from .profiles import ProfileId  # noqa: TC001  (read by `with_target`)
from .target import Target, naming_profile, with_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles import Domain

app: typer.Typer = typer.Typer(
    help="Search keys: by what profiles and objects are found.", no_args_is_help=True
)

_PAIR = Annotated[
    list[str],
    typer.Argument(metavar="NAME=VALUE...", help="Keys and their values, such as crm=4711."),
]


@app.command(name="list")
@with_target
def list_(*, target: Target, output: Output) -> None:
    """List the keys of a domain: those of profiles, and those of its object types."""
    with target.open() as domain:
        output.show(
            _keys_of(domain),
            columns=shown("key_name", "source", "field_names", "standard_identifiers"),
            private=False,
        )


def _keys_of(domain: Domain) -> Iterator[dict[str, Any]]:
    listed = [listed.object_type_name for listed in domain.object_types.all()]
    for name in PROFILE_KEYS:
        yield {"key_name": name, "source": "_profile"}
    for source in listed:
        for name, definitions in (domain.object_types.get(source).keys or {}).items():
            for key in definitions:
                yield {
                    "key_name": name,
                    "source": source,
                    "field_names": key.field_names or [],
                    "standard_identifiers": key.standard_identifiers or [],
                }


@app.command()
@with_target
def show(profile_id: ProfileId, *, target: Target, output: Output) -> None:
    """Show the keys by which a profile is found, and what provides them; embedded only.

    Values are shown as the search compares them: without case, spaces and the like.
    """
    if target.db is None:
        fail(
            "only an embedded domain (--db) shows the keys of a profile: AWS has no operation for "
            "it. `profiles search --json` shows in found_by which keys found a profile, and "
            "`profiles history` which were added"
        )
    with target.open() as domain, naming_profile(domain, profile_id):
        output.show(
            domain.profiles.keys(profile_id),
            columns=[*shown("key_name"), Column("value"), *shown("source")],
            db=target.db,
            model=ProfileKey,
            empty="the profile has no keys",
        )


@app.command()
@with_target
def add(profile_id: ProfileId, pairs: _PAIR, *, target: Target) -> None:
    """Add values of keys to a profile, so that a search finds it by them."""
    with target.open() as domain, naming_profile(domain, profile_id):
        for name, value in map(_pair, pairs):
            domain.profiles.add_key(profile_id, name, value)
        out.print(f"added {len(pairs)} to {profile_id}", soft_wrap=True)


@app.command()
@with_target
def remove(
    profile_id: ProfileId,
    pairs: _PAIR,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    target: Target,
) -> None:
    """Remove values of keys from a profile, so that a search no longer finds it by them."""
    with target.open() as domain, naming_profile(domain, profile_id):
        found = list(map(_pair, pairs))
        if not yes:
            names = ", ".join(dict.fromkeys(name for name, _ in found))
            confirm(f"Remove {len(found)} values of {names} from {profile_id}?")
        for name, value in found:
            domain.profiles.remove_key(profile_id, name, value)
        out.print(f"removed {len(found)} from {profile_id}", soft_wrap=True)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        fail("a key is NAME=VALUE, such as crm=4711")
    return name, value
