"""The levels at which two values of one attribute can agree; pairs store them as bytes.

Models and explanations name levels by their labels, so renaming a level invalidates stored models.
"""

from __future__ import annotations

from enum import IntEnum

MISSING, EXACT = 0, 1
"""The first two levels of every comparison."""


def labels(levels: type[IntEnum]) -> tuple[str, ...]:
    """Return the readable names of levels, such as `day and month swapped`."""
    return tuple(level.name.lower().replace("_", " ") for level in levels)


# NEAR: one typing error, or two in a long name. MIDDLE_NAME: the given name of one record is the
# other's middle name. BEGINNING: one name begins with the other. SWAPPED: with the family name.
GivenNameLevel = IntEnum(
    "GivenNameLevel",
    "MISSING EXACT NICKNAME NEAR MIDDLE_NAME INITIAL BEGINNING SWAPPED SIMILAR DIFFERENT",
    start=0,
)
# PART: names of several words share the first or the last word.
FamilyNameLevel = IntEnum("FamilyNameLevel", "MISSING EXACT NEAR PART SIMILAR DIFFERENT", start=0)
MiddleNameLevel = IntEnum("MiddleNameLevel", "MISSING EXACT INITIAL DIFFERENT", start=0)
SuffixLevel = IntEnum("SuffixLevel", "MISSING EXACT DIFFERENT ONE_HAS_NONE", start=0)
# TWO_PARTS: two of year, month and day agree.
BirthDateLevel = IntEnum(
    "BirthDateLevel",
    "MISSING EXACT DAY_AND_MONTH_SWAPPED ONE_DIGIT TWO_PARTS SAME_YEAR SAME_DECADE DIFFERENT",
    start=0,
)
GenderLevel = IntEnum("GenderLevel", "MISSING EXACT DIFFERENT", start=0)
EmailLevel = IntEnum("EmailLevel", "MISSING EXACT SAME_LOCAL_PART NEAR DIFFERENT", start=0)
# SAME_END: the last seven digits. ONE_DIGIT: one digit differs, or two neighbours are exchanged.
PhoneLevel = IntEnum("PhoneLevel", "MISSING EXACT SAME_END ONE_DIGIT DIFFERENT", start=0)
# SAME_STREET: similar names with different house numbers.
StreetLevel = IntEnum("StreetLevel", "MISSING EXACT NEAR SAME_STREET DIFFERENT", start=0)
# IN_PART: postal code or city is nearly equal, and the other one differs.
LocalityLevel = IntEnum(
    "LocalityLevel",
    "MISSING POSTAL_CODE_AND_CITY POSTAL_CODE CITY NEAR IN_PART DIFFERENT",
    start=0,
)
# Of identifiers, of texts of unknown meaning, and of the two parts of a locality.
TextLevel = IntEnum("TextLevel", "MISSING EXACT NEAR DIFFERENT", start=0)
