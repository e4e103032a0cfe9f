"""Search keys: which a profile's own fields give, and when two values are the same."""

from __future__ import annotations

import base64
import hashlib
import re
from decimal import Decimal
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PROFILE = "_profile"
"""The object type of a profile itself."""

# AG:standard-profile-definition has the default keys and the fields behind them.
_FIELDS = (
    ("_phone", ("PhoneNumber", "MobilePhoneNumber", "HomePhoneNumber", "BusinessPhoneNumber")),
    ("_email", ("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress")),
    ("_account", ("AccountNumber",)),
)
_ID_DIGITS = 32
_MOST_CUTS = 1_000
_NAMES = ("FirstName", "MiddleName", "LastName")

_KEY_FIELDS = (*_NAMES, *(field for _, fields in _FIELDS for field in fields))

Key = tuple[str, str]
"""A key's name and a normalised value of it."""


def of_fields(profile: dict[str, Any]) -> set[Key]:
    """Give the keys that a profile's own fields hold."""
    found = {
        (name, normalize(name, profile[field]))
        for name, fields in _FIELDS
        for field in fields
        if field in profile
    }
    full_name = " ".join([profile[name] for name in _NAMES if name in profile])
    if full_name:
        found.add(("_fullName", _name(full_name)))
    return {key for key in found if key[1]}


def are_same(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Say whether two states of a profile have the same fields for keys."""
    return all(old.get(name) == new.get(name) for name in _KEY_FIELDS)


def normalize(name: str, value: str) -> str:
    """Give the form in which all spellings of a key's value are one; empty is no value."""
    rule = _RULES.get(name)
    return value if rule is None else rule(value)


def normalize_as(content_type: str, value: str) -> str:
    """Give the form in which all spellings of a value of a content type are one."""
    rule = rule_as(content_type)
    return value if rule is None else rule(value)


def normals(name: str, content_types: Sequence[str], value: str) -> set[str]:
    """Give the forms that a key's value may have, by the content types of the key's fields."""
    rule = rule_of(name)
    if rule is not None:
        return {rule(value)}
    if len(content_types) <= 1:
        return {normalize_as(kind, value) for kind in content_types} or {value}
    # Assumed: a key of several fields is searched by their values with one space between them.
    words = value.split(" ")
    cuts_needed = len(content_types) - 1
    if not 0 < comb(len(words) - 1, cuts_needed) <= _MOST_CUTS:
        return {value}
    # Where one field's value ends and the next one's begins, the words do not say.
    return {
        " ".join(
            normalize_as(kind, " ".join(words[begin:end]))
            for kind, begin, end in zip(content_types, (0, *cuts), (*cuts, None), strict=True)
        )
        for cuts in combinations(range(1, len(words)), cuts_needed)
    }


def rule_of(name: str) -> Callable[[str], str] | None:
    """Give how values of a predefined key are normalised; None when they are taken as they are."""
    return _RULES.get(name)


def rule_as(content_type: str) -> Callable[[str], str] | None:
    """Give how values of a content type are normalised; None when they are taken as they are."""
    return _CONTENT_RULES.get(content_type)


def hash_of(domain: int, key: Key) -> int:
    """Give a key's place in a domain's index: 64 bits with sign, as SQLite's integers are."""
    text = f"{domain}\0{key[0]}\0{key[1]}".encode()
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def unique_key(kind: str, value: str) -> str:
    """Give the service's key of an object: 32 bytes in Base64, as AWS's are."""
    # Assumed: the key is a SHA-256 of the object type's name and the value of its UNIQUE key.
    digest = hashlib.sha256(f"{kind}\0{value}".encode()).digest()
    return base64.b64encode(digest).decode()


def id_bytes(profile_id: str) -> bytes:
    """Give a profile's id as it is stored; what is no id is empty and finds nothing."""
    if len(profile_id) != _ID_DIGITS or profile_id != profile_id.lower():
        return b""
    try:
        return bytes.fromhex(profile_id)
    except ValueError:
        return b""


def place_of_objects(profile: int) -> int:
    """Give where the index has the objects of a profile."""
    # Rows are small numbers, hashes large ones; what is stored together lies together.
    return profile


def place_of_object(domain: int, kind: str, key: Key) -> int:
    """Give where the index has the objects of a kind that a key of theirs finds."""
    if kind.startswith("_"):
        # A name with a control character is no search key's.
        return hash_of(domain, (f"\1{kind} {key[0]}", key[1]))
    return beside(hash_of(domain, key))


def beside(place: int) -> int:
    """Give where the index has the objects of a key: on the key's own page, written anyway."""
    return place ^ 1


def hashes(domain: int, keys: Iterable[Key]) -> set[int]:
    """Give the places of several keys."""
    return {hash_of(domain, key) for key in keys}


def _email(value: str) -> str:
    # AG:mapping-field-definitions: EMAIL_ADDRESS ignores case.
    # Assumed: white space around an e-mail address does not count.
    return value.strip().casefold()


def _name(value: str) -> str:
    # AG:examples-object-type-mappings: NAME ignores case and repeated spaces.
    return " ".join(value.split()).casefold()


# AG:mapping-field-definitions: PHONE_NUMBER ignores punctuation.
_PUNCTUATION = str.maketrans("", "", " \t-().\u00a0\u2010\u2011\u2012\u2013")
_NATIONAL, _WITH_COUNTRY = 10, 11


def _phone(value: str) -> str:
    digits = value.translate(_PUNCTUATION)
    local = digits.removeprefix("+")
    if local.isascii() and local.isdigit():
        if len(local) == _WITH_COUNTRY and local[0] == "1":
            return local[1:]
        if len(local) == _NATIONAL and local is digits:
            return local
    return _foreign_phone(value)


def _foreign_phone(value: str) -> str:
    key = _read_phone(value)
    # What was read is read again, so that a key meets its own spelling without country code.
    return key if key == value else _phone(key)


def _read_phone(value: str) -> str:
    import phonenumbers

    # Assumed: no country code is part of a phone key; a number without one is read as American.
    try:
        number = phonenumbers.parse(value, "US")
    except phonenumbers.NumberParseException:
        return _unreadable_phone(value)
    # Assumed: an extension tells two phone numbers apart.
    extension = f"x{number.extension}" if number.extension else ""
    return f"{number.national_number}{extension}"


def _unreadable_phone(value: str) -> str:
    # Assumed: what is no phone number is compared by its digits, or by its letters without case.
    digits = "".join(character for character in value if character in "0123456789")
    return digits or value.strip().casefold()


_RULES: dict[str, Callable[[str], str]] = {"_email": _email, "_phone": _phone, "_fullName": _name}

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")


def _number(value: str) -> str:
    # Assumed: NUMBER values are compared as numbers, so 1, 1.0 and +01 are one.
    # Assumed: a NUMBER value that is no number is compared as text.
    text = value.strip()
    if not _NUMBER.fullmatch(text):
        return text
    sign, digits, exponent = Decimal(text).as_tuple()
    figures = "".join(map(str, digits)).lstrip("0")
    kept = figures.rstrip("0")
    if not kept:
        return "0"
    power = int(exponent) + len(figures) - len(kept)
    return f"{'-' if sign else ''}{kept}{f'e{power}' if power else ''}"


_CONTENT_RULES: dict[str, Callable[[str], str]] = {
    "EMAIL_ADDRESS": _email,
    "PHONE_NUMBER": _phone,
    "NAME": _name,
    "NUMBER": _number,
}
