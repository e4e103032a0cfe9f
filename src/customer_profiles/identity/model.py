"""An estimated model, to keep and to use again."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, fields
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns.normalize import DatasetStatistics, hash_of
from .explaining import explain
from .matching.scoring import Attribute, Weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .columns.kinds import Kind
    from .explaining import Explanation
    from .matching.comparing import Comparison

_VERSION = 2
_TYPES = {"level_of": np.uint8, "told": np.bool_, "group": np.int64}


@dataclass(frozen=True, slots=True)
class TermFrequencies:
    """How rare values are, for records that the model was not estimated from."""

    rarest: dict[str, int] = field(default_factory=dict)
    """Of each list of values the class of one that two records have: the rarest to agree on."""
    common: dict[int, int] = field(default_factory=dict)
    """Of values that more records have the class, by the hash of their list and text."""

    @classmethod
    def told_by(cls, comparisons: Sequence[Comparison]) -> TermFrequencies:
        """Read off how rare the values of some records are."""
        lists = {one.name: one for it in comparisons for one in it.tfs.values()}
        common = {
            cls.key(one.name, one.text(number)): int(one.of[number])
            for one in lists.values()
            for number in np.flatnonzero(one.is_common(one.of[:-1])).tolist()
        }
        return cls({name: one.rarest for name, one in lists.items()}, common)

    def of(self, name: str, text: str) -> int:
        """Give the class of a value of a list."""
        return self.common.get(self.key(name, text), self.rarest[name])

    @staticmethod
    @lru_cache(100_000)
    def key(name: str, text: str) -> int:
        """Give what a value of a list is known by."""
        return hash_of(f"{name}\0{text}")


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """How much each agreement says, as it was estimated from one set of records."""

    weights: Weights
    kinds: dict[str, Kind]
    """What columns hold whose names do not tell."""
    keys: tuple[tuple[str, ...], ...] = ()
    """What records that match have, as a rule, at least one of in common."""
    facts: DatasetStatistics = field(default_factory=DatasetStatistics)
    tfs: TermFrequencies = field(default_factory=TermFrequencies)

    def __repr__(self) -> str:
        names = ", ".join(one.name for one in self.weights.attributes)
        return f"Model(records={self.weights.records}, attributes=[{names}])"

    def to_json(self) -> str:
        """Write the model as JSON; values of records are in it as hashes only, of common ones."""
        attributes = [
            {one.name: _plain(getattr(attribute, one.name)) for one in fields(attribute)}
            for attribute in self.weights.attributes
        ]
        return json.dumps(
            {
                "version": _VERSION,
                "records": self.weights.records,
                "rates": self.weights.rates.tolist(),
                "kinds": self.kinds,
                "keys": self.keys,
                "facts": {
                    one.name: _plain(getattr(self.facts, one.name)) for one in fields(self.facts)
                },
                "rarest": self.tfs.rarest,
                "common": _packed(self.tfs.common),
                "attributes": attributes,
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Model:
        """Read a model that `to_json` wrote.

        Raises:
            ValueError: the text is no model, or one of another version.
        """
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("version") != _VERSION:
            msg = f"this is no model of version {_VERSION}"
            raise ValueError(msg)
        try:
            return cls._read(found)
        except (KeyError, TypeError) as error:
            msg = "this is no whole model; write it with to_json()"
            raise ValueError(msg) from error

    @classmethod
    def _read(cls, found: dict[str, Any]) -> Model:
        attributes = [
            Attribute(**{name: _array(name, value) for name, value in one.items()})
            for one in found["attributes"]
        ]
        weights = Weights(attributes, found["records"], np.array(found["rates"]))
        told: dict[str, Any] = {
            name: frozenset(it) if isinstance(it, list) else it
            for name, it in found["facts"].items()
        }
        facts = DatasetStatistics(**told)
        tfs = TermFrequencies(found["rarest"], _unpacked(found["common"]))
        return cls(weights, found["kinds"], tuple(map(tuple, found["keys"])), facts, tfs)

    def explain_group(self, ids: Sequence[Any], evidence: bytes) -> list[Explanation]:
        """Explain all pairs of a group that this model found.

        Args:
            ids: the group's ids, in its own order.
            evidence: what `Resolution.evidence` has for the group.

        Raises:
            ValueError: the evidence is not of such a group.
        """
        pairs = list(combinations(map(str, ids), 2))
        size = len(pairs) * len(self.weights.attributes)
        if len(evidence) != size + len(pairs) * np.float16().nbytes:
            msg = "evidence is not of a group with so many ids, found by this model"
            raise ValueError(msg)
        rows = np.frombuffer(evidence[:size], np.uint8).reshape(len(pairs), -1)
        others = np.frombuffer(evidence[size:], np.float16).tolist()
        return [
            explain(self.weights, row, pair, others=bits)
            for row, pair, bits in zip(rows, pairs, others, strict=True)
        ]

    def fitted(self, comparisons: Sequence[Comparison]) -> Weights:
        """Give the weights for the attributes that records have.

        Raises:
            ValueError: the records have an attribute that the model does not know.
        """
        known = {one.name: one for one in self.weights.attributes}
        for one in comparisons:
            if one.name not in known or known[one.name].levels != one.levels:
                msg = f"the model was estimated without the attribute {one.name!r}"
                raise ValueError(msg)
        chosen = [known[one.name] for one in comparisons]
        return Weights(chosen, self.weights.records, self.weights.rates)


def _packed(common: dict[int, int]) -> str:
    hashes, classes = np.array([*common], np.int64), np.array([*common.values()], np.uint8)
    return b64encode(hashes.tobytes() + classes.tobytes()).decode()


def _unpacked(text: str) -> dict[int, int]:
    raw = b64decode(text)
    hashes = np.frombuffer(raw, np.int64, len(raw) // 9).tolist()
    return dict(zip(hashes, raw[8 * len(hashes) :], strict=True))


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return value.tolist() if isinstance(value, np.ndarray) else value


def _array(name: str, value: Any) -> Any:
    if name in {"levels", "told_by"}:
        return tuple(value)
    return np.array(value, _TYPES.get(name, np.float64)) if isinstance(value, list) else value
