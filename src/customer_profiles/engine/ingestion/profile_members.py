"""Which member of a profile each column of a file or attribute of an object belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from customer_profiles import _wire
from customer_profiles.identity.preparing import headers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_profiles.identity.preparing.headers import Header, Noun

_MEMBERS: dict[Noun, str] = {
    "account_number": "AccountNumber",
    "given_name": "FirstName",
    "middle_name": "MiddleName",
    "family_name": "LastName",
    "birth_date": "BirthDate",
    "gender": "GenderString",
    "company": "BusinessName",
}
_OF_ADDRESSES: dict[Noun, str] = {
    "city": "City",
    "state": "State",
    "postal_code": "PostalCode",
    "country": "Country",
}
_MOST_LINES = 4
_PHONES = {
    "mobile": "MobilePhoneNumber",
    "home": "HomePhoneNumber",
    "work": "BusinessPhoneNumber",
}
_EMAILS = {"home": "PersonalEmailAddress", "work": "BusinessEmailAddress"}
_ADDRESSES = {"shipping": "Shipping", "billing": "Billing", "mailing": "Mailing"}


def members_of(names: Sequence[str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the members of a profile by column, such as `Address.City` for `Home City`.

    Args:
        names: the columns' names. A column that belongs to no member is left out, and so is a
            second one for the same member.
        known: the members of some columns.
    """
    read = dict(zip(names, headers.read_all(names), strict=True))
    found = dict(known or {})
    used = set(found.values())
    in_main = (name for name, member in found.items() if member.startswith("Address."))
    main = next((read[name].address for name in in_main), None)
    rest = [name for name in names if name not in found]
    for name in sorted(rest, key=lambda name: _rank(name, read[name])):
        header = read[name]
        member = _member(name, header)
        if member is not None and member.startswith("Address."):
            # The parts of one address must not be mixed with those of another.
            main = header.address if main is None else main
            member = member if header.address == main else None
        if member is not None and member not in used:
            used.add(member)
            found[name] = member
    return {name: found[name] for name in names if name in found}


@dataclass(frozen=True)
class Plan:
    """What to do with the columns of a file."""

    members: dict[str, str]
    """The columns that are first in line for a member, as `members_of` returns them."""
    further: dict[str, str] = field(default_factory=dict)
    """Further columns of a member, in the order in which they stand in for the first one.

    The member of a full name is `FullName`.
    """
    labels: dict[str, str] = field(default_factory=dict)
    """Of columns with e-mail addresses, phone numbers or addresses, the column with their kind.

    Such as `Phone 1 - Type` of `Phone 1 - Value`; of an address, of its group.
    """
    groups: dict[str, str] = field(default_factory=dict)
    """Of each part of an address, which of the record's addresses it belongs to."""
    house_numbers: frozenset[str] = frozenset()
    """The columns of house numbers, which belong beside the street."""
    fax_numbers: frozenset[str] = frozenset()
    """The columns of fax numbers, for which a profile has no member."""
    ids: frozenset[str] = frozenset()
    """The columns of ids, which are no account numbers."""


def plan(names: Sequence[str], known: Mapping[str, str] | None = None) -> Plan:
    """Return what to do with all columns of a file.

    Args:
        names: the columns' names.
        known: the members of some columns.
    """
    read = dict(zip(names, headers.read_all(names), strict=True))
    members = members_of(names, known)
    further: dict[str, str] = {}
    known = known or {}
    for name in sorted(names, key=lambda name: _rank(name, read[name])):
        if name in members:
            continue
        header = read[name]
        member = "FullName" if header.noun == "full_name" else _member(name, header)
        if member is not None:
            further[name] = member
    placed = {**members, **further}
    groups = {
        name: read[name].address if name not in known else ""
        for name, member in placed.items()
        if "Address." in member
    }
    # A part whose field is named belongs to the group of the others.
    if main := next((groups[name] for name in members if name in groups and name not in known), ""):
        groups = {name: main if name in known else group for name, group in groups.items()}
    return Plan(
        members,
        further,
        _labels(names, read, placed, groups),
        groups,
        frozenset(
            name
            for name in placed
            if read[name].noun == "house_number" and placed[name].endswith("Address2")
        ),
        frozenset(name for name in names if read[name].noun == "fax"),
        frozenset(name for name in names if read[name].noun in {"row_id", "identifier"}),
    )


def _labels(
    names: Sequence[str],
    read: Mapping[str, Header],
    placed: Mapping[str, str],
    groups: Mapping[str, str],
) -> dict[str, str]:
    """Return the columns that say of which kind the values of other columns are."""
    by_meaning: dict[tuple[str, str], str] = {}
    for name in names:
        if name not in placed and (other := headers.described(name)) is not None and other.noun:
            noun: str = "street" if other.noun in _OF_ADDRESSES else other.noun
            by_meaning.setdefault((noun, _digits(name)), name)
    found: dict[str, str] = {}
    for name in placed if by_meaning else ():
        meaning = "street" if name in groups else str(read[name].noun)
        if label := by_meaning.get((meaning, _digits(name))):
            found[name] = label
    return found


def _digits(name: str) -> str:
    match = re.search(r"\d+", name)
    return match[0] if match else ""


def _rank(name: str, header: Header) -> tuple[int, int, int, int]:
    """Return the rank of a column among those of the same meaning: plain ones and home first."""
    order = ("home", "billing", "mailing", "shipping", "elsewhere", "work")
    ranks = [rank for rank, word in enumerate(order, 1) if word in header.qualifiers]
    # `Phone` comes before `Default Address Phone`.
    words = len(name.split()) if header.noun in {"email", "phone"} else 1
    # `E-mail 2 - Value` has its number inside, `E-mail 2` at its end.
    inner = re.search(r"(?:^| )(\d{1,4})$", header.address)
    return max(ranks, default=0), int(inner[1]) if inner else 1, header.number, words


@cache
def _by_plain_name() -> dict[str, str]:
    profile: Any = _wire.shape("Profile")
    address: Any = _wire.shape("Address")
    texts = [name for name, shape in profile.members.items() if shape.type_name == "string"]
    names = {
        **{name.lower(): f"Address.{name}" for name in address.members},
        **{name.lower(): name for name in texts if name != "ProfileId"},
    }
    # What most people call it; a column of this name is as good as one with the member's name.
    return {**names, "email": "EmailAddress"}


def member_named(column: str) -> str | None:
    """Return the member that a column names, in any case and with any separators."""
    return _by_plain_name().get(re.sub(r"[^a-z0-9]", "", column.lower()))


def member_of(name: str) -> str | None:
    """Return the member that a column belongs to, whatever the other columns are."""
    return _member(name, headers.read_all([name])[0])


def _member(name: str, header: Header) -> str | None:
    noun, qualifiers = header.noun, header.qualifiers
    if noun is None:
        return None
    if noun in {"email", "phone"}:
        known = _EMAILS if noun == "email" else _PHONES
        rest = "EmailAddress" if noun == "email" else "PhoneNumber"
        return next((member for word, member in known.items() if word in qualifiers), rest)
    part = _OF_ADDRESSES.get(noun)
    if noun == "state" and headers.fold(name).endswith("province") and "tat" not in name:
        part = "Province"
    if noun == "street" and header.number <= _MOST_LINES:
        part = f"Address{header.number or 1}"
    elif noun == "house_number":
        part = "Address2"
    if part is None:
        return _MEMBERS.get(noun)
    kind = next((prefix for word, prefix in _ADDRESSES.items() if word in qualifiers), "")
    return f"{kind}Address.{part}"
