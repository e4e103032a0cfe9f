"""The levels of `comparing` in Spark's SQL, for splink to compare pairs by.

Columns end with `_l` and `_r`, as splink names the two records of a pair. A level's condition is
looked at only if none before it holds, and a condition of missing values is not true.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from customer_profiles.identity.columns import kinds, redundant
from customer_profiles.identity.matching import comparing
from customer_profiles.identity.matching.comparing import EXACT

if TYPE_CHECKING:
    from collections.abc import Sequence


class Levels(NamedTuple):
    """How one attribute is compared, and how rare what both agree on is."""

    missing: str
    """Holds where the values say nothing."""
    conditions: tuple[tuple[int, str], ...]
    """The levels in the order in which they are looked for."""
    otherwise: int
    tf: str = "NULL"
    """The class of the value that both agree on."""


def levels_of(attribute: str, told_by: Sequence[str], places: int) -> Levels:
    """Give the levels of an attribute.

    Args:
        attribute: its name, as a model has it.
        told_by: attributes that tell it already.
        places: how many addresses records have.
    """
    make = _MADE.get(attribute)
    return make(places) if make is not None else _plain(other_column(attribute), told_by)


def other_column(attribute: str) -> str:
    """Name the column of an identifier or text."""
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


_SWAPPED = "given_l = family_r AND given_r = family_l"


def _given(_: int) -> Levels:
    short = _shorter("given")
    conditions = {
        "exact": f"{_same('given')} AND given_size_l > 1",
        "nickname": "given_l <> given_r AND arrays_overlap(formal_l, formal_r)",
        "near": _near("given"),
        "middle name": f"{short} > 1 AND (given_l = middle_r OR given_r = middle_l)",
        "initial": f"{short} = 1 AND substr(given_l, 1, 1) = substr(given_r, 1, 1)",
        "beginning": (
            f"{_alike('given', comparing.BEGUN)} AND {short} >= {comparing.BEGINNING} AND "
            f"{_edits('given')} = greatest(given_size_l, given_size_r) - {short}"
        ),
        "swapped": _SWAPPED,
        "similar": _alike("given", comparing.SIMILAR),
    }
    levels = comparing.GIVEN_LEVELS
    numbered = tuple((levels.index(name), it) for name, it in conditions.items())
    missing = f"{_either_missing('given')} OR given_script_l <> given_script_r"
    return Levels(missing, numbered, len(levels) - 1, "given_tf_l")


def _family(_: int) -> Levels:
    part = (
        "((last_word_l IS NOT NULL OR last_word_r IS NOT NULL) AND first_word_l = first_word_r) "
        "OR last_word_l = first_word_r OR last_word_l = last_word_r OR last_word_r = first_word_l"
    )
    initial = f"{_shorter('family')} = 1 AND substr(family_l, 1, 1) = substr(family_r, 1, 1)"
    missing = (
        f"{_either_missing('family')} OR (family_l <> family_r AND {_SWAPPED}) OR ({initial}) "
        "OR family_script_l <> family_script_r"
    )
    conditions = (
        *((EXACT, _same("family")), (2, _near("family")), (3, part)),
        (4, _alike("family", comparing.SIMILAR)),
    )
    return Levels(missing, conditions, 5, "family_tf_l")


def _middle(_: int) -> Levels:
    initial = f"{_shorter('middle')} = 1 AND substr(middle_l, 1, 1) = substr(middle_r, 1, 1)"
    conditions = ((EXACT, _same("middle")), (2, initial))
    missing = f"{_either_missing('middle')} OR middle_script_l <> middle_script_r"
    return Levels(missing, conditions, 3, "middle_tf_l")


def _suffix(_: int) -> Levels:
    conditions = ((EXACT, _same("suffix")), (3, _either_missing("suffix")))
    return Levels("suffix_l IS NULL AND suffix_r IS NULL", conditions, 2)


def _birth(_: int) -> Levels:
    def part(side: str, start: int, size: int) -> str:
        return f"substr(birth_{side}, {start}, {size})"

    def same(start: int, size: int) -> str:
        return f"{part('l', start, size)} = {part('r', start, size)}"

    year, month, day = same(1, 4), same(5, 2), same(7, 2)
    unknown = f"{year} AND ({part('l', 7, 2)} = '00' OR {part('r', 7, 2)} = '00')"
    crossed = f"{part('l', 5, 2)} = {part('r', 7, 2)} AND {part('l', 7, 2)} = {part('r', 5, 2)}"
    # Of equal length: one edit is one digit, two neighbours that changed places are none.
    one_digit = "levenshtein(birth_l, birth_r) = 1"
    two = f"({year} AND ({month} OR {day})) OR ({month} AND {day})"
    conditions = (
        *((5, unknown), (EXACT, _same("birth")), (2, f"{year} AND {crossed}"), (3, one_digit)),
        *((4, two), (5, year), (6, same(1, 3))),
    )
    return Levels(_either_missing("birth"), conditions, 7, "birth_tf_l")


def _gender(_: int) -> Levels:
    one_name = "array_contains(formal_l, given_r) OR array_contains(formal_r, given_l)"
    missing = f"{_either_missing('gender')} OR {one_name}"
    return Levels(missing, ((EXACT, _same("gender")),), 2)


def _rarest(column: str) -> str:
    both = f"array_intersect({column}_l, {column}_r)"
    return f"array_max(transform({both}, it -> {column}_tf_l[it]))"


def _any(column: str, condition: str) -> str:
    return f"exists({column}_l, a -> exists({column}_r, b -> {condition}))"


def _email(_: int) -> Levels:
    same, local = "arrays_overlap(emails_l, emails_r)", "arrays_overlap(locals_l, locals_r)"
    near = _any("emails", f"damerau_levenshtein(a, b) <= {comparing.EMAIL_EDITS}")
    only_near = f"NOT {same} AND NOT coalesce({local}, false) AND {near}"
    made_of_name = f"family_sound_l = family_sound_r AND {only_near}"
    missing = f"{_either_missing('emails')} OR ({made_of_name})"
    return Levels(missing, ((EXACT, same), (2, local), (3, near)), 4, _rarest("emails"))


def _phone(_: int) -> Levels:
    conditions = (
        (EXACT, "arrays_overlap(phones_l, phones_r)"),
        (2, "arrays_overlap(phone_ends_l, phone_ends_r)"),
        # Of equal length: one edit is one digit, or two neighbours that changed places.
        (3, _any("phones", "damerau_levenshtein(a, b) <= 1")),
    )
    return Levels(_either_missing("phones"), conditions, 4, _rarest("phones"))


def _each(places: int, condition: str) -> str:
    """Say that a condition holds for any address of the one and any of the other record."""
    pairs = product(range(places), repeat=2)
    return " OR ".join(f"({condition.replace('<x>', str(x)).replace('<y>', str(y))})"
                       for x, y in pairs)  # fmt: skip


def _first(places: int, condition: str, value: str) -> str:
    """Give the value of the first two addresses of which a condition holds."""
    cases = " ".join(
        f"WHEN {condition} THEN {value}".replace("<x>", str(x)).replace("<y>", str(y))
        for x, y in product(range(places), repeat=2)
    )
    return f"CASE {cases} END"


def _street(places: int) -> Levels:
    same = "line_<x>_l = line_<y>_r"
    cores, numbers = ("core_<x>_l", "core_<y>_r"), ("number_<x>_l", "number_<y>_r")
    like = f"({cores[0]} = {cores[1]} OR jaro_winkler({', '.join(cores)}) >= {comparing.NEARLY})"
    house = f"({numbers[0]} IS NULL OR {numbers[1]} IS NULL OR {numbers[0]} = {numbers[1]})"
    conditions = (
        (EXACT, _each(places, same)),
        (2, _each(places, f"{like} AND {house}")),
        (3, _each(places, like)),
    )
    there = _each(places, "street_<x>_l IS NOT NULL AND street_<y>_r IS NOT NULL")
    return Levels(f"NOT ({there})", conditions, 4, _first(places, same, "line_<x>_tf_l"))


def _place(places: int) -> Levels:
    post, city = ("postal_<x>_l", "postal_<y>_r"), ("city_<x>_l", "city_<y>_r")
    post_near = f"damerau_levenshtein({', '.join(post)}) <= 1"
    city_near = f"jaro_winkler({', '.join(city)}) >= {comparing.NEARLY}"
    cells: dict[int, list[str]] = {}
    for (row, by_post), (column, by_city) in product(
        enumerate(_likeness(*post, post_near)), enumerate(_likeness(*city, city_near))
    ):
        level = int(comparing.PLACES[row, column])
        cells.setdefault(level, []).append(f"({by_post} AND {by_city})")
    conditions = tuple(
        (level, _each(places, " OR ".join(cells[level]))) for level in sorted(cells) if level
    )
    same_post, same_city = f"{post[0]} = {post[1]}", f"{city[0]} = {city[1]}"
    tf = _first(places, same_post, "postal_<x>_tf_l")
    tf = f"coalesce({tf}, {_first(places, same_city, 'city_<x>_tf_l')})"
    nothing = " AND ".join(f"NOT ({_each(places, it)})" for it in (
        f"{post[0]} IS NOT NULL AND {post[1]} IS NOT NULL",
        f"{city[0]} IS NOT NULL AND {city[1]} IS NOT NULL",
    ))  # fmt: skip
    return Levels(nothing, conditions[:-1], conditions[-1][0], tf)


def _likeness(one: str, other: str, near: str) -> tuple[str, str, str, str]:
    """Give the conditions of missing, same, near and different."""
    there = f"{one} IS NOT NULL AND {other} IS NOT NULL"
    return (
        f"({one} IS NULL OR {other} IS NULL)",
        f"{one} = {other}",
        f"({there} AND {one} <> {other} AND {near})",
        f"({there} AND {one} <> {other} AND NOT ({near}))",
    )


_TELLING = {
    kinds.GIVEN_NAME: "given",
    kinds.FAMILY_NAME: "family",
    kinds.GENDER: "gender",
    redundant.POSTAL: "postal_0",
    redundant.CITY: "city_0",
}


def _plain(column: str, told_by: Sequence[str]) -> Levels:
    begins = (f"substr({column}_{side}, 1, {comparing.BEGINNING_OF_TEXT})" for side in "lr")
    near = f"jaro_winkler({', '.join(begins)}) >= {comparing.PLAIN_NEAR}"
    told = [_same(_TELLING.get(one) or other_column(one)) for one in told_by]
    missing = " OR ".join([_either_missing(column), *told])
    return Levels(missing, ((EXACT, _same(column)), (2, near)), 3, f"{column}_tf_l")


_MADE = {
    kinds.GIVEN_NAME: _given,
    kinds.FAMILY_NAME: _family,
    kinds.MIDDLE_NAME: _middle,
    kinds.SUFFIX: _suffix,
    kinds.BIRTH_DATE: _birth,
    kinds.GENDER: _gender,
    kinds.EMAIL: _email,
    kinds.PHONE: _phone,
    kinds.STREET: _street,
    kinds.PLACE: _place,
}
