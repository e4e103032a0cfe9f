"""Matching one record against many that are stored."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .columns.prepared import prepare
from .columns.reading import read as read_columns
from .explaining import explain
from .matching import blocking
from .matching.blocking import MOST_HELD
from .single.compare import Scorer
from .single.keys import keys_of
from .single.record import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from .columns.reading import Records
    from .explaining import Explanation
    from .model import Model

_MOST_COMPARED = 12


def lasting_keys(records: Records, model: Model) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Give the keys that many records are found by, each with its record's number, from 0.

    They are those that `Index.keys` gives of each record, but for nicknames of more than five
    formal names, of which these are the commonest.
    """
    _, columns = read_columns(records)
    with ThreadPoolExecutor(1) as pool:
        prepared = prepare(columns, model.kinds, pool, model.facts)
    return _together(blocking.lasting(prepared, model.keys))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored record that may be the same person's."""

    id: Any
    """The stored record's id."""
    probability: float
    """How probable it is that both are one person's."""
    _model: Model = field(repr=False, compare=False)
    _codes: Sequence[int] = field(repr=False, compare=False)

    def explain(self) -> Explanation:
        """Say why, attribute by attribute; no values of the records are shown."""
        codes = np.array(self._codes, np.uint8)
        return explain(self._model.weights, codes, ("the new record", str(self.id)))


class Stored(Protocol):
    """Records, wherever they are kept."""

    def holders(self, keys: Iterable[int], most: int, /) -> Iterable[Sequence[Any]]:
        """Give, for each key that any has, the ids of the records that have it, up to so many."""
        ...

    def records(self, ids: Sequence[Any], /) -> Iterable[tuple[Any, Mapping[str, Any]]]:
        """Give records by their ids, each with the id by which it is told."""
        ...


class Index:
    """Matches new records against stored ones.

    Whoever keeps the records also keeps by which keys they are found: `lasting_keys` gives those
    of many, `keys` those of one.
    """

    def __init__(self, model: Model) -> None:
        """Make an index by a model that was estimated from the stored records, or from others."""
        self._model, self._scorer = model, Scorer(model)

    def keys(self, record: Mapping[str, Any]) -> set[int]:
        """Give the keys, numbers of 64 bits, under which a record is found."""
        return keys_of(self._read(record), self._model.keys)

    def find(
        self, record: Mapping[str, Any], stored: Stored, *, least: float = 0.5, limit: int = 10
    ) -> list[Candidate]:
        """Find the stored records that may be the same person's, the most probable first.

        Args:
            record: the new record's values by column.
            stored: the stored records.
            least: the least probability.
            limit: how many at the most.
        """
        if not 0 <= least <= 1 or limit < 1:
            msg = "least is a probability from 0 to 1, and limit at least 1"
            raise ValueError(msg)
        new = self._read(record)
        shared = Counter[Any]()
        for ids in stored.holders(keys_of(new, self._model.keys), MOST_HELD + 1):
            # What too many have says nothing.
            if len(ids) <= MOST_HELD:
                shared.update(ids)
        # Those that share the most keys are as a rule the ones.
        ranked = sorted(shared.items(), key=lambda one: (-one[1], one[0]))
        chosen = [one for one, _ in ranked[:_MOST_COMPARED]]
        found = []
        for one, values in stored.records(chosen):
            codes = self._scorer.codes(new, self._read(values))
            probability = self._scorer.probability(codes)
            if probability >= least:
                found.append(Candidate(one, probability, self._model, codes))
        return sorted(found, key=lambda one: -one.probability)[:limit]

    def _read(self, record: Mapping[str, Any]) -> Any:
        return read(record, self._model.kinds, self._model.facts)


class InMemory:
    """Records that are kept as columns."""

    def __init__(
        self, ids: Any, columns: Mapping[str, Any], keys: Iterable[tuple[Any, Any]]
    ) -> None:
        """Keep records.

        Args:
            ids: their ids.
            columns: their values.
            keys: keys and the numbers of the records that have them.
        """
        self._ids, self._columns = ids, columns
        self._keys, self._rows = _together(keys)
        order = np.argsort(self._keys)
        self._keys, self._rows = self._keys[order], self._rows[order]

    def holders(self, keys: Iterable[int], most: int) -> Iterable[Sequence[int]]:
        """Give the numbers of the records that have each key."""
        wanted = np.array(list(keys), np.uint64)
        starts = np.searchsorted(self._keys, wanted).tolist()
        ends = np.searchsorted(self._keys, wanted, side="right").tolist()
        return [
            self._rows[start : min(end, start + most)].tolist()
            for start, end in zip(starts, ends, strict=True)
        ]

    def records(self, numbers: Sequence[int]) -> Iterable[tuple[Any, Mapping[str, Any]]]:
        """Give records with their ids."""
        for number in numbers:
            values = {name: column[number].as_py() for name, column in self._columns.items()}
            yield self._ids[number].as_py(), values


def _together(
    keys: Iterable[tuple[Any, Any]],
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    parts = list(keys)
    numbers = np.concatenate([np.empty(0, np.uint64), *(one for one, _ in parts)])
    return numbers, np.concatenate([np.empty(0, np.int64), *(rows for _, rows in parts)])
