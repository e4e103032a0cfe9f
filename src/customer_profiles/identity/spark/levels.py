"""The levels of `matching.comparing` as conditions in Spark's SQL, by which splink compares pairs.

Columns end with `_l` and `_r`, as splink names the two records of a pair. Conditions are tried in
order, and a condition on missing values is not true.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from customer_profiles.identity.columns import kinds, redundant
from customer_profiles.identity.matching import comparing
from customer_profiles.identity.matching.levels import (
    EXACT,
    BirthDateLevel,
    EmailLevel,
    FamilyNameLevel,
    GenderLevel,
    GivenNameLevel,
    LocalityLevel,
    MiddleNameLevel,
    PhoneLevel,
    StreetLevel,
    SuffixLevel,
    TextLevel,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class SqlLevels:
    """How one attribute is compared in SQL."""

    missing: str
    """The condition of pairs whose values are no evidence."""
    conditions: tuple[tuple[int, str], ...]
    """The conditions of levels, in the order in which they are tried."""
    otherwise: int
    """The level of all other pairs."""
    tf: str = "NULL"
    """The term-frequency class of the value that both records have."""


def levels_of(attribute: str, implied_by: Sequence[str], addresses: int) -> SqlLevels:
    """Return the levels of an attribute.

    Args:
        attribute: its name in the model.
        implied_by: attributes that determine it.
        addresses: how many addresses records have.
    """
    make = _LEVELS.get(attribute)
    return make(addresses) if make is not None else _text(other_column(attribute), implied_by)


def other_column(attribute: str) -> str:
    """Return the name of the column of an identifier or text."""
    return "other_" + attribute.encode().hex()


def _either_missing(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


def _same(column: str) -> str:
    return f"{column}_l = {column}_r"


def _alike(column: str, least: float) -> str:
    return f"jaro_winkler({column}_l, {column}_r) >= {least}"


def _edits(column: str) -> str:
    return f"damerau_levenshtein({column}_l, {column}_r)"


def _shorter(column: str) -> str:
    return f"least({column}_size_l, {column}_size_r)"


def _near(column: str) -> str:
    short, edits = _shorter(column), _edits(column)
    return (
        f"{_alike(column, comparing.NEARLY)} AND {short} >= {comparing.SHORTEST} "
        f"AND ({edits} <= 1 OR ({edits} <= 2 AND {short} >= {comparing.LONG}))"
    )


def _same_initial(column: str) -> str:
    return f"{_shorter(column)} = 1 AND substr({column}_l, 1, 1) = substr({column}_r, 1, 1)"


_SWAPPED = "given_l = family_r AND given_r = family_l"


def _given(_: int) -> SqlLevels:
    short = _shorter("given")
    begins = (
        f"{_alike('given', comparing.BEGUN)} AND {short} >= {comparing.BEGINNING} AND "
        f"{_edits('given')} = greatest(given_size_l, given_size_r) - {short}"
    )
    conditions = (
        (EXACT, f"{_same('given')} AND given_size_l > 1"),
        (GivenNameLevel.NICKNAME, "given_l <> given_r AND arrays_overlap(formal_l, formal_r)"),
        (GivenNameLevel.NEAR, _near("given")),
        (GivenNameLevel.MIDDLE_NAME, f"{short} > 1 AND (given_l = middle_r OR given_r = middle_l)"),
        (GivenNameLevel.INITIAL, _same_initial("given")),
        (GivenNameLevel.BEGINNING, begins),
        (GivenNameLevel.SWAPPED, _SWAPPED),
        (GivenNameLevel.SIMILAR, _alike("given", comparing.SIMILAR)),
    )
    missing = f"{_either_missing('given')} OR given_script_l <> given_script_r"
    return SqlLevels(missing, conditions, GivenNameLevel.DIFFERENT, "given_tf_l")


def _family(_: int) -> SqlLevels:
    part = (
        "((last_word_l IS NOT NULL OR last_word_r IS NOT NULL) AND first_word_l = first_word_r) "
        "OR last_word_l = first_word_r OR last_word_l = last_word_r OR last_word_r = first_word_l"
    )
    missing = (
        f"{_either_missing('family')} OR (family_l <> family_r AND {_SWAPPED}) "
        f"OR ({_same_initial('family')}) OR family_script_l <> family_script_r"
    )
    conditions = (
        (EXACT, _same("family")),
        (FamilyNameLevel.NEAR, _near("family")),
        (FamilyNameLevel.PART, part),
        (FamilyNameLevel.SIMILAR, _alike("family", comparing.SIMILAR)),
    )
    return SqlLevels(missing, conditions, FamilyNameLevel.DIFFERENT, "family_tf_l")


def _middle(_: int) -> SqlLevels:
    conditions = (
        (EXACT, _same("middle")),
        (MiddleNameLevel.INITIAL, _same_initial("middle")),
    )
    missing = f"{_either_missing('middle')} OR middle_script_l <> middle_script_r"
    return SqlLevels(missing, conditions, MiddleNameLevel.DIFFERENT, "middle_tf_l")


def _suffix(_: int) -> SqlLevels:
    conditions = (
        (EXACT, _same("suffix")),
        (SuffixLevel.ONE_HAS_NONE, _either_missing("suffix")),
    )
    return SqlLevels("suffix_l IS NULL AND suffix_r IS NULL", conditions, SuffixLevel.DIFFERENT)


def _birth(_: int) -> SqlLevels:
    def part(side: str, start: int, size: int) -> str:
        return f"substr(birth_{side}, {start}, {size})"

    def same(start: int, size: int) -> str:
        return f"{part('l', start, size)} = {part('r', start, size)}"

    year, month, day = same(1, 4), same(5, 2), same(7, 2)
    unknown = f"{year} AND ({part('l', 7, 2)} = '00' OR {part('r', 7, 2)} = '00')"
    crossed = f"{part('l', 5, 2)} = {part('r', 7, 2)} AND {part('l', 7, 2)} = {part('r', 5, 2)}"
    two = f"({year} AND ({month} OR {day})) OR ({month} AND {day})"
    conditions = (
        # Where only the year is known, only the year can agree.
        (BirthDateLevel.SAME_YEAR, unknown),
        (EXACT, _same("birth")),
        (BirthDateLevel.DAY_AND_MONTH_SWAPPED, f"{year} AND {crossed}"),
        # Dates have one length, so one edit is one digit; an exchange of neighbours is two.
        (BirthDateLevel.ONE_DIGIT, "levenshtein(birth_l, birth_r) = 1"),
        (BirthDateLevel.TWO_PARTS, two),
        (BirthDateLevel.SAME_YEAR, year),
        (BirthDateLevel.SAME_DECADE, same(1, 3)),
    )
    return SqlLevels(_either_missing("birth"), conditions, BirthDateLevel.DIFFERENT, "birth_tf_l")


def _gender(_: int) -> SqlLevels:
    same_name = "array_contains(formal_l, given_r) OR array_contains(formal_r, given_l)"
    missing = f"{_either_missing('gender')} OR {same_name}"
    return SqlLevels(missing, ((EXACT, _same("gender")),), GenderLevel.DIFFERENT)


def _rarest(column: str) -> str:
    both = f"array_intersect({column}_l, {column}_r)"
    return f"array_max(transform({both}, value -> {column}_tf_l[value]))"


def _any(column: str, condition: str) -> str:
    return f"exists({column}_l, a -> exists({column}_r, b -> {condition}))"


def _email(_: int) -> SqlLevels:
    same, local = "arrays_overlap(emails_l, emails_r)", "arrays_overlap(locals_l, locals_r)"
    near = _any("emails", f"damerau_levenshtein(a, b) <= {comparing.EMAIL_EDITS}")
    only_near = f"NOT {same} AND NOT coalesce({local}, false) AND {near}"
    made_of_name = f"family_sound_l = family_sound_r AND {only_near}"
    missing = f"{_either_missing('emails')} OR ({made_of_name})"
    conditions = (
        (EXACT, same),
        (EmailLevel.SAME_LOCAL_PART, local),
        (EmailLevel.NEAR, near),
    )
    return SqlLevels(missing, conditions, EmailLevel.DIFFERENT, _rarest("emails"))


def _phone(_: int) -> SqlLevels:
    conditions = (
        (EXACT, "arrays_overlap(phones_l, phones_r)"),
        (PhoneLevel.SAME_END, "arrays_overlap(phone_ends_l, phone_ends_r)"),
        # Numbers have one length, so one edit is one digit or an exchange of neighbours.
        (PhoneLevel.ONE_DIGIT, _any("phones", "damerau_levenshtein(a, b) <= 1")),
    )
    return SqlLevels(_either_missing("phones"), conditions, PhoneLevel.DIFFERENT, _rarest("phones"))


def _of(condition: str, left: int, right: int) -> str:
    return condition.replace("<x>", str(left)).replace("<y>", str(right))


def _each(addresses: int, condition: str) -> str:
    """Return a condition that holds if any address of one and any of the other record meet it."""
    combinations = product(range(addresses), repeat=2)
    return " OR ".join(f"({_of(condition, x, y)})" for x, y in combinations)


def _first(addresses: int, condition: str, value: str) -> str:
    """Return the value of the first combination of addresses that meets a condition."""
    cases = " ".join(
        _of(f"WHEN {condition} THEN {value}", x, y) for x, y in product(range(addresses), repeat=2)
    )
    return f"CASE {cases} END"


def _street(addresses: int) -> SqlLevels:
    same = "line_<x>_l = line_<y>_r"
    cores, numbers = ("core_<x>_l", "core_<y>_r"), ("number_<x>_l", "number_<y>_r")
    like = f"({cores[0]} = {cores[1]} OR jaro_winkler({', '.join(cores)}) >= {comparing.NEARLY})"
    house = f"({numbers[0]} IS NULL OR {numbers[1]} IS NULL OR {numbers[0]} = {numbers[1]})"
    conditions = (
        (EXACT, _each(addresses, same)),
        (StreetLevel.NEAR, _each(addresses, f"{like} AND {house}")),
        (StreetLevel.SAME_STREET, _each(addresses, like)),
    )
    present = _each(addresses, "street_<x>_l IS NOT NULL AND street_<y>_r IS NOT NULL")
    tf = _first(addresses, same, "line_<x>_tf_l")
    return SqlLevels(f"NOT ({present})", conditions, StreetLevel.DIFFERENT, tf)


def _locality(addresses: int) -> SqlLevels:
    postal, city = ("postal_<x>_l", "postal_<y>_r"), ("city_<x>_l", "city_<y>_r")
    by_postal = _text_levels(*postal, f"damerau_levenshtein({', '.join(postal)}) <= 1")
    by_city = _text_levels(*city, f"jaro_winkler({', '.join(city)}) >= {comparing.NEARLY}")
    cells: dict[int, list[str]] = {}
    for row, column in product(TextLevel, repeat=2):
        level = int(comparing.LOCALITY_LEVELS[row, column])
        cells.setdefault(level, []).append(f"({by_postal[row]} AND {by_city[column]})")
    conditions = tuple(
        (level, _each(addresses, " OR ".join(cells[level])))
        for level in sorted(cells)
        if level not in {LocalityLevel.MISSING, LocalityLevel.DIFFERENT}
    )
    tfs = (
        _first(addresses, f"{postal[0]} = {postal[1]}", "postal_<x>_tf_l"),
        _first(addresses, f"{city[0]} = {city[1]}", "city_<x>_tf_l"),
    )
    missing = " AND ".join(
        f"NOT ({_each(addresses, f'{left} IS NOT NULL AND {right} IS NOT NULL')})"
        for left, right in (postal, city)
    )
    return SqlLevels(missing, conditions, LocalityLevel.DIFFERENT, f"coalesce({', '.join(tfs)})")


def _text_levels(left: str, right: str, near: str) -> dict[TextLevel, str]:
    """Return the conditions of each level of a text."""
    present = f"{left} IS NOT NULL AND {right} IS NOT NULL"
    return {
        TextLevel.MISSING: f"({left} IS NULL OR {right} IS NULL)",
        TextLevel.EXACT: f"{left} = {right}",
        TextLevel.NEAR: f"({present} AND {left} <> {right} AND {near})",
        TextLevel.DIFFERENT: f"({present} AND {left} <> {right} AND NOT ({near}))",
    }


_IMPLYING = {
    kinds.GIVEN_NAME: "given",
    kinds.FAMILY_NAME: "family",
    kinds.GENDER: "gender",
    redundant.POSTAL: "postal_0",
    redundant.CITY: "city_0",
}
"""The columns of attributes that may determine a text."""


def _text(column: str, implied_by: Sequence[str]) -> SqlLevels:
    begins = (f"substr({column}_{side}, 1, {comparing.BEGINNING_OF_TEXT})" for side in "lr")
    near = f"jaro_winkler({', '.join(begins)}) >= {comparing.TEXT_NEAR}"
    implied = [_same(_IMPLYING.get(source) or other_column(source)) for source in implied_by]
    missing = " OR ".join([_either_missing(column), *implied])
    conditions = ((EXACT, _same(column)), (TextLevel.NEAR, near))
    return SqlLevels(missing, conditions, TextLevel.DIFFERENT, f"{column}_tf_l")


_LEVELS = {
    kinds.GIVEN_NAME: _given,
    kinds.FAMILY_NAME: _family,
    kinds.MIDDLE_NAME: _middle,
    kinds.SUFFIX: _suffix,
    kinds.BIRTH_DATE: _birth,
    kinds.GENDER: _gender,
    kinds.EMAIL: _email,
    kinds.PHONE: _phone,
    kinds.STREET: _street,
    kinds.LOCALITY: _locality,
}
