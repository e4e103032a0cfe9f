"""Which member of a profile each column of a file or attribute of an object belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    for name in sorted(rest, key=lambda name: _rank(read[name])):
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


def _rank(header: Header) -> tuple[int, int]:
    """Return the rank of a column among those of the same meaning: plain ones and home first."""
    order = ("home", "elsewhere", "work")
    ranks = [rank for rank, word in enumerate(order, 1) if word in header.qualifiers]
    return max(ranks, default=0), header.number


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
