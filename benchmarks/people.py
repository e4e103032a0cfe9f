"""Made-up customers, as many as wanted, each with keys of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles import Address, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Katherine", "Tim", "Radia", "Ken", "Joan")
_MIDDLE = ("Augusta", "Brewster", "Mathison", "Wybe", "Jane", "Coleman", "John", "Joy", "Lane", "")
_SYLLABLES = ("lo", "ve", "la", "ho", "per", "tu", "ring", "dij", "stra", "kov", "son", "man")
_CITIES = (
    ("Seattle", "WA"),
    ("Boston", "MA"),
    ("Chicago", "IL"),
    ("Denver", "CO"),
    ("Austin", "TX"),
)
_STREETS = ("Market Street", "Elm Avenue", "Lakeview Drive", "University Way", "Harbor Road")
_NUMBERS = 6_999_993


def person(number: int) -> Profile:
    """Give the customer of that number; two numbers below 6,999,993 share no key."""
    # Files are not sorted by phone or name: neighbours here are far apart in every index.
    scattered = number * 2_654_435_761 % _NUMBERS
    first, last = _FIRST[scattered % 10], _surname(scattered // 100)
    city, state = _CITIES[scattered % len(_CITIES)]
    return Profile(
        first_name=first,
        middle_name=_MIDDLE[scattered // 10 % 10] or None,
        last_name=last,
        email_address=f"{first}.{last}.{number}@example.com".lower(),
        phone_number=f"+1 206 {_local(scattered)}",
        mobile_phone_number=f"(425) {_local(scattered)}" if scattered % 2 else None,
        address=Address(
            address1=f"{scattered % 9973} {_STREETS[scattered % len(_STREETS)]}",
            city=city,
            state=state,
            country="US",
            postal_code=f"{10_000 + scattered % 89_999}",
        ),
    )


def people(count: int, begin: int = 0) -> Iterator[Profile]:
    """Give that many customers."""
    return map(person, range(begin, begin + count))


def full_name(profile: Profile) -> str:
    """Write a name as key `_fullName` takes it."""
    return " ".join(filter(None, (profile.first_name, profile.middle_name, profile.last_name)))


def _local(scattered: int) -> str:
    digits = f"{2_000_000 + scattered}"
    return f"{digits[:3]}-{digits[3:]}"


def _surname(number: int) -> str:
    syllables = []
    while number:
        number, syllable = divmod(number, len(_SYLLABLES))
        syllables.append(_SYLLABLES[syllable])
    return "".join(syllables).capitalize() or "Lo"
