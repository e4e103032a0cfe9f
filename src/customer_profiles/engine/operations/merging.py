"""Merging profiles that are one person's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customer_profiles.engine.profiles import merged_values as identity
from customer_profiles.engine.profiles import merging
from customer_profiles.engine.profiles.access import domain_row, find_profile
from customer_profiles.engine.profiles.expiry import purge_some
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.service.registry import operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles.engine.service.context import Context

Wire = dict[str, Any]


@operation("MergeProfiles")
def merge_profiles(context: Context, request: Wire) -> Wire:
    """Make one profile of several; what was merged cannot be separated."""
    main_id = request["MainProfileId"]
    merged_ids = list(dict.fromkeys(request["ProfileIdsToBeMerged"]))
    if main_id in merged_ids:
        # Assumed: merging a profile into itself is refused.
        raise bad_request(
            "ProfileIdsToBeMerged has the MainProfileId; a profile cannot be merged into itself"
        )
    chosen = request.get("FieldSourceProfileIds", {})
    for field, profile_id in _chosen(chosen):
        if profile_id not in (main_id, *merged_ids):
            # Assumed: a field's value comes from one of the profiles that are merged.
            raise bad_request(
                f"FieldSourceProfileIds: {field} names a profile that takes no part in the merge; "
                "name MainProfileId or one of ProfileIdsToBeMerged"
            )
    with context.database.write() as connection:
        purge_some(context, connection)
        domain = domain_row(connection, request["DomainName"])
        found = {
            one: find_profile(context, connection, domain, one) for one in (main_id, *merged_ids)
        }
        if missing := [one for one, profile in found.items() if profile is None]:
            # Assumed: if one of the profiles does not exist, none is merged.
            raise not_found(
                f"Profiles {', '.join(missing)} do not exist in the domain; none was merged. "
                "Merged profiles are found by their keys, not by their ids"
            )
        main, *others = (profile for profile in found.values() if profile is not None)
        parts = [merging.part(connection, one) for one in others]
        merged = identity.chosen(merging.part(connection, main), parts, chosen)
        merging.merge(context, connection, main, others, merged)
    # Seen from the service.
    return {"Message": "Success!"}


def _chosen(chosen: Wire) -> Iterator[tuple[str, str]]:
    for field, value in chosen.items():
        if isinstance(value, dict):
            yield from ((field, profile_id) for profile_id in value.values())
        else:
            yield field, value
