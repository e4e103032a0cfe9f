"""Rows that are equal in all that is compared: two records stand for all of them.

Three hundred copies of one row would outweigh all other pairs in estimation, and four hundred of
them exceed the limit of a group. Equal rows are copies only if what they hold identifies somebody:
many rows that hold only the same common name are different people, and nobody can tell which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import clusters
from .blocking import hashes_of_rows, locate, pack, unpack
from .contents import agreement
from .term_frequency import PRIOR_SHARES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Floats, Hashes, Mask, Rows
    from customer_profiles.identity.preparing.prepared import Prepared

FEWEST = 10
"""Up to so many equal rows are compared as others are."""
_MARGIN = 13
"""Bits beyond those that tell as many people apart as there are rows."""
_MOST_TEXT = 13
MOST_LISTED = 20
"""Of up to so many copies all pairs are listed, of more the pairs of the first copy."""
_SHARED_BY_FEW, _ENOUGH_TEXTS = 2, 20
"""A text identifies if a value is shared by 4 rows at most, in the mean: 2 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMap:
    """Which of the table's rows are compared as records, and which are copies of them."""

    row_of: Rows
    """The row of each record."""
    record_of: Rows
    """The record of each row; that of a copy is its first equal."""
    copies: Rows
    """The rows that are not compared."""
    first: Rows
    """For each of these, the first record that is equal."""
    second: Rows
    """The second one."""
    ambiguous: Rows
    """Records that are equal to many others and identify nobody: they are not matched."""

    def labels(self, label: Rows) -> Rows:
        """Return the first row of each row's group, from the group of each record."""
        group = label[self.record_of]
        apart = self._apart(label)
        group[self.copies[apart]] = len(label) + np.flatnonzero(apart)
        rows = np.arange(len(group))
        first = np.full(len(label) + len(self.copies), len(group))
        np.minimum.at(first, group, rows)
        return first[group]

    def spread(self, label: Rows, confidence: Floats) -> NDArray[np.float64]:
        """Return the confidence of each row's group, from that of each record."""
        result = confidence[self.record_of].astype(float)
        result[self.copies[self._apart(label)]] = 1.0
        return result

    def _apart(self, label: Rows) -> Mask:
        """Return which copies are alone, because their equals are not one group."""
        apart: Mask = label[self.first] != label[self.second]
        return apart

    def pairs(self, pairs: Hashes, probability: Floats) -> tuple[Hashes, Floats]:
        """Return pairs of rows with their probability, from pairs of records.

        All pairs of a row with up to 20 copies are returned; of a row with more copies only the
        first copy has pairs with other rows and with the other copies.
        """
        by_pair = np.argsort(pairs) if len(self.copies) else np.arange(len(pairs))
        pairs, probability = pairs[by_pair], probability[by_pair]
        i, j = unpack(pairs)
        found = [np.stack([self.row_of[i], self.row_of[j]])]
        probabilities = [probability]
        if len(self.copies):
            for left, right, own in self._copied(pairs, i, j):
                found.append(np.stack([left, right]))
                probabilities.append(probability[own])
        left, right = np.concatenate(found, axis=1)
        packed = pack(np.minimum(left, right), np.maximum(left, right))
        return packed, np.concatenate(probabilities)

    def _copied(self, pairs: Hashes, i: Rows, j: Rows) -> list[tuple[Rows, Rows, Rows]]:
        """Return the pairs of copies: their rows, and the pair of records that is equal."""
        by = np.argsort(self.first, kind="stable")
        copies, first, second = self.copies[by], self.first[by], self.second[by]
        sizes = np.bincount(first, minlength=len(self.row_of))
        starts = np.cumsum(sizes) - sizes
        low, high = np.minimum(first, second), np.maximum(first, second)
        at, known = locate(pairs, pack(low, high))
        copies, first, at = copies[known], first[known], at[known]
        result = [(self.row_of[first], copies, at)]
        listed = sizes[first] + 2 <= MOST_LISTED
        label = np.arange(len(self.record_of))
        label[copies[listed]] = len(label) + first[listed]
        numbers = np.unique(label, return_inverse=True)[1]
        among = clusters.inside(numbers, MOST_LISTED)
        pair_of = np.zeros(len(label), np.int64)
        pair_of[copies] = at
        result.append((*among, pair_of[among[0]]))
        # A pair of other records is a pair of each of their copies, too.
        few = np.where(sizes + 2 <= MOST_LISTED, sizes, 0)
        left, right = few[i] + 1, few[j] + 1
        own = np.repeat(np.arange(len(i)), left * right)
        ends = np.cumsum(left * right)
        within = np.arange(len(own)) - np.repeat(ends - left * right, left * right)
        kept = within > 0
        own, within = own[kept], within[kept]
        a, b = within // right[own], within % right[own]
        every = self.copies[by]

        def rows(records: Rows, nth: Rows) -> Rows:
            copy = np.minimum(starts[records] + np.maximum(nth - 1, 0), len(every) - 1)
            return np.where(nth > 0, every[copy], self.row_of[records])

        result.append((rows(i[own], a), rows(j[own], b), own))
        return result

    def compared(self, i: Rows, j: Rows) -> Hashes:
        """Return the pair of records that stands for each pair of rows."""
        left, right = self.record_of[i], self.record_of[j]
        second = np.arange(len(self.row_of))
        second[self.first] = self.second
        right = np.where(left == right, second[right], right)
        return pack(np.minimum(left, right), np.maximum(left, right))


def without_copies(
    prepared: Prepared, order: Rows, classes: Rows | None = None, *, keep_all: bool = False
) -> tuple[Prepared, RowMap]:
    """Leave out the third and further of many equal rows that identify somebody.

    Args:
        prepared: all rows.
        order: the row of the table that each of them is.
        classes: a number for each row of the table; rows with different numbers are no copies.
        keep_all: whether to leave out none.
    """
    count = prepared.count
    columns = (values for array in prepared.arrays() for values in array.reshape(count, -1).T)
    content = hashes_of_rows(columns, count)
    by = np.argsort(content, kind="stable")
    starts = np.flatnonzero(np.append(True, content[by][1:] != content[by][:-1])[:count])
    sizes = np.diff(np.append(starts, count))
    many = np.flatnonzero(sizes > (count if keep_all else FEWEST))
    distinct = by[starts]
    shared = {name: agreement(text.codes[distinct, 0]) for name, text in prepared.texts.items()}
    identifies = identify(prepared.take(distinct[many]), shared, len(distinct), count)
    of_class = np.repeat(np.arange(len(sizes)), sizes)
    ambiguous = by[np.isin(of_class, many[~identifies])]
    may_be_copies = np.isin(of_class, many[identifies])
    by, of_class = by[may_be_copies], of_class[may_be_copies]
    number = np.zeros(len(by), np.int64) if classes is None else classes[order[by]]
    by_number = np.lexsort((number, of_class))
    by, of_class, number = by[by_number], of_class[by_number], number[by_number]
    differs = (of_class[1:] != of_class[:-1]) | (number[1:] != number[:-1])
    starts = np.flatnonzero(np.append(True, differs)[: len(by)])
    sizes = np.diff(np.append(starts, len(by)))
    many = np.flatnonzero(sizes > 2)  # noqa: PLR2004  (two are compared)
    record_of, kept = np.arange(count), np.ones(count, bool)
    first = second = copies = np.empty(0, np.int64)
    if len(many):
        left_out = sizes[many] - 2
        nth = np.arange(left_out.sum()) - np.repeat(np.cumsum(left_out) - left_out, left_out)
        start = np.repeat(starts[many], left_out)
        copies, first, second = by[start + 2 + nth], by[start], by[start + 1]
        kept[copies] = False
        number = np.cumsum(kept) - 1
        first, second = number[first], number[second]
        record_of = number
        record_of[copies] = first
        ambiguous = number[ambiguous]
        prepared = prepared.take(np.flatnonzero(kept))
    of_rows = np.empty(count, np.int64)
    of_rows[order] = record_of
    return prepared, RowMap(
        row_of=order[kept],
        record_of=of_rows,
        copies=order[copies],
        first=first,
        second=second,
        ambiguous=np.sort(ambiguous),
    )


def identify(prepared: Prepared, shared: Mapping[str, float], distinct: int, count: int) -> Mask:
    """Return whether what rows hold is too rare for two people to share it all.

    Args:
        prepared: the rows.
        shared: the probability that two different rows share a text, by column.
        distinct: the number of different rows of the table.
        count: the number of all its rows.
    """
    sure, bits = np.zeros(prepared.count, bool), np.zeros(prepared.count)
    for values in (prepared.emails, prepared.phones, *prepared.identifiers.values()):
        if values is not None:
            sure |= (values.codes >= 0).any(axis=1)

    def add(name: str, present: Mask) -> None:
        bits[present] -= np.log2(PRIOR_SHARES[name])

    if (names := prepared.names) is not None:
        for part in ("given", "middle", "family"):
            codes = getattr(names, part)
            add(part, (codes >= 0) & (names.length[codes] > 1))
    if prepared.birth is not None:
        add("birth", np.asarray(prepared.birth & 0xFF > 0))
    if (addresses := prepared.addresses) is not None:
        street, postal, city = (
            np.asarray((codes >= 0).any(axis=1))
            for codes in (addresses.street, addresses.postal, addresses.city)
        )
        add("street", street)
        add("postal", postal)
        add("city", city & ~postal)
    for name, text in prepared.texts.items():
        present = text.codes[:, 0] >= 0
        bits[present] += min(-np.log2(max(shared[name], 1e-9)), _MOST_TEXT)
        if distinct >= _ENOUGH_TEXTS and shared[name] * distinct <= 1 << _SHARED_BY_FEW:
            sure |= present
    identifies: Mask = sure | (bits >= np.log2(max(count, 1)) + _MARGIN)
    return identifies


def nothing_identifies(prepared: Prepared) -> bool:
    """Return whether the columns together cannot tell people apart, as names of towns cannot."""
    if prepared.emails or prepared.phones or prepared.identifiers:
        return False
    names, addresses = prepared.names, prepared.addresses
    personal = (
        names is not None and (names.given >= 0).any(),
        names is not None and (names.family >= 0).any(),
        prepared.birth is not None and (prepared.birth > 0).any(),
        addresses is not None and (addresses.street >= 0).any(),
    )
    shared = [agreement(text.codes[:, 0]) for text in prepared.texts.values()]
    return little_identifies(sum(map(bool, personal)), shared, prepared.count)


def little_identifies(personal: int, shared: Sequence[float], count: int) -> bool:
    """Return whether columns without e-mails, phones and identifiers cannot tell people apart.

    Args:
        personal: how many columns of names, birth dates and streets there are.
        shared: the probability that two records share a text, for each column of text.
        count: the number of records.
    """
    bits = -np.log2(np.maximum(shared, 1e-9)).sum()
    return personal <= 1 and bool(bits < np.log2(max(count, 1)) - _SHARED_BY_FEW)
