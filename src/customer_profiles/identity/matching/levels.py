"""The levels at which two values of one attribute can agree.

Models and explanations name levels by their labels, so renaming a member invalidates stored models.
"""

from __future__ import annotations

from enum import IntEnum

MISSING, EXACT = 0, 1
"""The first two levels of every comparison."""


class Level(IntEnum):
    """How similar two values of one attribute are; pairs store the number as a byte."""

    @classmethod
    def labels(cls) -> tuple[str, ...]:
        """Return the readable name of each level, such as `day and month swapped`."""
        return tuple(level.name.lower().replace("_", " ") for level in cls)


class GivenNameLevel(Level):
    """Levels of given names."""

    MISSING = MISSING
    EXACT = EXACT
    NICKNAME = 2
    NEAR = 3
    """One typing error, or two in a long name."""
    MIDDLE_NAME = 4
    """One record's given name is the other's middle name."""
    INITIAL = 5
    BEGINNING = 6
    """One name begins with the other."""
    SWAPPED = 7
    """Given and family name are exchanged."""
    SIMILAR = 8
    DIFFERENT = 9


class FamilyNameLevel(Level):
    """Levels of family names."""

    MISSING = MISSING
    EXACT = EXACT
    NEAR = 2
    PART = 3
    """Names of several words share the first or the last word."""
    SIMILAR = 4
    DIFFERENT = 5


class MiddleNameLevel(Level):
    """Levels of middle names."""

    MISSING = MISSING
    EXACT = EXACT
    INITIAL = 2
    DIFFERENT = 3


class SuffixLevel(Level):
    """Levels of suffixes such as Jr. and Sr."""

    MISSING = MISSING
    EXACT = EXACT
    DIFFERENT = 2
    ONE_HAS_NONE = 3


class BirthDateLevel(Level):
    """Levels of birth dates."""

    MISSING = MISSING
    EXACT = EXACT
    DAY_AND_MONTH_SWAPPED = 2
    ONE_DIGIT = 3
    TWO_PARTS = 4
    """Two of year, month and day agree."""
    SAME_YEAR = 5
    SAME_DECADE = 6
    DIFFERENT = 7


class GenderLevel(Level):
    """Levels of genders."""

    MISSING = MISSING
    EXACT = EXACT
    DIFFERENT = 2


class EmailLevel(Level):
    """Levels of e-mail addresses."""

    MISSING = MISSING
    EXACT = EXACT
    SAME_LOCAL_PART = 2
    NEAR = 3
    DIFFERENT = 4


class PhoneLevel(Level):
    """Levels of phone numbers."""

    MISSING = MISSING
    EXACT = EXACT
    SAME_END = 2
    """The last seven digits agree."""
    ONE_DIGIT = 3
    """One digit differs, or two neighbouring digits are exchanged."""
    DIFFERENT = 4


class StreetLevel(Level):
    """Levels of streets with house numbers."""

    MISSING = MISSING
    EXACT = EXACT
    NEAR = 2
    SAME_STREET = 3
    """Similar street names with different house numbers."""
    DIFFERENT = 4


class LocalityLevel(Level):
    """Levels of postal code and city together."""

    MISSING = MISSING
    POSTAL_CODE_AND_CITY = EXACT
    POSTAL_CODE = 2
    CITY = 3
    NEAR = 4
    IN_PART = 5
    """One of the two is nearly equal."""
    DIFFERENT = 6


class TextLevel(Level):
    """Levels of identifiers and of texts of unknown meaning, and of the two parts of a locality."""

    MISSING = MISSING
    EXACT = EXACT
    NEAR = 2
    DIFFERENT = 3
