"""Find out what each column of a table holds: as declared, by its name, or by its values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from . import headers
from .kinds import KIND_OF, KINDS, is_free_form
from .normalize import encode, pc
from .reading import read_with_id
from .values import Guess, Sample, guess, is_value, may_be_family_names, postal_codes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from customer_profiles.identity.matching.roles import ColumnUse
    from customer_profiles.identity.own.comparisons import OwnKind

    from .kinds import Kind
    from .reading import Records

SAMPLED = 20_000
"""How many records are read to find out what a column holds."""
_MOST, _HALF = 0.8, 0.5
_FEWEST_PAIRS, _FEWEST_TOWNS = 20, 20
_FEWEST_INITIALS = 10
_PEOPLE = ("given_name", "family_name", "full_name")
# Several columns of a record may hold these.
_REPEATED = ("email", "phone", "identifier", "text")


Found = Literal["declared", "name", "values", "default"]


class Column(NamedTuple):
    """What a column of records holds."""

    kind: Kind
    """What it holds; `text` is compared as it is."""
    found: Found
    """How the kind was found; `default` if neither the column's name nor its values tell."""
    reason: str
    """The reason in words."""


def columns(
    records: Records,
    *,
    kinds: Mapping[str, Kind | OwnKind] | None = None,
    id_column: str | None = None,
) -> dict[str, Column]:
    """Return what `resolve` takes each column of the records for, and why.

    Args:
        records: the records, in any form that `resolve` accepts.
        kinds: what columns hold, by name, as `resolve` takes it; overrules what is found.
        id_column: the column of the records' ids, which is not compared.

    Raises:
        ValueError: a column or kind is wrong; the message names it.
        TypeError: the records have a form that cannot be read.
    """
    id_name, _, table = read_with_id(records, id_column)
    known: dict[str, Kind] = {
        name: kind if isinstance(kind, str) else "text" for name, kind in (kinds or {}).items()
    }
    check(known, table)
    found = classify(table, known)
    if id_name is not None:
        found[id_name] = Column("ignored", "name", "it holds the records' ids")
    return found


def check(kinds: Mapping[str, str], columns: Collection[str]) -> None:
    """Check the kinds that are declared for columns.

    Raises:
        ValueError: there is no such kind or column; the message names it.
    """
    for name, kind in kinds.items():
        if kind not in KINDS:
            msg = f"kinds[{name!r}] is {kind!r}; a kind is one of {', '.join(KINDS)}"
            raise ValueError(msg)
        if name not in columns:
            msg = f"kinds names the column {name!r}, which the records do not have"
            raise ValueError(msg)


def seems_a_record(found: Mapping[str, Column | ColumnUse]) -> bool:
    """Return whether the names of columns are values of a record, as in a file without a header."""
    if any(column.found in {"declared", "name"} for column in found.values()):
        return False
    return any(is_value(column.kind, name) for name, column in found.items())


def classify(table: Mapping[str, pa.ChunkedArray], kinds: Mapping[str, Kind]) -> dict[str, Column]:
    """Return what each column holds: as declared, else by its name, else by its values."""
    found = {name: _by_name(name, kinds.get(name)) for name in table}
    unknown = [name for name, column in found.items() if column is None]
    known = {name: column for name, column in found.items() if column is not None}
    parts = {
        name: _name_beside(name, known, table)
        for name in known
        if name not in kinds and headers.read(name).noun == "name"
    }
    known |= parts
    guesses = {name: _sampled(table[name]) for name in unknown}
    by_values = _by_values(guesses, known, table)
    default = Column("text", "default", "neither its name nor its values tell what it holds")
    return {name: known.get(name) or by_values.get(name, default) for name in table}


def _by_name(name: str, declared: Kind | None) -> Column | None:
    if declared is not None:
        return Column(declared, "declared", f"it is declared as {declared}")
    if is_free_form(name):
        return Column("text", "name", "it is a custom attribute, whose name has no fixed meaning")
    noun = headers.read(name).noun
    if noun is None:
        return None
    if noun == "other":
        return Column("text", "name", "its name says that it does not identify a person by itself")
    return Column(KIND_OF[noun], "name", f"its name says {noun.replace('_', ' ')}")


def _name_beside(
    name: str, known: Mapping[str, Column], table: Mapping[str, pa.ChunkedArray]
) -> Column:
    """Return what a column `Name` holds: beside given names a family name, and vice versa."""
    beside = {column.kind: other for other, column in sorted(known.items()) if other != name}
    part: Kind = "full_name"
    if (noun := headers.missing_part(beside)) in {"given_name", "family_name"}:
        part = KIND_OF[noun]
        other = beside["given_name" if part == "family_name" else "family_name"]
        if not _contains(table[name], table[other]):
            reason = f"its name says a name, and {other!r} beside it holds the other part"
            return Column(part, "name", reason)
    return Column("full_name", "name", "its name says a whole name")


def _contains(whole: pa.ChunkedArray, part: pa.ChunkedArray) -> bool:
    """Return whether most values of a column are longer than those of another and contain them."""
    columns = (column[:_FEW_ROWS].to_pylist() for column in (whole, part))
    pairs = [
        (headers.fold(text), headers.fold(inner))
        for text, inner in zip(*columns, strict=True)
        if text and inner
    ]
    return sum(inner in text and inner != text for text, inner in pairs) > _HALF * len(pairs)


_FEW_ROWS = 2_000


def _sampled(column: pa.ChunkedArray) -> Sample:
    counts = pc.value_counts(pc.cast(column[:SAMPLED], pa.string()).drop_null())
    return Sample.from_counts(counts.field(0).to_pylist(), counts.field(1).to_pylist())


def _by_values(
    samples: Mapping[str, Sample],
    known: Mapping[str, Column],
    table: Mapping[str, pa.ChunkedArray],
) -> dict[str, Column]:
    """Return the columns that their values tell; a kind that a name tells is not guessed again."""
    guesses = {name: found for name, sample in samples.items() if (found := guess(sample))}
    seen: set[Kind] = {column.kind for column in known.values()}
    result: dict[str, Column] = {}
    best: dict[Kind, str] = {}
    for name, found in sorted(guesses.items(), key=lambda item: _strength(item, samples)):
        kind, share, what = found
        if kind not in _REPEATED:
            if kind in best and kind == "given_name" and "middle_name" not in seen | {*best}:
                kind, what = "middle_name", "given names, and another column has more of them"
            elif kind in seen or kind in best or (kind == "full_name" and _has_parts(seen, best)):
                continue
            best[kind] = name
        result[name] = Column(kind, "values", f"{share:.0%} of its values are {what}")
    kinds: dict[str, Kind] = {
        name: column.kind for name, column in (*known.items(), *result.items())
    }
    for name in sorted(samples):
        if name in result and result[name].kind != "identifier":
            continue
        if (column := _beside_others(name, samples[name], kinds, table)) is not None:
            result[name], kinds[name] = column, column.kind
    return result


def _beside_others(
    name: str,
    sample: Sample,
    kinds: Mapping[str, Kind],
    table: Mapping[str, pa.ChunkedArray],
) -> Column | None:
    """Return what a column holds whose values tell only beside those of other columns."""
    seen = set(kinds.values())
    if "postal_code" not in seen and _is_postal(name, sample, kinds, table):
        reason = "its values have the form of postal codes, and it stands beside an address"
        return Column("postal_code", "values", reason)
    if "given_name" in seen and "family_name" not in seen and may_be_family_names(sample):
        reason = "several of its values are family names, and given names are beside"
        return Column("family_name", "values", reason)
    if "city" not in seen and _is_town(name, sample, kinds, table):
        reason = "records with one postal code share its value, as they share a town"
        return Column("city", "values", reason)
    if "given_name" in seen and "middle_name" not in seen and _are_initials(sample):
        return Column(
            "middle_name", "values", "its values are initials, and given names are beside"
        )
    return None


def _strength(item: tuple[str, Guess], samples: Mapping[str, Sample]) -> tuple[float, str]:
    """Return the rank of a guess: those that most records show first, in any order of columns."""
    name, found = item
    return -found.share * samples[name].rows, name


def _has_parts(seen: Collection[Kind], best: Collection[Kind]) -> bool:
    return all(kind in seen or kind in best for kind in ("given_name", "family_name"))


def _are_initials(sample: Sample) -> bool:
    share = sample.share(lambda text: len(text.rstrip(".")) == 1 and text[0].isalpha())
    return share >= _MOST and sample.distinct >= _FEWEST_INITIALS


def _is_postal(
    name: str,
    sample: Sample,
    kinds: Mapping[str, Kind],
    table: Mapping[str, pa.ChunkedArray],
) -> bool:
    """Return whether values are postal codes: a town, state or street has to be beside them.

    Mere numbers need more: some begin with 0, or records that share a number share the town as
    well, but not the person.
    """
    located = [other for kind in _LOCATED for other in sorted(kinds) if kinds[other] == kind]
    codes = postal_codes(sample)
    if not located or not codes.is_like:
        return False
    if not codes.is_plain:
        return True
    return _shared(name, located[0], kinds, table) >= _HALF


def _is_town(
    name: str,
    sample: Sample,
    kinds: Mapping[str, Kind],
    table: Mapping[str, pa.ChunkedArray],
) -> bool:
    """Return whether values are the towns of postal codes, which other people share as well."""
    codes = [other for other in kinds if kinds[other] == "postal_code"]
    are_words = sample.share(_WORDS.fullmatch) >= _MOST and sample.distinct >= _FEWEST_TOWNS
    return bool(codes) and are_words and _shared(codes[0], name, kinds, table) >= _MOST


_WORDS = re.compile(r"[^\W\d_][^\d@]{2,40}")


def _shared(
    code: str, other: str, kinds: Mapping[str, Kind], table: Mapping[str, pa.ChunkedArray]
) -> float:
    """Return how many different people that share a value of a column share another column's."""
    columns = {name: encode(table[name][:SAMPLED]).codes for name in (code, other)}
    people = [encode(table[name][:SAMPLED]).codes for name in kinds if kinds[name] in _PEOPLE]
    rows = np.flatnonzero((columns[code] >= 0) & (columns[other] >= 0))
    rows = rows[np.argsort(columns[code][rows], kind="stable")]
    i, j = rows[:-1], rows[1:]
    chosen = columns[code][i] == columns[code][j]
    if people:
        chosen &= np.any([codes[i] != codes[j] for codes in people], axis=0)
    if chosen.sum() < _FEWEST_PAIRS:
        return 0.0
    return float((columns[other][i] == columns[other][j])[chosen].mean())


_LOCATED: tuple[Kind, ...] = ("city", "state", "street")
