"""The levels at which two values of one attribute can agree; pairs store them as bytes.

Models and explanations name levels by their labels, so renaming a level invalidates stored models.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING, EXACT = 0, 1
"""The first two levels of every comparison."""


def labels(level: type[IntEnum]) -> tuple[str, ...]:
    """Return the label of each level; the first is `missing`."""
    return tuple(member.name.lower().replace("_", " ") for member in level)


def level_type(labels: Sequence[str]) -> type[IntEnum]:
    """Return levels with these labels; the first is that of missing values."""
    numbered = {label: number for number, label in enumerate(labels)}
    return cast("type[IntEnum]", IntEnum("Level", numbered))


_PART_OF = {"near city": "in part"}
"""Levels that older models do not tell apart from another one."""


def renumbered(labels: Sequence[str], known: Sequence[str]) -> list[int]:
    """Return the number of each level among the known ones; most unknown ones are different."""
    numbers = {label: number for number, label in enumerate(known)}
    return [
        numbers[label] if label in numbers else numbers[_PART_OF.get(label, "different")]
        for label in labels
    ]


class GivenName(IntEnum):
    """Levels of given names.

    NEAR: one typing error, or two in a long name. MIDDLE_NAME: the given name of one record is the
    other's middle name. BEGINNING: one name begins with the other. SWAPPED: with the family name.
    SIMILAR, REMOTELY_SIMILAR, FAINTLY_SIMILAR: typing errors left at least two thirds, three fifths
    or half of the letters.
    """

    (
        MISSING,
        EXACT,
        NICKNAME,
        NEAR,
        MIDDLE_NAME,
        INITIAL,
        BEGINNING,
        SWAPPED,
        SIMILAR,
        REMOTELY_SIMILAR,
        FAINTLY_SIMILAR,
        DIFFERENT,
    ) = range(12)


class FamilyName(IntEnum):
    """Levels of family names; PART: names of several words share the first or the last word."""

    (
        MISSING,
        EXACT,
        NEAR,
        PART,
        SIMILAR,
        REMOTELY_SIMILAR,
        FAINTLY_SIMILAR,
        DIFFERENT,
    ) = range(8)


class MiddleName(IntEnum):
    """Levels of middle names."""

    MISSING, EXACT, INITIAL, DIFFERENT = range(4)


class Suffix(IntEnum):
    """Levels of generational suffixes."""

    MISSING, EXACT, DIFFERENT, ONE_HAS_NONE = range(4)


class BirthDate(IntEnum):
    """Levels of birth dates.

    TWO_PARTS: two of year, month and day agree. SIMILAR: two typing errors, such as a digit lost
    and one gained.
    """

    (
        MISSING,
        EXACT,
        DAY_AND_MONTH_SWAPPED,
        ONE_DIGIT,
        TWO_PARTS,
        TWO_DIGITS,
        SIMILAR,
        SAME_YEAR,
        SAME_DECADE,
        DIFFERENT,
    ) = range(10)


class Gender(IntEnum):
    """Levels of genders."""

    MISSING, EXACT, DIFFERENT = range(3)


class Email(IntEnum):
    """Levels of e-mail addresses."""

    MISSING, EXACT, SAME_LOCAL_PART, NEAR, DIFFERENT = range(5)


class Phone(IntEnum):
    """Levels of phone numbers.

    SAME_END: the last seven digits. ONE_DIGIT: one digit differs, or two neighbours are exchanged.
    SIMILAR: up to three typing errors among the last nine digits.
    """

    MISSING, EXACT, SAME_END, ONE_DIGIT, SIMILAR, DIFFERENT = range(6)


class Street(IntEnum):
    """Levels of streets; SAME_STREET: similar names with different house numbers."""

    MISSING, EXACT, NEAR, SAME_STREET, DIFFERENT = range(5)


class Locality(IntEnum):
    """Levels of localities.

    NEAR_CITY, IN_PART: the city or the postal code is nearly equal, and the other one differs.
    """

    MISSING, POSTAL_CODE_AND_CITY, POSTAL_CODE, CITY, NEAR, NEAR_CITY, IN_PART, DIFFERENT = range(8)


class Text(IntEnum):
    """Levels of identifiers, of texts of unknown meaning, and of the parts of a locality."""

    MISSING, EXACT, NEAR, DIFFERENT = range(4)
