"""An estimated model, which can be stored as JSON and used again."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .explaining import explain_pairs
from .matching.comparing import adapted
from .matching.matcher import LARGEST
from .matching.scoring import Attribute, Weights
from .own.definitions import Definitions
from .own.keys import OwnKey
from .own.splink import NO_RELATED, Splink
from .own.sql import Compiled
from .preparing.normalize import DatasetStatistics, hash_of
from .sources import SourceRules

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from .explaining import Explanation
    from .matching.comparing import Comparison
    from .own.comparisons import Comparison as OwnComparison
    from .own.comparisons import OwnKind
    from .own.keys import BlockingKey
    from .preparing.kinds import Kind

    Json = dict[str, Any]

_VERSION = 4
_READABLE = (2, 3, 4)
# Names of version 2.
_RENAMED = {
    "facts": "statistics",
    "told": "has_tf",
    "told_by": "implied_by",
    "raw": "observed",
    "levels_chance": "chance",
}
_TYPES = {"level_of": np.uint8, "has_tf": np.bool_, "group": np.int64}


@dataclass(frozen=True, slots=True)
class TermFrequencies:
    """Term-frequency classes of values, for records that the model was not estimated from."""

    rarest: dict[str, int] = field(default_factory=dict)
    """By vocabulary, the class of a value that two records have: the rarest to agree on."""
    common: dict[int, int] = field(default_factory=dict)
    """The classes of more frequent values, by the hash of vocabulary and text."""

    @classmethod
    def counted_by(cls, comparisons: Sequence[Comparison]) -> TermFrequencies:
        """Collect the term frequencies that comparisons counted."""
        counted = {
            tf.name: tf for comparison in comparisons for tf in comparison.term_frequencies.values()
        }
        common = {
            cls.key(tf.name, tf.text(number)): int(tf.class_of[number])
            for tf in counted.values()
            for number in np.flatnonzero(tf.class_of[:-1] <= tf.common).tolist()
        }
        return cls({name: tf.rarest for name, tf in counted.items()}, common)

    def class_of(self, name: str, text: str) -> int:
        """Return the class of a value of a vocabulary."""
        return self.common.get(self.key(name, text), self.rarest[name])

    @staticmethod
    @lru_cache(100_000)
    def key(name: str, text: str) -> int:
        """Return the key of a value in `common`."""
        return hash_of(f"{name}\0{text}")


class StoredLabel(NamedTuple):
    """A labelled pair that a model learned from."""

    left: int
    """The hash of a record's id."""
    right: int
    """The hash of the other record's id."""
    match: bool
    codes: bytes
    """The pair's code for each attribute, from which the label can be learned again."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The weight of each agreement, estimated from one set of records."""

    weights: Weights
    kinds: dict[str, Kind]
    """What the columns hold."""
    keys: tuple[tuple[str, ...], ...] = ()
    """Blocking keys: nearly all matching records share a value of at least one of them."""
    statistics: DatasetStatistics = field(default_factory=DatasetStatistics)
    term_frequencies: TermFrequencies = field(default_factory=TermFrequencies)
    own: Definitions = field(default_factory=Definitions)
    """Comparisons and blocking keys that a user defines."""
    sources: SourceRules | None = None
    """How records of several sources are linked."""
    labels: tuple[StoredLabel, ...] = ()
    """The labels that the model learned from, which stay links of the records that have the ids."""
    chosen_keys: tuple[tuple[str, ...], ...] = ()
    """The blocking keys that were chosen to find pairs of many records; empty if all are used."""

    def __repr__(self) -> str:
        attributes = self.weights.attributes or self.own.compared
        names = ", ".join(attribute.name for attribute in attributes)
        return f"Model(records={self.weights.records}, attributes=[{names}])"

    @property
    def implied_by(self) -> dict[str, tuple[str, ...]]:
        """For each attribute, the attributes that determine it."""
        return {attribute.name: attribute.implied_by for attribute in self.weights.attributes}

    def to_json(self) -> str:
        """Return the model as JSON, which holds values of records only as hashes."""
        return json.dumps(
            {
                "version": _VERSION,
                "records": self.weights.records,
                "rates": self.weights.rates.tolist(),
                "kinds": self.kinds,
                "keys": self.keys,
                "chosen_keys": self.chosen_keys,
                "statistics": asdict(self.statistics),
                "rarest": self.term_frequencies.rarest,
                "common": _packed(self.term_frequencies.common),
                "attributes": [_stored(attribute) for attribute in self.weights.attributes],
                "own": self.own.named(),
                "sources": self.sources,
                "labels": [
                    [left, right, match, b64encode(codes).decode()]
                    for left, right, match, codes in self.labels
                ],
            },
            default=_plain,
        )

    @classmethod
    def from_splink(cls, source: str | Path | Mapping[str, Any]) -> Model:
        """Read a model of splink 4 or 5, to run it here: `resolve(records, model=model)`.

        Its comparisons, weights, term-frequency adjustments and blocking rules are used as they
        are, on the values as they are; DuckDB evaluates their SQL. Models of splink know no related
        pairs, so groups are joined as for other models, but probabilities are those of splink.

        Args:
            source: the file that splink's `save_model_to_json` wrote, or its settings as a dict.

        Raises:
            ValueError: the settings cannot be used; the message says why.
        """
        splink = Splink.read(source)
        weights = Weights([], 0, np.array([splink.prior, NO_RELATED]))
        return cls(weights, {}, own=Definitions(splink=splink))

    @classmethod
    def from_json(
        cls,
        text: str | bytes,
        *,
        comparisons: Sequence[OwnComparison] = (),
        blocking: Sequence[BlockingKey] = (),
        kinds: Mapping[str, Kind | OwnKind] | None = None,
    ) -> Model:
        """Read a model that `to_json` wrote, in this version of its format or in an earlier one.

        A model stores the names of comparisons, kinds and functions of your own, but no functions:
        pass the same ones as to `resolve`.

        Args:
            text: the model.
            comparisons: the comparisons of your own that the model was estimated with.
            blocking: the functions among its blocking keys.
            kinds: the kinds of your own, by column.

        Raises:
            ValueError: the text is not a model, or a model of another version, or it was estimated
                with functions that were not passed.
        """
        try:
            stored = json.loads(text)
        except ValueError as error:
            msg = "this is not a model: it is not JSON; write models with to_json()"
            raise ValueError(msg) from error
        if not isinstance(stored, dict) or "version" not in stored:
            msg = "this is not a model: it has no version; write models with to_json()"
            raise ValueError(msg)
        if (version := stored["version"]) not in _READABLE:
            raise ValueError(_unreadable(version))
        try:
            model = cls._read(_renamed(stored))
            return replace(
                model,
                own=_own(stored.get("own"), Definitions.of(comparisons, blocking, None, kinds)),
            )
        except (KeyError, TypeError, AttributeError) as error:
            msg = f"this is not a complete model of version {version}; write models with to_json()"
            raise ValueError(msg) from error

    @classmethod
    def _read(cls, stored: Json) -> Model:
        attributes = [_attribute(_renamed(attribute)) for attribute in stored["attributes"]]
        weights = Weights(attributes, stored["records"], np.array(stored["rates"]))
        known: Json = {
            name: frozenset(value) if isinstance(value, list) else value
            for name, value in stored["statistics"].items()
        }
        statistics = DatasetStatistics(**known)
        frequencies = TermFrequencies(stored["rarest"], _unpacked(stored["common"]))
        keys = tuple(map(tuple, stored["keys"]))
        sources = None
        if stored.get("sources"):
            column, link, unique = stored["sources"]
            sources = SourceRules(column, link, tuple(unique))
        labels = tuple(
            StoredLabel(left, right, bool(match), b64decode(codes))
            for left, right, match, codes in stored.get("labels", ())
        )
        return cls(
            weights,
            stored["kinds"],
            keys,
            statistics,
            frequencies,
            sources=sources,
            labels=labels,
            chosen_keys=tuple(map(tuple, stored.get("chosen_keys", ()))),
        )

    def explain_group(self, ids: Sequence[Hashable], evidence: bytes) -> list[Explanation]:
        """Explain all pairs of a group that this model found.

        Of a group with more than 400 records, the pairs of the first record are explained.

        Args:
            ids: the group's ids, in the group's order.
            evidence: the group's element of `Resolution.evidence`.

        Raises:
            ValueError: the evidence does not belong to such a group.
        """
        names = [*map(str, ids)]
        is_large = len(names) > LARGEST
        pairs = [(names[0], name) for name in names[1:]] if is_large else [*combinations(names, 2)]
        size = len(pairs) * len(self.weights.attributes)
        if len(evidence) != size + len(pairs) * np.float16().nbytes:
            msg = "evidence is not of a group with so many ids, found by this model"
            raise ValueError(msg)
        rows = np.frombuffer(evidence[:size], np.uint8).reshape(len(pairs), -1)
        transitive = np.frombuffer(evidence[size:], np.float16).tolist()
        return list(explain_pairs(self.weights, rows, pairs, transitive))

    def adapted(self, comparisons: Sequence[Comparison]) -> list[Comparison]:
        """Return comparisons by the levels that this model knows; it may be older than some."""
        if self.own.splink:
            return [*comparisons]
        known = {attribute.name: attribute.levels for attribute in self.weights.attributes}
        return [
            adapted(comparison, known[comparison.name])
            if set(known.get(comparison.name, ())) < set(comparison.levels)
            else comparison
            for comparison in comparisons
        ]

    def fitted(self, comparisons: Sequence[Comparison]) -> Weights:
        """Return the weights of the attributes that records have.

        Raises:
            ValueError: the records have an attribute that the model does not know.
        """
        if self.own.splink:
            compiled = [
                comparison for comparison in comparisons if isinstance(comparison, Compiled)
            ]
            attributes = [comparison.weighted for comparison in compiled]
            return Weights(attributes, compiled[0].records, self.weights.rates)
        known = {attribute.name: attribute for attribute in self.weights.attributes}
        for comparison in comparisons:
            name = comparison.name
            if name not in known or known[name].levels != comparison.levels:
                msg = f"the model was estimated without the attribute {name!r}"
                raise ValueError(msg)
        chosen = [known[comparison.name] for comparison in comparisons]
        return Weights(chosen, self.weights.records, self.weights.rates)


def _unreadable(version: object) -> str:
    known = f"versions {', '.join(map(str, _READABLE[:-1]))} and {_READABLE[-1]} can be read"
    is_newer = isinstance(version, int) and version > _VERSION
    remedy = "upgrade customer-profiles" if is_newer else "estimate the model again with resolve()"
    return f"the model has version {version!r}, and {known}: {remedy}"


def _own(stored: Json | None, passed: Definitions) -> Definitions:
    """Return the definitions that a stored model names, with the functions that were passed.

    Raises:
        ValueError: they are not the same.
    """
    named: Json = stored or {"comparisons": [], "functions": [], "keys": [], "splink": None}
    if named["splink"]:
        return Definitions(splink=Splink.read(named["splink"]))
    functions = [key for key in passed.keys if key.function]
    for argument, stored_names, names in (
        ("comparisons", named["comparisons"], [own.name for own in passed.comparisons]),
        ("blocking", named["functions"], [key.name for key in functions]),
    ):
        if missing := [name for name in stored_names if name not in names]:
            msg = (
                f"the model was estimated with {argument} of your own, {missing}, and stores no "
                f"functions: pass the same ones, Model.from_json(text, {argument}=[...]); kinds of "
                "your own in kinds={...}"
            )
            raise ValueError(msg)
        if unknown := [name for name in names if name not in stored_names]:
            msg = f"{argument}: the model was estimated without {unknown}; do not pass them"
            raise ValueError(msg)
    keys = [
        replace(OwnKey.of(tuple(columns)), are_parts=are_parts)
        for columns, are_parts in named["keys"]
    ]
    return Definitions(passed.comparisons, (*functions, *keys))


def _stored(attribute: Attribute) -> Json:
    """Return an attribute as JSON; what is fixed matters to estimation only."""
    return {name: value for name, value in asdict(attribute).items() if name != "fixed"}


def _packed(common: Mapping[int, int]) -> str:
    hashes, classes = np.array([*common], np.int64), np.array([*common.values()], np.uint8)
    return b64encode(hashes.tobytes() + classes.tobytes()).decode()


def _unpacked(text: str) -> dict[int, int]:
    raw = b64decode(text)
    hashes = np.frombuffer(raw, np.int64, len(raw) // 9).tolist()
    return dict(zip(hashes, raw[8 * len(hashes) :], strict=True))


def _plain(value: NDArray[np.generic] | frozenset[int]) -> Sequence[object]:
    """Convert what JSON has no type for."""
    return value.tolist() if isinstance(value, np.ndarray) else sorted(value)


def _renamed(stored: Json) -> Json:
    return {_RENAMED.get(name, name): value for name, value in stored.items()}


def _attribute(stored: Json) -> Attribute:
    for name, value in stored.items():
        if name in {"levels", "implied_by"}:
            stored[name] = tuple(value)
        elif isinstance(value, list):
            stored[name] = np.array(value, _TYPES.get(name, np.float64))
    return Attribute(**stored)
