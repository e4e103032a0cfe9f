"""The known names that a misspelled one may stand for; SDK and engine share it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_SURE, _LIKELY, _SHORTEST = 0.8, 0.6, 3
_LISTED = 12
# What people call a field, where its name shares no letters with that.
_SYNONYMS = {
    "birthday": "birthdate",
    "cell": "mobilephonenumber",
    "cellphone": "mobilephonenumber",
    "company": "businessname",
    "dateofbirth": "birthdate",
    "dob": "birthdate",
    "familyname": "lastname",
    "forename": "firstname",
    "givenname": "firstname",
    "mail": "emailaddress",
    "mobile": "mobilephonenumber",
    "note": "additionalinformation",
    "notes": "additionalinformation",
    "organisation": "businessname",
    "organization": "businessname",
    "postcode": "postalcode",
    "region": "state",
    "sex": "gender",
    "street": "address1",
    "subject": "title",
    "surname": "lastname",
    "telephone": "phonenumber",
    "town": "city",
    "zip": "postalcode",
    "zipcode": "postalcode",
}


def nearest(name: str, known: Iterable[str], count: int = 2) -> list[str]:
    """Return the known names that may be meant by another one, the most probable first.

    Case and punctuation make no difference, and common other words for a field find it.
    """
    import difflib

    known = list(known)
    plain: dict[str, list[str]] = {}
    for other in known:
        plain.setdefault(_plain(other), []).append(other)
    wanted = _plain(name)
    close = difflib.get_close_matches(wanted, plain, n=count, cutoff=_LIKELY)
    synonym = _SYNONYMS.get(wanted, wanted)
    letters = sorted(wanted)
    sure = [
        *(other for other in (wanted, synonym) if other in plain),
        *(other for other in plain if sorted(other) == letters),
        *(other for other in close if _ratio(other, wanted) >= _SURE),
    ]
    containing = sorted(
        (
            other
            for other in plain
            if min(len(other), len(wanted)) >= _SHORTEST and (wanted in other or other in wanted)
        ),
        key=lambda other: (not other.startswith(wanted), abs(len(other) - len(wanted)), other),
    )
    likely = [*containing, *close]
    names = [
        other
        for key in sure or likely
        # Of names that differ in case and punctuation only, those of like punctuation come first.
        for other in sorted(plain[key], key=lambda other: -_ratio(other.lower(), name.lower()))
    ]
    # Underscores count where nothing else is alike: first_name resembles full_name.
    names = names or difflib.get_close_matches(name, known, n=count, cutoff=_LIKELY)
    return list(dict.fromkeys(names))[:count]


def did_you_mean(name: str, known: Collection[str], count: int = 2) -> str:
    """Return a question with the known names that may be meant; empty if none is near."""
    close = nearest(name, known, count)
    return f"did you mean {' or '.join(close)}?" if close else ""


def listed(names: Collection[str], most: int = _LISTED) -> str:
    """Return names as a list for a message, cut after the first ones."""
    shown = ", ".join(list(names)[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _ratio(known: str, wanted: str) -> float:
    import difflib

    return difflib.SequenceMatcher(None, known, wanted).ratio()


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()
