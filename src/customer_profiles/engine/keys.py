"""Search keys: which a profile's own fields give, and when two values are the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# The predefined keys, as the model's text on SearchProfiles.KeyName lists them.
PREDEFINED = frozenset(
    (
        "_account",
        "_profileId",
        "_assetId",
        "_caseId",
        "_orderId",
        "_fullName",
        "_phone",
        "_email",
        "_ctrContactId",
        "_marketoLeadId",
        "_salesforceAccountId",
        "_salesforceContactId",
        "_salesforceAssetId",
        "_zendeskUserId",
        "_zendeskExternalId",
        "_zendeskTicketId",
        "_serviceNowSystemId",
        "_serviceNowIncidentId",
        "_segmentUserId",
        "_shopifyCustomerId",
        "_shopifyOrderId",
    )
)

# AG:standard-profile-definition has the default keys and the fields behind them.
_FIELDS = (
    ("_phone", ("PhoneNumber", "MobilePhoneNumber", "HomePhoneNumber", "BusinessPhoneNumber")),
    ("_email", ("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress")),
    ("_account", ("AccountNumber",)),
)
_NAMES = ("FirstName", "MiddleName", "LastName")

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


def normalize(name: str, value: str) -> str:
    """Give the form in which all spellings of a key's value are one; empty is no value."""
    rule = _RULES.get(name)
    return value if rule is None else rule(value)


def hash_of(domain: int, key: Key) -> int:
    """Give a key's place in a domain's index: 64 bits with sign, as SQLite's integers are."""
    text = f"{domain}\0{key[0]}\0{key[1]}".encode()
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


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
