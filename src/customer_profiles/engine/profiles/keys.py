"""Search keys: their names, the values that a profile's fields provide, and normalization."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from decimal import Decimal
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

from customer_profiles._hints.nearest import did_you_mean, listed
from customer_profiles.engine.service.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# AG:standard-profile-definition lists the default keys and their fields.
_FIELDS = (
    ("_phone", ("PhoneNumber", "MobilePhoneNumber", "HomePhoneNumber", "BusinessPhoneNumber")),
    ("_email", ("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress")),
    ("_account", ("AccountNumber",)),
)
_ID_DIGITS = 32
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_MAX_SPLITS = 1_000
_NAMES = ("FirstName", "MiddleName", "LastName")

_KEY_FIELDS = (*_NAMES, *(field for _, fields in _FIELDS for field in fields))

Key = tuple[str, str]
"""A key's name and a normalized value."""


def of_fields(profile: dict[str, Any]) -> set[Key]:
    """Return the keys that a profile's own fields provide."""
    # Every profile that is written comes here, so there are no calls but those of the rules.
    get = profile.get
    found = set()
    for field, name, rule in _FIELD_RULES:
        value = get(field)
        if value is not None and (normal := rule(value)):
            found.add((name, normal))
    full_name = " ".join([profile[name] for name in _NAMES if name in profile])
    if full_name and (normal := _name(full_name)):
        found.add(("_fullName", normal))
    return found


def are_same(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Return whether the fields that provide keys are equal in two states of a profile."""
    return [*map(old.get, _KEY_FIELDS)] == [*map(new.get, _KEY_FIELDS)]


def normalize(name: str, value: str) -> str:
    """Return the normal form of a key's value; a value whose form is empty is ignored."""
    return rule_of(name)(value)


def normalize_as(content_type: str, value: str) -> str:
    """Return the normal form of a value of a content type."""
    return rule_as(content_type)(value)


def exact(value: str) -> str:
    """Return the form of a text in which only its characters count, and not how they are encoded.

    ASCII text is its own form.
    """
    if value.isascii():
        return value
    # Assumed: composed, full-width and compatibility forms of a text are one value of a key.
    # Assumed: soft hyphens and characters of no width are no part of a key's value.
    return unicodedata.normalize("NFKC", value.translate(_INVISIBLE))


def normals(name: str, content_types: Sequence[str], value: str) -> set[str]:
    """Return the normal forms of a searched value, by the content types of the key's fields."""
    if name in _RULES:
        return {_RULES[name](value)}
    value = exact(value)
    if len(content_types) <= 1:
        return {normalize_as(content_type, value) for content_type in content_types} or {value}
    # Assumed: a key of several fields is searched by their values with one space between them.
    words = value.split(" ")
    boundaries = len(content_types) - 1
    if not 0 < comb(len(words) - 1, boundaries) <= _MAX_SPLITS:
        return {value}
    # Values may contain spaces themselves, so every way to split the words is tried.
    return {
        " ".join(
            normalize_as(content_type, " ".join(words[begin:end]))
            for content_type, begin, end in zip(
                content_types, (0, *splits), (*splits, None), strict=True
            )
        )
        for splits in combinations(range(1, len(words)), boundaries)
    }


def by_key(name: str, content_types: Sequence[str], values: Iterable[str]) -> dict[Key, str]:
    """Return the normalized keys of several values, each with the value that it comes from."""
    # Assumed: a value of white space only is no value of a key that ignores white space.
    return {
        (name, normal): value
        for value in values
        for normal in normals(name, content_types, value)
        if normal
    }


def check(name: str, values: Sequence[str], predefined: frozenset[str]) -> None:
    """Refuse a key of a request with a reserved name or without values."""
    if name.startswith("_") and name not in predefined:
        # AG:mapping-key-definitions: names that begin with an underscore are the service's own.
        hint = did_you_mean(name, sorted(predefined)) or (
            f"predefined keys are {listed(sorted(predefined))}; begin your own with a letter"
        )
        raise bad_request(f"Key {name} does not exist; {hint}")
    check_values(name, values)


def check_values(name: str, values: Sequence[str]) -> None:
    """Refuse a key of a request without values."""
    if not values:
        # Assumed: a key without values is refused.
        raise bad_request(f"Values of key {name} must not be empty")


def check_own(name: str, values: Sequence[str], predefined: frozenset[str]) -> None:
    """Refuse a key that cannot be added to a profile or deleted from it."""
    if name == "_profileId":
        # Assumed: a profile's own id cannot be added or deleted as a key.
        raise bad_request("Key _profileId is the profile's own id; it cannot be added or deleted")
    check(name, values, predefined)


def rule_of(name: str) -> Callable[[str], str]:
    """Return the normalization of a predefined key."""
    return _RULES.get(name, exact)


def rule_as(content_type: str) -> Callable[[str], str]:
    """Return the normalization of a content type."""
    return _CONTENT_RULES.get(content_type, exact)


def unique_key(object_type: str, value: str) -> str:
    """Return the ProfileObjectUniqueKey of an object: 32 bytes in Base64, as on AWS."""
    # Assumed: the key is a SHA-256 of the object type's name and the value of its UNIQUE key.
    digest = hashlib.sha256(f"{object_type}\0{value}".encode()).digest()
    return base64.b64encode(digest).decode()


def id_bytes(profile_id: str) -> bytes:
    """Return a profile's id as it is stored; an invalid id gives b"", which finds nothing."""
    if len(profile_id) != _ID_DIGITS or profile_id != profile_id.lower():
        return b""
    try:
        return bytes.fromhex(profile_id)
    except ValueError:
        return b""


def _folded(value: str) -> str:
    # Folding can take characters apart that belong together.
    return value.casefold() if value.isascii() else exact(exact(value).casefold())


def _email(value: str) -> str:
    # AG:mapping-field-definitions: EMAIL_ADDRESS ignores case.
    # Assumed: white space around an e-mail address does not count.
    return _folded(value).strip()


def _name(value: str) -> str:
    # AG:examples-object-type-mappings: NAME ignores case and repeated spaces.
    return " ".join(_folded(value).split())


# AG:mapping-field-definitions: PHONE_NUMBER ignores punctuation.
_PUNCTUATION = str.maketrans("", "", " \t-().\u00a0\u2010\u2011\u2012\u2013")
# The longest form in which a number is dialled in its own country.
_LONGEST_NATIONAL = 13
_WITH_PREFIX = 11


def _phone(value: str) -> str:
    value = exact(value)
    # No country code but that of North America begins with 1.
    national = value.translate(_PUNCTUATION).removeprefix("+1")
    if national.isascii() and national.isdigit() and len(national) <= _LONGEST_NATIONAL:
        return _without_trunk_prefix(national)
    key = _read_phone(value)
    # The result is normalized again: it may be a number without a country code.
    return key if key == value else _phone(key)


def _without_trunk_prefix(digits: str) -> str:
    # Assumed: leading zeros, and 1 or 8 before ten digits, are no part of a phone key.
    digits = digits.lstrip("0")
    if len(digits) == _WITH_PREFIX and digits[0] in "18":
        digits = digits[1:].lstrip("0")
    return digits or "0"


def _read_phone(value: str) -> str:
    import phonenumbers

    # Assumed: no country code is part of a phone key; a number without one is read as American.
    try:
        number = phonenumbers.parse(value, "US")
    except phonenumbers.NumberParseException:
        return _unreadable_phone(value)
    # Assumed: an extension tells two phone numbers apart.
    extension = f"x{number.extension}" if number.extension else ""
    return f"{_without_trunk_prefix(str(number.national_number))}{extension}"


def _unreadable_phone(value: str) -> str:
    # Assumed: a value that is no phone number is compared by its digits, else by text without case.
    digits = re.sub("[^0-9]", "", value)
    return _without_trunk_prefix(digits) if digits else _folded(value).strip()


_RULES: dict[str, Callable[[str], str]] = {"_email": _email, "_phone": _phone, "_fullName": _name}

_FIELD_RULES = tuple(
    (field, name, _RULES.get(name, exact)) for name, fields in _FIELDS for field in fields
)

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")


def _number(value: str) -> str:
    # Assumed: NUMBER values are compared as numbers, so 1, 1.0 and +01 are equal.
    # Assumed: a NUMBER value that is no number is compared as text.
    text = exact(value).strip()
    if not _NUMBER.fullmatch(text):
        return text
    sign, digits, exponent = Decimal(text).as_tuple()
    figures = "".join(map(str, digits)).lstrip("0")
    significant = figures.rstrip("0")
    if not significant:
        return "0"
    power = int(exponent) + len(figures) - len(significant)
    return f"{'-' if sign else ''}{significant}{f'e{power}' if power else ''}"


_CONTENT_RULES: dict[str, Callable[[str], str]] = {
    "EMAIL_ADDRESS": _email,
    "PHONE_NUMBER": _phone,
    "NAME": _name,
    "NUMBER": _number,
}
