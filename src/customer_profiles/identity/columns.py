"""What a column of the records holds, told by its name."""

from __future__ import annotations

import re
from typing import Literal, get_args

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

KINDS: tuple[Kind, ...] = get_args(Kind)

# The first that matches counts. Names are compared in lower case, without what is not a letter
# or digit.
_BY_NAME: tuple[tuple[Kind, str], ...] = (
    ("ignored", r"(profileid|recid|recordid|rowid|uuid|guid|id|index)"),
    ("email", r".*e?mail(address)?\d?"),
    ("phone", r".*(phone|mobile|cell|fax|telefon|telephone)(number)?\d?|tel"),
    ("birth_date", r".*birth.*|dob"),
    ("gender", r"gender(string)?|sex"),
    ("middle_name", r"middle.*"),
    ("family_name", r"(last|family|sur|second)names?|surname"),
    ("given_name", r"(first|given|fore|christian)names?"),
    ("full_name", r"(full|person|customer|contact|display)?name"),
    ("postal_code", r".*(postal|postcode|zip)(code)?"),
    ("city", r".*(city|town|suburb|locality)"),
    ("state", r".*(state|province|region|county)(code)?"),
    ("country", r".*country(code)?"),
    ("street", r".*(address|street|addressline)\d?"),
    (
        "identifier",
        (
            r".*(account|customer|member|loyalty|passport|license|licence|tax|social|national"
            r"|ssn|insurance|document|card)(security|insurance)?(number|no|id|code)?|socsecid"
        ),
    ),
)
_COMPILED: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern)) for kind, pattern in _BY_NAME
)
_LINE = re.compile(r"(?:address|street|line)[_ ]?(\d)$", re.IGNORECASE)


def kind_of(name: str) -> Kind:
    """Tell what a column holds from its name, as `FirstName` or `ShippingAddress.City`."""
    plain = re.sub(r"[^a-z0-9]", "", name.rpartition(".")[2].lower())
    if name.startswith("Attributes."):
        return "text"
    for kind, pattern in _COMPILED:
        if pattern.fullmatch(plain):
            return kind
    return "text"


def place_of(name: str) -> str:
    """Tell which of a record's addresses a column belongs to: what is before the last dot."""
    return name.rpartition(".")[0]


def line_of(name: str) -> int:
    """Give the number of an address line; 1 if its name has none."""
    found = _LINE.search(name)
    return int(found[1]) if found else 1
