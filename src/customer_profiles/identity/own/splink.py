"""Models of splink: settings whose comparisons and blocking rules are SQL, run here by DuckDB."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from customer_profiles.identity.matching.levels import MISSING

from .sql import SqlComparison, SqlLevel, connection, is_else

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from customer_profiles.identity.arrays import Hashes
    from customer_profiles.identity.preparing.prepared import Columns

    from .sql import Compiled

NO_RELATED = 1e-300
"""The share of related pairs, of which models of splink know nothing."""
_UNSEEN = "level not observed in training dataset"
_SIDE = re.compile(r'"?([^"=()]+)_([lr])"?')


@dataclass(frozen=True)
class Splink:
    """Settings of splink, with the weights that it trained."""

    settings: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, source: str | Path | Mapping[str, Any]) -> Splink:
        """Read settings from a file that splink's `save_model_to_json` wrote, or from a dict.

        Raises:
            ValueError: the settings cannot be used; the message says why and what to do.
        """
        if isinstance(source, str | Path):
            source = json.loads(Path(source).read_text("utf-8"))
        settings = dict(source) if isinstance(source, Mapping) else {}
        if not settings.get("comparisons"):
            msg = (
                "these are no settings of splink: they have no comparisons; use save_model_to_json"
            )
            raise ValueError(msg)
        dialect = settings.get("sql_dialect") or "duckdb"
        if dialect != "duckdb":
            msg = f"the settings are in the SQL of {dialect!r}; only that of duckdb can be run here"
            raise ValueError(msg)
        splink = cls(settings)
        if not 0 < splink.prior < 1:
            msg = f"probability_two_random_records_match is between 0 and 1, not {splink.prior}"
            raise ValueError(msg)
        # Both are checked when they are first read.
        _ = splink.comparisons, splink.rules
        return splink

    @property
    def prior(self) -> float:
        """The probability that two random records match."""
        return float(self.settings.get("probability_two_random_records_match", 0.0001))

    @cached_property
    def comparisons(self) -> tuple[SqlComparison, ...]:
        """The comparisons."""
        return tuple(map(_comparison, self.settings["comparisons"]))

    @cached_property
    def rules(self) -> list[str]:
        """The blocking rules as SQL conditions on `l` and `r`."""
        rules = []
        for rule in self.settings.get("blocking_rules_to_generate_predictions") or ():
            if isinstance(rule, dict) and rule.get("arrays_to_explode"):
                msg = "blocking rules with arrays_to_explode are not supported; remove them"
                raise ValueError(msg)
            rules.append(rule["blocking_rule"] if isinstance(rule, dict) else str(rule))
        return rules or ["TRUE"]

    def compared(self, columns: Columns) -> Iterator[Compiled]:
        """Yield the comparisons of the records in columns."""
        for comparison in self.comparisons:
            yield comparison.compared(columns)

    def candidates(self, columns: Columns) -> Hashes:
        """Return the pairs that the blocking rules find, packed and sorted.

        Raises:
            ValueError: a rule cannot be evaluated; the message names it.
        """
        count = len(next(iter(columns.values())))
        records = pa.table({**columns, "__row": pa.array(range(count), pa.uint64())})
        found = [np.empty(0, np.uint64)]
        for rule in self.rules:
            with connection(f"blocking rule {rule!r}") as duck:
                left, right = (duck.from_arrow(records).set_alias(side) for side in "lr")
                joined = left.join(right, f"({rule}) AND l.__row < r.__row")
                table = joined.project("(l.__row << 32) | r.__row AS pair").to_arrow_table()
            found.append(table["pair"].to_numpy().astype(np.uint64))
        return np.unique(np.concatenate(found))


def _comparison(settings: Mapping[str, Any]) -> SqlComparison:
    rows = settings["comparison_levels"]
    name = settings.get("output_column_name") or settings.get("comparison_description")
    if not name:
        read = re.findall(r'"?([^"\s(]+?)_l\b', " ".join(row["sql_condition"] for row in rows))
        name = "_".join(dict.fromkeys(read)) or "comparison"
    others = [row for row in rows if not row.get("is_null_level")]
    labels: list[str] = []
    for row in others:
        label = str(row.get("label_for_charts") or row["sql_condition"])
        labels.append(f"{label} ({len(labels) + 1})" if label in {*labels, "missing"} else label)
    levels = []
    for number, (label, row) in enumerate(zip(labels, others, strict=True)):
        default_m, default_u = _defaults(number, len(others))
        condition = row["sql_condition"]
        levels.append(
            SqlLevel(
                label=label,
                condition=condition,
                m=_trained(row, "m_probability", default_m, f"comparison {name!r}, {label!r}"),
                u=_trained(row, "u_probability", default_u, f"comparison {name!r}, {label!r}"),
                tf_column=None if is_else(condition) else row.get("tf_adjustment_column"),
                tf_weight=float(row.get("tf_adjustment_weight", 1.0)),
                tf_exact=1.0,
                tf_least=float(row.get("tf_minimum_u_value", 0.0)),
            )
        )
    levels = [
        level._replace(tf_exact=_exact_u(name, level, row, levels)) if level.tf_column else level
        for level, row in zip(levels, others, strict=True)
    ]
    numbers = itertools.count(1)
    conditions = [
        (row["sql_condition"], MISSING if row.get("is_null_level") else next(numbers))
        for row in rows
    ]
    return SqlComparison(name, tuple(levels), tuple(conditions))


def _trained(row: Mapping[str, Any], name: str, default: float, what: str) -> float:
    value = row.get(name)
    if value == _UNSEEN:
        msg = (
            f"{what}: the level has no {name}, as splink did not observe it in training; set it in "
            "the settings, or remove the level"
        )
        raise ValueError(msg)
    return default if value is None else float(value)


def _defaults(number: int, count: int) -> tuple[float, float]:
    """Return the m and u probabilities that splink gives to a level that was not trained."""
    rest = max(count - 1, 1)
    m = 0.95 if number == 0 else 0.05 / rest
    bits = 10.0
    if number:
        bits = -5.0 if count == 2 else float(np.linspace(3, -5, rest)[number - 1])  # noqa: PLR2004
    return m, m / 2.0**bits


def _exact_u(
    name: str, level: SqlLevel, row: Mapping[str, Any], levels: Iterable[SqlLevel]
) -> float:
    """Return the u probability of the exact agreement on a column whose term frequency counts."""
    if row.get("disable_tf_exact_match_detection"):
        return level.u
    for other in levels:
        sides = [_SIDE.fullmatch(side.strip(" ()\t\n")) for side in other.condition.split("=", 1)]
        if {side[2] for side in sides if side} == {"l", "r"}:
            columns = {side[1].strip().lower() for side in sides if side}
            if columns == {(level.tf_column or "").lower()}:
                return other.u
    msg = (
        f"comparison {name!r}: the term frequencies of {level.tf_column!r} need a level of exact "
        "agreement on that column"
    )
    raise ValueError(msg)
