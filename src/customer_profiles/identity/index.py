"""Matching one record against many that are stored."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from . import blocking
from .blocking import MOST_HELD
from .explaining import explain
from .keys import keys_of
from .pair import Scorer
from .prepared import prepare
from .reading import read as read_columns
from .record import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from .explaining import Explanation
    from .model import Model
    from .reading import Records

_MOST_COMPARED = 24


def lasting_keys(records: Records, model: Model) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Give the keys that many records are found by, each with its record's number, from 0.

    They are those that `Index.keys` gives of each record.
    """
    _, columns = read_columns(records)
    with ThreadPoolExecutor(1) as pool:
        prepared = prepare(columns, model.kinds, pool, model.facts)
    parts = list(blocking.lasting(prepared, model.keys))
    keys = np.concatenate([np.empty(0, np.uint64), *(keys for keys, _ in parts)])
    return keys, np.concatenate([np.empty(0, np.int64), *(rows for _, rows in parts)])


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


class Index:
    """Stored records, wherever they are, to match one new record against."""

    def __init__(
        self,
        model: Model,
        holders: Callable[[Iterable[int]], Iterable[Sequence[Any]]],
        records: Callable[[Sequence[Any]], Iterable[tuple[Any, Mapping[str, Any]]]],
    ) -> None:
        """Make the index of a store.

        Args:
            model: what was estimated from the stored records, or from others like them.
            holders: gives, for each key that any has, the ids of the records that have it; of a
                key that more than `MOST_HELD` have, any number above that.
            records: gives records by their ids.
        """
        self._model, self._holders, self._records = model, holders, records
        self._scorer = Scorer(model)

    def keys(self, record: Mapping[str, Any]) -> set[int]:
        """Give the keys, numbers of 64 bits, under which a record is found."""
        return keys_of(self._read(record), self._model.keys)

    def find(
        self, record: Mapping[str, Any], *, least: float = 0.5, limit: int = 10
    ) -> list[Candidate]:
        """Find the stored records that may be the same person's, the most probable first.

        Args:
            record: the new record's values by column.
            least: the least probability.
            limit: how many at the most.
        """
        new = self._read(record)
        shared = Counter[Any]()
        for ids in self._holders(keys_of(new, self._model.keys)):
            if len(ids) <= MOST_HELD:
                shared.update(ids)
        # Those that share the most keys are as a rule the ones.
        ranked = sorted(shared.items(), key=lambda one: (-one[1], one[0]))
        chosen = [one for one, _ in ranked[:_MOST_COMPARED]]
        found = []
        for one, stored in self._records(chosen):
            codes = self._scorer.codes(new, self._read(stored))
            probability = self._scorer.probability(codes)
            if probability >= least:
                found.append(Candidate(one, probability, self._model, codes))
        return sorted(found, key=lambda one: -one.probability)[:limit]

    def _read(self, record: Mapping[str, Any]) -> Any:
        return read(record, self._model.kinds, self._model.facts)
