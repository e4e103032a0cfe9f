"""Matching one record against many stored records."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .explaining import explain
from .matching import blocking
from .matching.blocking import MOST_HELD
from .preparing.prepared import prepare
from .preparing.reading import read as read_columns
from .single.compare import Scorer
from .single.keys import keys_of
from .single.record import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from .arrays import Hashes, Rows
    from .explaining import Explanation
    from .model import Model
    from .preparing.reading import Records
    from .single.record import Record

_MOST_COMPARED, _MOST_OF_SOURCES = 12, 48


def lasting_keys(records: Records, model: Model) -> tuple[Hashes, Rows]:
    """Return the blocking keys of many records, by which a new record finds them.

    They are the keys that `Index.keys` returns for each record, except that of nicknames with more
    than five formal names only the five most common are used.

    Args:
        records: the records, in any form that `resolve` accepts.
        model: the model of the index.

    Returns:
        The keys, and the number of each key's record, counted from 0.
    """
    _, columns = read_columns(records)
    with ThreadPoolExecutor(1) as pool:
        prepared = prepare(columns, model.kinds, pool, model.statistics)
    model.own.add_keys(prepared, columns)
    return _joined(blocking.lasting(prepared, model.keys))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored record that may belong to the same person."""

    id: Any
    """The stored record's id."""
    probability: float
    """The probability that both records belong to one person."""
    _model: Model = field(repr=False, compare=False)
    _codes: Sequence[int] = field(repr=False, compare=False)

    def explain(self) -> Explanation:
        """Explain the probability, attribute by attribute, without the records' values."""
        codes = np.array(self._codes, np.uint8)
        return explain(self._model.weights, codes, ("the new record", str(self.id)))


class Stored(Protocol):
    """A store of records that can be looked up by key."""

    def holders(self, keys: Iterable[int], most: int, /) -> Iterable[Sequence[Any]]:
        """Return the ids of the records that have each key, at most `most` for one key.

        Keys that no record has may be left out.
        """
        ...

    def records(self, ids: Sequence[Any], /) -> Iterable[tuple[Any, Mapping[str, Any]]]:
        """Return records by these ids, each with the id that candidates should show."""
        ...


class Index:
    """Matches new records against stored records.

    The store also keeps the keys by which its records are found: `lasting_keys` computes those of
    many records, `keys` those of one.
    """

    def __init__(self, model: Model) -> None:
        """Make an index by a model that was estimated from the stored records, or from others."""
        if model.own and not model.weights.attributes:
            msg = (
                "a model of splink has no term frequencies before it has seen records: use the "
                "model of resolve(records, model=model)"
            )
            raise ValueError(msg)
        self._model, self._scorer = model, Scorer(model)

    def keys(self, record: Mapping[str, Any]) -> set[int]:
        """Return the keys by which a record is found, as unsigned 64-bit numbers."""
        return keys_of(self._read(record), self._model.keys)

    def find(
        self, record: Mapping[str, Any], stored: Stored, *, least: float = 0.5, limit: int = 10
    ) -> list[Candidate]:
        """Find stored records that may belong to the same person, the most probable first.

        Candidates of equal probability are in the order of their ids.

        Args:
            record: the new record's values by column.
            stored: the stored records.
            least: the least probability.
            limit: the greatest number of candidates.

        Raises:
            ValueError: `least` or `limit` is out of range.
        """
        if not 0 <= least <= 1 or limit < 1:
            msg = "least is a probability from 0 to 1, and limit at least 1"
            raise ValueError(msg)
        new = self._read(record)
        shared = Counter[Any]()
        for ids in stored.holders(keys_of(new, self._model.keys), MOST_HELD + 1):
            # A key that too many records have does not discriminate.
            if len(ids) <= MOST_HELD:
                shared.update(ids)
        # The records that share the most keys are usually the matches.
        ranked = sorted(shared.items(), key=lambda item: (-item[1], item[0]))
        rules = self._model.sources
        most = _MOST_COMPARED if rules is None else _MOST_OF_SOURCES
        chosen = [stored_id for stored_id, _ in ranked[:most]]
        candidates = []
        for shown_id, values in stored.records(chosen):
            if rules is not None and rules.forbid(record, values):
                continue
            known = self._read(values)
            if new.is_company != known.is_company:
                continue
            codes = self._scorer.codes(new, known)
            probability = self._scorer.probability(codes)
            if probability >= least:
                candidates.append(Candidate(shown_id, probability, self._model, codes))
        candidates.sort(key=lambda candidate: (-candidate.probability, str(candidate.id)))
        return candidates[:limit]

    def _read(self, record: Mapping[str, Any]) -> Record:
        normal = read(record, self._model.kinds, self._model.statistics)
        return normal._replace(own=self._model.own.values(record)) if self._model.own else normal


class InMemory:
    """A store of records in columns; its internal ids are row numbers."""

    def __init__(
        self,
        ids: pa.Array,
        columns: Mapping[str, pa.ChunkedArray],
        keys: Iterable[tuple[Hashes, Rows]],
    ) -> None:
        """Make a store from the records' ids, values, and keys with the rows that have them."""
        self._ids, self._columns = ids, columns
        self._keys, self._rows = _joined(keys)
        order = np.argsort(self._keys)
        self._keys, self._rows = self._keys[order], self._rows[order]

    def holders(self, keys: Iterable[int], most: int) -> Iterable[Sequence[int]]:
        """Return the rows that have each key."""
        wanted = np.array(list(keys), np.uint64)
        starts = np.searchsorted(self._keys, wanted).tolist()
        ends = np.searchsorted(self._keys, wanted, side="right").tolist()
        return [
            self._rows[start : min(end, start + most)].tolist()
            for start, end in zip(starts, ends, strict=True)
        ]

    def records(self, rows: Sequence[int]) -> Iterable[tuple[Any, Mapping[str, Any]]]:
        """Return rows with their ids."""
        for row in rows:
            values = {name: column[row].as_py() for name, column in self._columns.items()}
            yield self._ids[row].as_py(), values


def _joined(keys: Iterable[tuple[Hashes, Rows]]) -> tuple[Hashes, Rows]:
    parts = list(keys)
    hashes = np.concatenate([np.empty(0, np.uint64), *(part for part, _ in parts)])
    return hashes, np.concatenate([np.empty(0, np.int64), *(rows for _, rows in parts)])
