"""Applying a request to a profile, and writing the result as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import to_json

from customer_profiles.engine.service.refusals import bad_request

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context


_URI_MEMBERS = frozenset(("DomainName", "ProfileId"))


def changed(old: Wire, request: Wire) -> Wire:
    """Return a profile with the members of a request applied; maps change member by member.

    The model's text on UpdateProfile: an empty string removes a value, a missing member is kept.
    """
    new = dict(old)
    for name, value in request.items():
        if name in _URI_MEMBERS:
            continue
        # Assumed: members of addresses, Attributes and EngagementPreferences change one by one.
        updated = _merged(new.get(name, {}), value) if isinstance(value, dict) else value
        # Assumed: an address or a map without members is removed from the profile.
        if updated:
            new[name] = updated
        else:
            new.pop(name, None)
    return new


def _merged(old: Wire, changes: Wire) -> Wire:
    # Assumed: a list in EngagementPreferences replaces the earlier one, an empty list clears it.
    merged = {**old, **changes}
    return {name: value for name, value in merged.items() if value}


def encode_profile(context: Context, profile: Wire) -> bytes:
    """Write a profile as JSON, or refuse one that is too large."""
    body = to_json(profile)
    limit = context.quotas.profile_bytes
    if len(body) > limit:
        # AG:amazon-connect-service-limits: object and profile maximum size.
        # Assumed: a profile's size is that of its JSON in UTF-8.
        raise bad_request(f"The profile is {len(body)} bytes; the limit is {limit} bytes")
    return body
