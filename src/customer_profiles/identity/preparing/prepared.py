"""Prepare records for blocking and comparison: every attribute as codes over distinct values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa

from . import addresses, names, normalize
from .addresses import Addresses
from .classifying import classify
from .companies import cores, is_company_column
from .kinds import KINDS_OF
from .names import Names
from .normalize import (
    BatchStatistics,
    Coded,
    DatasetStatistics,
    encode,
    encode_visible,
    hash_of,
    look_up,
    pc,
    recode,
    texts_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Executor, Future

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Codes, Integers, Mask, Rows, Texts

    from .classifying import Column
    from .kinds import Kind

Columns = dict[str, pa.Array]
_BATCH = 50_000
"""How many distinct values of small columns are normalized at once."""
_JUNK_COUNT, _JUNK_SHARE = 10, 0.5
"""A value of at least so many records is a placeholder if this share of them differs by name."""


@dataclass(slots=True, kw_only=True)
class Values:
    """The values of an attribute: codes of shape (records, values) into `text`."""

    codes: Codes
    text: Texts
    letters: NDArray[np.uint64]
    """Of each distinct value its letters and digits as a bit set."""


@dataclass(slots=True, kw_only=True)
class Emails(Values):
    """E-mail addresses, with their parts."""

    local: Codes
    """Of each distinct address the code of its local part in `local_text`."""
    local_text: Texts
    domain: Codes
    """Of each distinct address the code of its domain in `domain_text`."""
    domain_text: Texts
    distinctive: Mask
    """Whether the local part has digits; without them it may be no more than a name."""


@dataclass(slots=True, kw_only=True)
class Phones:
    """Phone numbers: codes of shape (records, values) into `packed`."""

    codes: Codes
    packed: NDArray[np.uint64]
    """The last nine digits of each distinct number as BCD."""


_Part = TypeVar("_Part", Names, Emails, Phones, Addresses, Values)
_OF_RECORDS = {
    "names": ("given", "middle", "family", "suffix", "is_company"),
    "emails": ("codes",),
    "phones": ("codes",),
    "addresses": ("street", "number", "core", "line", "city", "state", "postal"),
    "identifiers": ("codes",),
    "texts": ("codes",),
}
"""The fields of each part that have a value for each record, not for each distinct value."""


@dataclass(slots=True)
class Prepared:
    """The records, prepared; attributes without a column are None."""

    count: int
    names: Names | None = None
    warnings: list[str] = field(default_factory=list)
    """What is odd about the values, for people to read."""
    birth: NDArray[np.uint32] | None = None
    """Birth dates as BCD of year, month and day; parts are 0 where unknown."""
    gender: Codes | None = None
    gender_text: Texts | None = None
    emails: Emails | None = None
    phones: Phones | None = None
    addresses: Addresses | None = None
    identifiers: dict[str, Values] = field(default_factory=dict)
    texts: dict[str, Values] = field(default_factory=dict)
    by_kind: dict[Kind, list[str]] = field(default_factory=dict)
    """The names of the columns of each kind."""
    statistics: DatasetStatistics = field(default_factory=DatasetStatistics)
    own_keys: dict[str, tuple[Codes, Texts]] = field(default_factory=dict)
    """Blocking keys that a user defines: codes of shape (records, values), and the values."""
    own_atoms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Blocking keys that a user combines of other atoms."""
    columns: dict[str, Column] = field(default_factory=dict)
    """What each column holds, and how that was found."""

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kinds of all columns."""
        return {name: column.kind for name, column in self.columns.items()}

    def columns_of(self, attribute: str) -> list[str]:
        """Return the names of the columns that an attribute's values come from."""
        kinds = KINDS_OF.get(attribute)
        if kinds is None:
            return [attribute]
        return [name for kind in kinds for name in self.by_kind.get(kind, ())]

    def arrays(self) -> Iterator[NDArray[np.integer]]:
        """Yield all arrays that have a value, or several, for each record."""
        yield from (array for array in (self.birth, self.gender) if array is not None)
        for part, fields in _OF_RECORDS.items():
            values = getattr(self, part)
            for owner in values.values() if isinstance(values, dict) else [values]:
                if owner is not None:
                    yield from (getattr(owner, name) for name in fields)

    def take(self, rows: Rows) -> Prepared:
        """Return these records only."""

        def of(part: str, owner: _Part) -> _Part:
            return replace(
                owner, **{name: getattr(owner, name)[rows] for name in _OF_RECORDS[part]}
            )

        return replace(
            self,
            count=len(rows),
            names=None if self.names is None else of("names", self.names),
            birth=None if self.birth is None else self.birth[rows],
            gender=None if self.gender is None else self.gender[rows],
            emails=None if self.emails is None else of("emails", self.emails),
            phones=None if self.phones is None else of("phones", self.phones),
            addresses=None if self.addresses is None else of("addresses", self.addresses),
            identifiers={name: of("identifiers", own) for name, own in self.identifiers.items()},
            texts={name: of("texts", values) for name, values in self.texts.items()},
            own_keys={name: (codes[rows], text) for name, (codes, text) in self.own_keys.items()},
        )


def prepare(
    columns: Columns,
    kinds: Mapping[str, Kind],
    pool: Executor,
    statistics: DatasetStatistics | None = None,
) -> Prepared:
    """Normalize all columns, several in parallel.

    Args:
        columns: the records.
        kinds: what columns hold, by name; all others are classified by their names and values.
        pool: runs the work.
        statistics: the statistics of another dataset; by default those of these records.
    """
    count = len(next(iter(columns.values()))) if columns else 0
    # The first of several columns takes precedence, whatever the table's order is.
    columns = dict(sorted(columns.items()))
    classified = classify(columns, kinds)
    # A column without values in this batch may have values in others.
    is_batch = isinstance(statistics, BatchStatistics)
    by_kind: dict[Kind, list[str]] = {}
    for name, (kind, _, _) in classified.items():
        if kind != "ignored" and (is_batch or columns[name].null_count < count):
            by_kind.setdefault(kind, []).append(name)

    def of(kind: Kind) -> list[Coded]:
        return [encode_visible(columns[name]) for name in by_kind.get(kind, ())]

    def plain(kind: Kind, separator: str) -> list[Future[dict[str, Values]]]:
        coded = {name: encode_visible(columns[name]) for name in by_kind.get(kind, ())}
        companies = {name: coded.pop(name) for name in firms if name in coded}
        return [
            pool.submit(_plain, batch, separator, are_companies=kept is companies)
            for kept in (coded, companies)
            for batch in _batches(kept)
        ]

    firms = [name for name in by_kind.get("text", ()) if is_company_column(name)]
    people = pool.submit(
        lambda: names.read(
            [of(kind) for kind in names.KINDS],
            count,
            statistics,
            [encode_visible(columns[name]) for name in firms],
        )
    )
    # Either column may hold values of the other.
    emails = pool.submit(lambda: _emails(of("email"), of("phone")))
    phones = pool.submit(lambda: _phones(of("phone"), of("email")))
    postal = pool.submit(lambda: addresses.read(columns, by_kind, count, statistics))
    births = pool.submit(
        lambda: _births(of("birth_date"), by_kind.get("birth_date", []), count, statistics)
    )
    genders = pool.submit(lambda: _genders(of("gender"), count))
    identifiers, texts = plain("identifier", ""), plain("text", " ")
    days_first, birth, warnings = births.result()
    gender = genders.result()
    prepared = Prepared(
        count=count,
        names=people.result(),
        birth=birth,
        warnings=warnings,
        gender=gender.codes if gender else None,
        gender_text=texts_of(gender) if gender else None,
        emails=emails.result(),
        phones=phones.result(),
        addresses=postal.result(),
        identifiers=_joined(identifiers),
        # A text that all records of a dataset share distinguishes none of them.
        texts={
            name: text for name, text in _joined(texts).items() if statistics or len(text.text) > 1
        },
        by_kind=by_kind,
        columns=classified,
    )
    if statistics:
        _drop_known_junk(prepared, statistics.junk)
        prepared.statistics = statistics
        return prepared
    words = prepared.names.words if prepared.names else None
    stop_words = prepared.addresses.stop_words if prepared.addresses else ()
    prepared.statistics = DatasetStatistics(
        days_first,
        frozenset(map(hash_of, stop_words)),
        frozenset(map(hash_of, _drop_junk(prepared))),
        *(words or ()),
    )
    return prepared


def _births(
    columns: list[Coded], names: list[str], count: int, statistics: DatasetStatistics | None
) -> tuple[bool, NDArray[np.uint32] | None, list[str]]:
    """Return whether days come before months, the birth dates, and what is odd about them."""
    if not columns:
        return False, None, []
    column = normalize.first_of(columns, count)
    first, dates = normalize.dates(
        column.values, days_first=statistics.days_first if statistics else None
    )
    births = look_up(dates, column.codes, 0)
    known = births[births > 0]
    unread = np.flatnonzero(dates == 0)
    dates[unread] = [
        normalize.damaged_date(text, days_first=first)
        for text in column.values.take(pa.array(unread)).to_pylist()
    ]
    births = look_up(dates, column.codes, 0)
    late, early = int((known > normalize.LATE).sum()), int((known < normalize.EARLY).sum())
    # Where most people were born so early, the table is of such people.
    early = early if early <= len(known) / 2 else 0
    if not late and not early:
        return first, births, []
    warning = (
        f"column {' and '.join(map(repr, names))}: of {len(known)} birth dates, {early} are before "
        f"1900 and {late} after today; if they stand for unknown dates, remove them before records "
        f'are matched, or pass kinds={{"{names[0]}": "text"}} if these are not birth dates'
    )
    return first, births, [warning]


def _genders(columns: list[Coded], count: int) -> Coded | None:
    if not columns:
        return None
    column = normalize.first_of(columns, count)
    return recode(column, pc.utf8_slice_codeunits(normalize.words(column.values), 0, 1))


def _emails(columns: list[Coded], phones: list[Coded]) -> Emails | None:
    columns = columns + [
        _filter(column, pc.match_substring(column.values, "@")) for column in phones
    ]
    merged = normalize.merge(
        [recode(column, normalize.emails(column.values)) for column in columns]
    )
    if not len(merged.values):
        return None
    locals_, domains = normalize.split_emails(merged.values)
    local, domain = encode(locals_), encode(domains)
    return Emails(
        codes=merged.codes,
        text=texts_of(merged),
        letters=normalize.letters_of(merged.values),
        local=local.codes,
        local_text=texts_of(local),
        domain=domain.codes,
        domain_text=texts_of(domain),
        distinctive=pc.match_substring_regex(locals_, r"\d").to_numpy(zero_copy_only=False),
    )


def _phones(columns: list[Coded], emails: list[Coded]) -> Phones | None:
    columns = columns + [
        _filter(column, pc.invert(pc.match_substring_regex(column.values, normalize.NO_PHONE)))
        for column in emails
    ]
    merged = normalize.merge(
        [recode(column, normalize.phones(column.values)) for column in columns]
    )
    if not len(merged.values):
        return None
    # Numbers are equal if their last nine digits are.
    packed, numbers = np.unique(normalize.bcd(merged.values), return_inverse=True)
    codes = normalize.compact(look_up(numbers.astype(np.int32), merged.codes))
    return Phones(codes=codes, packed=packed)


def _filter(column: Coded, mask: pa.BooleanArray) -> Coded:
    """Keep only some of the distinct values of a column."""
    kept = mask.to_numpy(zero_copy_only=False)
    numbers = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    return Coded(look_up(numbers, column.codes), column.values.filter(mask))


def _batches(columns: Mapping[str, Coded]) -> Iterator[dict[str, Coded]]:
    """Divide columns into batches of some thousand distinct values, or of one large column."""
    batch: dict[str, Coded] = {}
    size = 0
    for name, column in columns.items():
        batch[name] = column
        size += len(column.values)
        if size >= _BATCH:
            yield batch
            batch, size = {}, 0
    if batch:
        yield batch


def _plain(
    columns: Mapping[str, Coded], separator: str, *, are_companies: bool
) -> dict[str, Values]:
    """Normalize the values of several columns at once: each call of Arrow takes a millisecond."""
    joined = pa.concat_arrays([column.values for column in columns.values()])
    values = normalize.words(joined)
    values = cores(values) if are_companies else pc.replace_substring(values, " ", separator)
    result, start = {}, 0
    for name, column in columns.items():
        size = len(column.values)
        encoded = recode(column, values.slice(start, size))
        start += size
        result[name] = Values(
            codes=encoded.codes.reshape(-1, 1),
            text=texts_of(encoded),
            letters=normalize.letters_of(encoded.values),
        )
    return result


def _joined(batches: list[Future[dict[str, Values]]]) -> dict[str, Values]:
    return {name: values for batch in batches for name, values in batch.result().items()}


def _drop_junk(prepared: Prepared) -> Iterator[str]:
    """Drop placeholders such as `test@test.com`, which many people of different names share.

    Yields:
        The values that were dropped.
    """
    if prepared.names is None:
        return
    family = look_up(prepared.names.sound, prepared.names.family)
    for values in _personal_values(prepared):
        distinct = _distinct(values)
        counts = np.bincount(values.codes[values.codes >= 0], minlength=len(distinct))
        is_frequent = np.append(counts >= _JUNK_COUNT, np.False_)
        rows, columns = np.nonzero(is_frequent[values.codes])
        if not len(rows):
            continue
        codes = values.codes[rows, columns].astype(np.int64)
        value_of_name = np.unique((codes << 32) | (family[rows] + 1)) >> 32
        name_counts = np.bincount(value_of_name, minlength=len(distinct))
        junk = are_junk(counts, name_counts)
        _drop(values, junk)
        yield from map(_text, distinct[junk].tolist())


def are_junk(counts: Integers, names: Integers) -> Mask:
    """Return which values are placeholders.

    Args:
        counts: how many records have each value.
        names: how many different family names these records have.
    """
    junk: Mask = (counts >= _JUNK_COUNT) & (names > _JUNK_SHARE * counts)
    return junk


def _drop_known_junk(prepared: Prepared, junk: frozenset[int]) -> None:
    for values in _personal_values(prepared) if junk else ():
        texts = map(_text, _distinct(values).tolist())
        _drop(values, np.array([hash_of(text) in junk for text in texts], bool))


def texts_by_value(values: Values | Phones) -> list[str]:
    """Return the text of each distinct value, as placeholders are stored."""
    return [*map(_text, _distinct(values).tolist())]


def _distinct(values: Values | Phones) -> Texts | NDArray[np.uint64]:
    return values.packed if isinstance(values, Phones) else values.text


def _text(value: str | int) -> str:
    return value if isinstance(value, str) else f"{value:0{normalize.KEPT_DIGITS}x}"


def _drop(values: Values | Phones, is_junk: Mask) -> None:
    values.codes[np.append(is_junk, np.False_)[values.codes]] = -1
    values.codes = normalize.compact(values.codes)


def _personal_values(prepared: Prepared) -> Iterator[Values | Phones]:
    """Yield the attributes whose values usually belong to one person or to few."""
    for values in (prepared.emails, prepared.phones, *prepared.identifiers.values()):
        if values is not None:
            yield values
