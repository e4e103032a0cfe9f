"""What a column may hold, and what its name alone says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from . import headers

if TYPE_CHECKING:
    from .headers import Noun

Kind = Literal[
    "given_name",
    "middle_name",
    "family_name",
    "full_name",
    "birth_date",
    "gender",
    "email",
    "phone",
    "street",
    "city",
    "state",
    "postal_code",
    "country",
    "identifier",
    "text",
    "ignored",
]
"""What a column holds; `text` is compared as it is, `ignored` is not compared at all."""

# The attributes that are compared; models store these names.
GIVEN_NAME, FAMILY_NAME, MIDDLE_NAME = "given name", "family name", "middle name"
SUFFIX, BIRTH_DATE, GENDER = "suffix", "birth date", "gender"
EMAIL, PHONE, STREET, LOCALITY = "email", "phone", "street", "place"

KINDS: tuple[Kind, ...] = get_args(Kind)
KINDS_OF: dict[str, tuple[Kind, ...]] = {
    GIVEN_NAME: ("given_name", "full_name"),
    MIDDLE_NAME: ("middle_name", "full_name"),
    FAMILY_NAME: ("family_name", "full_name"),
    SUFFIX: ("family_name", "full_name"),
    BIRTH_DATE: ("birth_date",),
    GENDER: ("gender",),
    EMAIL: ("email",),
    PHONE: ("phone",),
    STREET: ("street",),
    LOCALITY: ("postal_code", "city"),
}
"""The kinds of the columns that each of these attributes is read from."""

KIND_OF: dict[Noun, Kind] = {
    "row_id": "ignored",
    "identifier": "identifier",
    "account_number": "identifier",
    "given_name": "given_name",
    "middle_name": "middle_name",
    "family_name": "family_name",
    "full_name": "full_name",
    "name": "full_name",
    "birth_date": "birth_date",
    "gender": "gender",
    "email": "email",
    "phone": "phone",
    "fax": "phone",
    "street": "street",
    "house_number": "street",
    "city": "city",
    "state": "state",
    "postal_code": "postal_code",
    "country": "country",
    "company": "text",
    "other": "text",
}
"""The kind of a column by what its header names."""


def kind_of(name: str) -> Kind:
    """Return what a column holds, judged by its name, such as `FirstName` or `Billing.City`."""
    noun = None if is_free_form(name) else headers.read(name).noun
    return KIND_OF[noun] if noun else "text"


def is_free_form(name: str) -> bool:
    """Return whether a column is one of the nested `Attributes`, whose names mean nothing."""
    return name.startswith("Attributes.")


def address_of(name: str) -> str:
    """Return which of a record's addresses a column belongs to, such as `home` or `2`."""
    return headers.read(name).address


def line_of(name: str) -> int:
    """Return the number of an address line: 0 for a house number, 1 if the name has no number."""
    return headers.read(name).number
