"""All that a user defines for one resolution, in the form in which the matcher uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from customer_profiles.identity.preparing.reading import flatten

from .comparisons import Comparison, OwnKind, Weight, check_sums, check_weight
from .keys import OwnKey

if TYPE_CHECKING:
    from customer_profiles.identity.matching import comparing
    from customer_profiles.identity.preparing.kinds import Kind
    from customer_profiles.identity.preparing.prepared import Columns, Prepared

    from .keys import BlockingKey, Row
    from .splink import Splink
    from .sql import SqlComparison

Weights: TypeAlias = Mapping[str, Mapping[str, Weight | tuple[float | None, float | None]]]
"""By attribute and level the fixed probabilities m and u; None is estimated."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """Comparisons, blocking keys and weights of one user."""

    comparisons: tuple[Comparison, ...] = ()
    keys: tuple[OwnKey, ...] = ()
    weights: Mapping[str, Mapping[str, Weight]] = field(default_factory=dict)
    splink: Splink | None = None
    """A model of splink, whose comparisons and blocking rules replace all others."""

    @classmethod
    def of(
        cls,
        comparisons: Sequence[Comparison] = (),
        blocking: Sequence[BlockingKey] = (),
        weights: Weights | None = None,
        kinds: Mapping[str, Kind | OwnKind] | None = None,
    ) -> Definitions:
        """Collect and check what a user passes.

        Raises:
            ValueError: names are not distinct, or a weight is no probability.
        """
        of_kinds = [
            kind.comparison(column)
            for column, kind in (kinds or {}).items()
            if isinstance(kind, OwnKind)
        ]
        keys = [OwnKey.of(key) for key in blocking]
        for what, names in (
            ("comparisons", [comparison.name for comparison in (*comparisons, *of_kinds)]),
            ("blocking", [key.name for key in keys]),
        ):
            if twice := {name for name in names if names.count(name) > 1}:
                msg = f"{what}: {min(twice)!r} is defined twice; give each a name of its own"
                raise ValueError(msg)
        try:
            checked = {
                attribute: {label: Weight(*weight) for label, weight in levels.items()}
                for attribute, levels in (weights or {}).items()
            }
        except (AttributeError, TypeError) as error:
            msg = (
                "weights are pairs (m, u) by attribute and level: {'phone': {'exact': (0.9, None)}}"
            )
            raise ValueError(msg) from error
        for attribute, levels in checked.items():
            for label, weight in levels.items():
                check_weight(f"weights[{attribute!r}][{label!r}]", weight)
        return cls((*comparisons, *of_kinds), tuple(keys), checked)

    def resolved(self, columns: Columns) -> Definitions:
        """Return the definitions with what the names of blocking keys mean for records.

        Raises:
            ValueError: a key names neither columns of these records nor parts of records.
        """
        return replace(self, keys=tuple(key.resolved(columns) for key in self.keys))

    def __bool__(self) -> bool:
        return bool(self.comparisons or self.keys or self.weights or self.splink)

    @property
    def compared(self) -> Sequence[Comparison | SqlComparison]:
        """The comparisons that a user defines."""
        return self.splink.comparisons if self.splink else self.comparisons

    def applied(
        self, built_in: Sequence[comparing.Comparison], columns: Columns
    ) -> list[comparing.Comparison]:
        """Return all comparisons of records.

        Args:
            built_in: the comparisons of the attributes that were recognised.
            columns: the records.

        Raises:
            ValueError: the records lack a column, or weights name what is not compared.
        """
        if self.splink:
            return [*self.splink.compared(columns)]
        own = [comparison.compared(columns) for comparison in self.comparisons]
        # The names of text and identifier attributes are those of their columns.
        read = {name for comparison in self.comparisons for name in comparison.columns}
        read |= {comparison.name for comparison in own}
        kept = [comparison for comparison in built_in if comparison.name not in read]
        for attribute in self.weights:
            if attribute not in {comparison.name for comparison in kept}:
                names = ", ".join(repr(comparison.name) for comparison in kept)
                msg = f"weights: {attribute!r} is no attribute of these records; they have {names}"
                raise ValueError(msg)
        return [*map(self._weighted, kept), *own]

    def _weighted(self, comparison: comparing.Comparison) -> comparing.Comparison:
        weights = self.weights.get(comparison.name, {})
        labels = comparison.levels
        for label in weights:
            if label not in labels[1:]:
                known = ", ".join(map(repr, labels[1:]))
                msg = f"weights: {comparison.name!r} has no level {label!r}; its levels are {known}"
                raise ValueError(msg)
        fixed = [weights.get(label, Weight()) for label in labels[1:]]
        check_sums(f"weights[{comparison.name!r}]", fixed)
        return replace(
            comparison,
            fixed={number: (*weight,) for number, weight in enumerate(fixed, 1) if any(weight)},
        )

    def columns_of(self, attribute: str, columns: Columns) -> list[str]:
        """Return the columns that a comparison of the user's reads."""
        return [
            name
            for comparison in self.compared
            if comparison.name == attribute
            for name in comparison.columns_of(columns)
        ]

    def add_keys(self, prepared: Prepared, columns: Columns) -> None:
        """Add the values of the blocking keys to prepared records."""
        for key in self.keys:
            if key.are_parts:
                prepared.own_atoms[key.atom] = key.columns
            else:
                prepared.own_keys[key.atom] = key.encoded(columns)

    def values(self, record: Mapping[str, object]) -> dict[str, Any]:
        """Return the values of one record for all comparisons and blocking keys."""
        if not self:
            return {}
        row: Row = {name: text or None for name, text in flatten(record)}
        of_keys = {key.atom: key.values(row) for key in self.keys if not key.are_parts}
        return of_keys | {comparison.name: comparison.value(row) for comparison in self.compared}

    def named(self) -> dict[str, Any] | None:
        """Return what a stored model keeps: names of functions, and columns of keys."""
        if not self:
            return None
        return {
            "comparisons": [comparison.name for comparison in self.comparisons],
            "functions": [key.name for key in self.keys if key.function],
            "keys": [(key.columns, key.are_parts) for key in self.keys if not key.function],
            "splink": self.splink.settings if self.splink else None,
        }
