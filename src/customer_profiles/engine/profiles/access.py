"""Reading the domain and the profile that a request names, or refusing the request."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.store import domains as domain_store
from customer_profiles.engine.store import profiles as store

from . import keys
from .expiry import writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

_NAMES = 1_000


def existing_domain(connection: Connection, name: str) -> domain_store.Domain:
    """Read a domain, or refuse the request."""
    return domain_store.find(connection, name) or missing_domain(connection, name)


def missing_domain(connection: Connection, name: str) -> NoReturn:
    """Refuse a request because its domain does not exist."""
    names = [domain.name for domain in domain_store.page(connection, "", _NAMES)]
    # Assumed: the message for a missing domain names it.
    raise not_found(f"Domain {name} does not exist", name, names)


def matching_domain(connection: Connection, name: str, setting: str) -> int:
    """Return the id of a domain whose setting is enabled, or refuse the request."""
    domain = existing_domain(connection, name)
    if not domain.settings.get(setting, {}).get("Enabled"):
        # Assumed: matches of a domain that does not match are refused.
        raise bad_request(f"{setting} of domain {name} is not enabled; enable it with UpdateDomain")
    return domain.id


def domain_row(connection: Connection, name: str) -> domain_store.DomainRow:
    """Read a domain without its settings, or refuse the request."""
    return domain_store.find_row(connection, name) or missing_domain(connection, name)


@contextmanager
def changing(
    context: Context, request: Wire
) -> Iterator[tuple[Connection, domain_store.DomainRow, store.Stored]]:
    """Open the transaction of an operation that changes a profile, which must exist."""
    with writing(context) as connection:
        domain = domain_row(connection, request["DomainName"])
        yield (
            connection,
            domain,
            existing_profile(context, connection, domain, request["ProfileId"]),
        )


def existing_profile(
    context: Context, connection: Connection, domain: domain_store.DomainRow, profile_id: str
) -> store.Stored:
    """Read a profile, or refuse the request."""
    stored = find_profile(context, connection, domain, profile_id)
    if stored is None:
        # Assumed: an operation on a profile that does not exist is a ResourceNotFoundException.
        raise not_found("Profile does not exist in the domain")
    return stored


def find_profile(
    context: Context, connection: Connection, domain: domain_store.DomainRow, profile_id: str
) -> store.Stored | None:
    """Read a profile that has not expired."""
    return store.find(connection, domain.id, keys.id_bytes(profile_id), context.clock.now())
