"""What an update makes of a profile."""

from __future__ import annotations

from typing import Any

Wire = dict[str, Any]

_ADDRESS_OF_THE_REQUEST = frozenset(("DomainName", "ProfileId"))


def changed(old: Wire, request: Wire) -> Wire:
    """Apply what a request gives to a profile, addresses and attributes member by member.

    The model's text on UpdateProfile: an empty string removes a value, what is not given stays.
    """
    new = dict(old)
    for name, value in request.items():
        if name in _ADDRESS_OF_THE_REQUEST:
            continue
        # Assumed: members of addresses, Attributes and EngagementPreferences change one by one.
        kept = _merged(new.get(name, {}), value) if isinstance(value, dict) else value
        # Assumed: an address or a map that has no members left is not there at all.
        if kept:
            new[name] = kept
        else:
            new.pop(name, None)
    return new


def _merged(old: Wire, given: Wire) -> Wire:
    # Assumed: a list given in EngagementPreferences replaces the earlier one, an empty list clears.
    merged = {**old, **given}
    return {name: value for name, value in merged.items() if value}
