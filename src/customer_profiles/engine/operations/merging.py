"""Merging profiles that belong to one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles.engine.profiles import merging
from customer_profiles.engine.profiles.access import domain_row, find_profile
from customer_profiles.engine.profiles.expiry import purge_some
from customer_profiles.engine.profiles.merged_values import chosen, named_sources
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.service.registry import operation

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context


@operation("MergeProfiles")
def merge_profiles(context: Context, request: Wire) -> Wire:
    """Merge profiles into a main profile, which cannot be undone."""
    main_id = request["MainProfileId"]
    merged_ids = list(dict.fromkeys(request["ProfileIdsToBeMerged"]))
    if main_id in merged_ids:
        # Assumed: merging a profile into itself is refused.
        raise bad_request(
            "ProfileIdsToBeMerged has the MainProfileId; a profile cannot be merged into itself"
        )
    field_sources = request.get("FieldSourceProfileIds", {})
    for name, profile_id in named_sources(field_sources):
        if profile_id not in (main_id, *merged_ids):
            # Assumed: a field's value comes from one of the profiles that are merged.
            raise bad_request(
                f"FieldSourceProfileIds: {name} names a profile that takes no part in the merge; "
                "name MainProfileId or one of ProfileIdsToBeMerged"
            )
    with context.database.write() as connection:
        purge_some(context, connection)
        domain = domain_row(connection, request["DomainName"])
        found = {
            profile_id: find_profile(context, connection, domain, profile_id)
            for profile_id in (main_id, *merged_ids)
        }
        if missing := [profile_id for profile_id, profile in found.items() if profile is None]:
            # Assumed: if one of the profiles does not exist, none is merged.
            raise not_found(
                f"Profiles {', '.join(missing)} do not exist in the domain; none was merged. "
                "Merged profiles are found by their keys, not by their ids"
            )
        main, *others = (profile for profile in found.values() if profile is not None)
        parts = [merging.part(connection, profile) for profile in others]
        merged = chosen(merging.part(connection, main), parts, field_sources)
        merging.merge(context, connection, main, others, merged)
    # Seen from the service.
    return {"Message": "Success!"}
