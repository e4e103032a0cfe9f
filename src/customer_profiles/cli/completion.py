"""Completion of names of a database file; it reads the file only, and never AWS."""

from __future__ import annotations

import os

import typer  # noqa: TC002  (typer reads the annotations)

from customer_profiles.channels.embedded import names_in_file


def domain_names(context: typer.Context, incomplete: str) -> list[str]:
    """Return the domains of the --db file that begin with a text."""
    db = _option(context, "db", "CUSTOMER_PROFILES_DB")
    return _beginning(names_in_file(db), incomplete) if db else []


def object_type_names(context: typer.Context, incomplete: str) -> list[str]:
    """Return the object types of the domain that begin with a text, and the standard objects."""
    from customer_profiles._standard_objects import STANDARD_OBJECTS

    db = _option(context, "db", "CUSTOMER_PROFILES_DB")
    domain = _option(context, "domain", "CUSTOMER_PROFILES_DOMAIN")
    stored = names_in_file(db, domain) if db and domain else []
    return _beginning([*stored, *STANDARD_OBJECTS], incomplete)


def standard_object_names(incomplete: str) -> list[str]:
    """Return the standard objects that begin with a text."""
    from customer_profiles._standard_objects import STANDARD_OBJECTS

    return _beginning([*STANDARD_OBJECTS], incomplete)


def _option(context: typer.Context, name: str, variable: str) -> str | None:
    """Return an option of the incomplete command line, or its environment variable."""
    value = context.params.get(name) or os.environ.get(variable)
    return str(value) if value else None


def _beginning(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
