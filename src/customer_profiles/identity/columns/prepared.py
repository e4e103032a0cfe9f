"""The records of one resolution, ready to be blocked and compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from . import addresses, names, normalize
from .kinds import kind_of, kind_of_values
from .normalize import (
    Coded,
    DatasetStatistics,
    beside,
    compact,
    encode,
    first_of,
    hash_of,
    letters_of,
    look_up,
    pc,
    recode,
    texts_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from .addresses import Addresses
    from .kinds import Kind
    from .names import Names

Columns = dict[str, pa.Array]
_KINDS_OF: dict[str, tuple[Kind, ...]] = {
    "given name": ("given_name", "full_name"),
    "middle name": ("middle_name", "full_name"),
    "family name": ("family_name", "full_name"),
    "suffix": ("family_name", "full_name"),
    "birth date": ("birth_date",),
    "gender": ("gender",),
    "email": ("email",),
    "phone": ("phone",),
    "street": ("street",),
    "place": ("postal_code", "city"),
}
_LOOKED_AT = 20_000
"""How many records tell what a column holds whose name does not."""
_JUNK_COUNT, _JUNK_SHARE = 10, 0.5
"""A value of so many records, this part of them with other names, is nobody's own."""


@dataclass(slots=True)
class Values:
    """Values that are compared as they are: codes of shape (records, values), -1 for none."""

    codes: Any
    text: NDArray[Any]
    letters: Any = None
    packed: Any = None
    """Of a phone number its last nine digits, four bits each."""
    local: Any = None
    """Of an e-mail address the number of what is before the @."""
    local_text: Any = None
    domain: Any = None
    domain_text: Any = None
    distinctive: Any = None
    """Whether what is before the @ is more than letters, which may be a mere name."""


@dataclass(slots=True)
class Prepared:
    """The records as numbers."""

    count: int
    names: Names | None = None
    birth: Any = None
    """uint32: half-bytes of year, month and day; 0 where unknown."""
    gender: Any = None
    emails: Values | None = None
    phones: Values | None = None
    addresses: Addresses | None = None
    identifiers: dict[str, Values] = field(default_factory=dict)
    texts: dict[str, Values] = field(default_factory=dict)
    by_kind: dict[str, list[str]] = field(default_factory=dict)
    """The columns of each kind."""
    facts: DatasetStatistics = field(default_factory=DatasetStatistics)
    told_kinds: dict[str, Kind] = field(default_factory=dict)
    """The kinds of columns that their values told, not their names."""

    def columns_of(self, attribute: str) -> list[str]:
        """Give the columns that an attribute's values come from."""
        kinds = _KINDS_OF.get(attribute)
        if kinds is None:
            return [attribute]
        return [name for kind in kinds for name in self.by_kind.get(kind, ())]


def kinds_of(columns: Columns, kinds: Mapping[str, Kind]) -> dict[str, Kind]:
    """Tell what columns hold: by what is said of them, by their names, and by their values."""
    found: dict[str, Kind] = {name: kinds.get(name) or kind_of(name) for name in columns}
    for name, column in columns.items():
        if found[name] == "text" and name not in kinds and not name.startswith("Attributes."):
            values = pc.unique(column.slice(0, _LOOKED_AT)).drop_null().to_pylist()
            found[name] = kind_of_values(values, set(found.values()))
    return found


def prepare(
    columns: Columns,
    kinds: Mapping[str, Kind],
    pool: Executor,
    facts: DatasetStatistics | None = None,
) -> Prepared:
    """Normalise all columns, several at a time.

    Args:
        columns: the records.
        kinds: what columns hold whose names do not tell.
        pool: what does it.
        facts: what other records together told; without it these records do.
    """
    count = len(next(iter(columns.values()))) if columns else 0
    by_kind: dict[str, list[str]] = {}
    all_kinds = kinds_of(columns, kinds)
    for name, kind in all_kinds.items():
        if kind != "ignored" and columns[name].null_count < count:
            by_kind.setdefault(kind, []).append(name)

    def of(kind: Kind) -> list[Coded]:
        return [encode(columns[name]) for name in by_kind.get(kind, ())]

    def plain(name: str, spaces: str) -> Any:
        return pool.submit(lambda: _plain(encode(columns[name]), spaces))

    people = pool.submit(lambda: names.read([of(kind) for kind in names.KINDS], count, facts))
    # Each may stand where the other should.
    emails = pool.submit(lambda: _emails(of("email"), of("phone")))
    phones = pool.submit(lambda: _phones(of("phone"), of("email")))
    places = pool.submit(lambda: addresses.read(columns, by_kind, count, facts))
    births = pool.submit(lambda: _births(of("birth_date"), count, facts))
    genders = pool.submit(lambda: _genders(of("gender"), count))
    identifiers = {name: plain(name, "") for name in by_kind.get("identifier", ())}
    texts = {name: plain(name, " ") for name in by_kind.get("text", ())}
    days_first, birth = births.result()
    prepared = Prepared(
        count,
        people.result(),
        birth,
        genders.result(),
        emails.result(),
        phones.result(),
        places.result(),
        {name: one.result() for name, one in identifiers.items()},
        # What is the same for all tells nobody apart.
        {name: one.result() for name, one in texts.items() if facts or len(one.result().text) > 1},
        by_kind,
    )
    prepared.told_kinds = {
        name: kind
        for name, kind in all_kinds.items()
        if kind not in {kind_of(name), kinds.get(name)}
    }
    if facts:
        _forget(prepared, facts.junk)
        prepared.facts = facts
        return prepared
    words = prepared.names.words if prepared.names else None
    stop_words = prepared.addresses.stop_words if prepared.addresses else ()
    prepared.facts = DatasetStatistics(
        days_first,
        frozenset(map(hash_of, stop_words)),
        frozenset(map(hash_of, _forget_junk(prepared))),
        *((words.given, words.family) if words else ()),
    )
    return prepared


def _births(
    columns: list[Coded], count: int, facts: DatasetStatistics | None
) -> tuple[bool, NDArray[np.uint32] | None]:
    if not columns:
        return False, None
    column = first_of(columns, count)
    texts = column.values.to_pylist()
    first = facts.days_first if facts else normalize.days_come_first(texts)
    dates = np.array([normalize.date(one, days_first=first) for one in texts], np.uint32)
    return first, look_up(dates, column.codes, 0)


def _genders(columns: list[Coded], count: int) -> Any:
    if not columns:
        return None
    column = first_of(columns, count)
    return recode(column, pc.utf8_slice_codeunits(normalize.words(column.values), 0, 1)).codes


def _emails(columns: list[Coded], phones: list[Coded]) -> Values | None:
    columns = columns + [_holding(one, pc.match_substring(one.values, "@")) for one in phones]
    coded = beside([recode(one, normalize.emails(one.values)) for one in columns])
    if not len(coded.values):
        return None
    locals_of, domain_of = normalize.split_emails(coded.values)
    local, domain = encode(locals_of), encode(domain_of)
    return Values(
        coded.codes,
        texts_of(coded),
        letters_of(coded.values),
        local=local.codes,
        local_text=texts_of(local),
        domain=domain.codes,
        domain_text=texts_of(domain),
        distinctive=pc.match_substring_regex(locals_of, r"\d").to_numpy(zero_copy_only=False),
    )


def _phones(columns: list[Coded], emails: list[Coded]) -> Values | None:
    for one in emails:
        some = _holding(one, pc.invert(pc.match_substring(one.values, "@")))
        has_letters = pc.match_substring_regex(some.values, normalize.NO_PHONE)
        columns = [*columns, _holding(some, pc.invert(has_letters))]
    coded = beside([recode(one, normalize.phones(one.values)) for one in columns])
    if not len(coded.values):
        return None
    # Numbers that differ in what is before the last nine digits are one.
    packed, of = np.unique(normalize.half_bytes(coded.values), return_inverse=True)
    codes = compact(look_up(of.astype(np.int32), coded.codes))
    return Values(codes, packed, packed=packed)


def _holding(column: Coded, wanted: pa.Array) -> Coded:
    """Keep only some of the distinct values of a column."""
    kept = wanted.to_numpy(zero_copy_only=False)
    numbers = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    return Coded(look_up(numbers, column.codes), column.values.filter(wanted))


def _plain(column: Coded, spaces: str) -> Values:
    values = pc.replace_substring(normalize.words(column.values), " ", spaces)
    coded = recode(column, values)
    return Values(coded.codes.reshape(-1, 1), texts_of(coded), letters_of(coded.values))


def _forget_junk(prepared: Prepared) -> Iterator[str]:
    """Forget values that stand where people had none, as `test@test.com`: all have other names.

    Yields what was forgotten.
    """
    if prepared.names is None:
        return
    family = look_up(prepared.names.sound, prepared.names.family)
    for values in _own_values(prepared):
        counts = np.bincount(values.codes[values.codes >= 0], minlength=len(values.text))
        many = np.append(counts >= _JUNK_COUNT, np.False_)
        rows, places = np.nonzero(many[values.codes])
        if not len(rows):
            continue
        codes = values.codes[rows, places].astype(np.int64)
        names_of = np.unique((codes << 32) | (family[rows] + 1)) >> 32
        different = np.bincount(names_of, minlength=len(values.text))
        junk = many[:-1] & (different > _JUNK_SHARE * counts)
        _drop(values, junk)
        yield from map(_text, values.text[junk].tolist())


def _forget(prepared: Prepared, junk: frozenset[int]) -> None:
    """Forget values that are known to be nobody's."""
    for values in _own_values(prepared) if junk else ():
        known = [hash_of(_text(one)) in junk for one in values.text.tolist()]
        _drop(values, np.array(known, bool))


def _drop(values: Values, junk: NDArray[np.bool_]) -> None:
    values.codes[np.append(junk, np.False_)[values.codes]] = -1
    values.codes = compact(values.codes)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:0{normalize.KEPT_DIGITS}x}"


def _own_values(prepared: Prepared) -> Iterator[Values]:
    """Yield the attributes whose values are, as a rule, one person's or few people's."""
    for values in (prepared.emails, prepared.phones, *prepared.identifiers.values()):
        if values is not None:
            yield values
