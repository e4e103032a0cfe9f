"""Decisions of people about pairs of profiles, which every later job honours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles.engine.profiles.access import domain_row, existing_profile
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.store import decisions as store
from customer_profiles.engine.store import matches as match_store

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection


def decide(context: Context, domain_name: str, left: str, right: str, *, is_match: bool) -> None:
    """Store whether two profiles describe one person; it replaces an earlier decision.

    Raises:
        Refusal: there is no such domain or profile, or other decisions say the opposite.
    """
    with context.database.write() as connection:
        rows = _rows_of(context, connection, domain_name, (left, right))
        if rows[0] == rows[1]:
            raise bad_request("A decision is about two different profiles")
        store.delete(connection, *rows)
        people = [store.person_of(connection, row) for row in rows]
        if is_match and (other := store.separating(connection, *people)):
            ids = match_store.ids(connection, other[:2])
            raise bad_request(
                f"Profiles {ids[other.profile]} and {ids[other.other]} were decided to be no "
                "match, and this decision would join them; change or forget that decision first"
            )
        if not is_match and rows[1] in people[0]:
            raise bad_request(
                f"Other decisions join profiles {left} and {right}; change or forget one of them "
                "first"
            )
        store.put(connection, rows[0], rows[1], context.clock.now(), is_match=is_match)


def forget(context: Context, domain_name: str, left: str, right: str) -> None:
    """Remove the decision about two profiles.

    Raises:
        Refusal: there is no such domain, profile or decision.
    """
    with context.database.write() as connection:
        if not store.delete(connection, *_rows_of(context, connection, domain_name, (left, right))):
            raise not_found("There is no decision about these profiles")


def listed(context: Context, domain_name: str) -> list[Wire]:
    """Describe the decisions of a domain, the oldest first.

    Raises:
        Refusal: there is no such domain.
    """
    with context.database.read() as connection:
        found = store.of_domain(connection, domain_row(connection, domain_name).id)
        ids = match_store.ids(connection, [row for decision in found for row in decision[:2]])
    return [
        {
            "ProfileIds": [ids[decision.profile], ids[decision.other]],
            "IsMatch": decision.is_match,
            "DecidedAt": decision.decided,
        }
        for decision in found
    ]


def _rows_of(
    context: Context, connection: Connection, domain_name: str, profiles: tuple[str, str]
) -> list[int]:
    domain = domain_row(connection, domain_name)
    return [existing_profile(context, connection, domain, profile).id for profile in profiles]
