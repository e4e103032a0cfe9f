"""What the columns of records are used for, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from customer_profiles.identity.preparing import kinds

from .levels import EXACT
from .scoring import IDENTIFYING, MATCH, agreeing_levels, pairs_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from customer_profiles.identity.preparing.classifying import Found
    from customer_profiles.identity.preparing.kinds import Kind
    from customer_profiles.identity.preparing.prepared import Prepared

    from .contents import Content
    from .scoring import Attribute, Weights

Role = Literal["identifies", "supports", "ignored"]
"""Whether a column tells people apart, adds to what others tell, or is not used."""

_MOST_SUPPORTING = 8.0
"""A column of unknown meaning identifies people if agreement on it adds more bits than this."""
_LEAST_BITS = 0.01
"""The least bits that a column adds to a match on average."""
_SIGNIFICANT = 13.8
"""The 0.999 quantile of the chi-squared distribution with two degrees of freedom."""


_FEWEST_MATCHES = 10


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """What a column of the records was used for."""

    kind: Kind
    """What the column holds."""
    role: Role
    reason: str
    """Why, in a sentence."""
    found: Found = "default"
    """How its kind was found; `default` if neither the column's name nor its values tell."""
    bits: float | None = None
    """What it adds to the odds of a match on average; None if it has no learned weight."""


def unrelated(weights: Weights, contents: Mapping[str, Content]) -> dict[str, str]:
    """Return the columns of unknown meaning on which matches agree as strangers do, and why.

    Args:
        weights: the model.
        contents: what columns of unknown meaning contain, by name.
    """
    matches = _matches(weights)
    result = {}
    for attribute in weights.attributes:
        bits = _information(attribute)
        is_related = bits >= _LEAST_BITS and 2 * matches * bits * np.log(2) >= _SIGNIFICANT
        if attribute.is_free and not is_related and matches >= _FEWEST_MATCHES:
            why = f"{_frequencies(attribute)}, so it does not tell people apart"
            result[attribute.name] = f"{contents[attribute.name]}: {why}"
    return result


def _matches(weights: Weights) -> float:
    return float(weights.rates[MATCH]) * pairs_of(weights.records)


def _information(attribute: Attribute) -> float:
    """Return the bits that an attribute adds to the odds of a match on average."""
    match, observed = attribute.match[1:], attribute.observed[1:]
    return float(match @ np.log2(match / observed))


def _frequencies(attribute: Attribute) -> str:
    every = [EXACT] if attribute.is_free else [*range(EXACT, len(attribute.levels) - 1)]
    agreeing = agreeing_levels(attribute) or every
    match, chance = (float(of[agreeing].sum()) for of in (attribute.match, attribute.chance))
    return f"{_percent(match)} of the matching pairs agree, and {_percent(chance)} of the others"


def _percent(share: float) -> str:
    digits = next((digits for digits in range(4) if share >= 0.1**digits / 100), None)
    return "less than 0.001%" if digits is None else f"{share:.{digits}%}"


def uses(
    prepared: Prepared,
    weights: Weights,
    contents: Mapping[str, Content],
    ignored: Mapping[str, str],
    own: Collection[str],
) -> dict[str, ColumnUse]:
    """Describe what each column is used for.

    Args:
        prepared: the records.
        weights: the model.
        contents: what columns of unknown meaning contain, by name.
        ignored: why columns are not used, by name.
        own: the columns that comparisons of the user's own read.
    """
    attributes = {attribute.name: attribute for attribute in weights.attributes}
    of_kind: dict[Kind, Attribute] = {}
    for name, of in attributes.items():
        for kind in kinds.KINDS_OF.get(name, ()):
            of_kind.setdefault(kind, of)
    result = {}
    for name, (kind, found, how) in prepared.columns.items():
        attribute = attributes.get(name) or of_kind.get(kind)
        if name in ignored:
            result[name] = ColumnUse(kind, "ignored", ignored[name], found)
        elif attribute is not None:
            what = f"{contents[name]}: " if name in contents else ""
            what = f"{how}; " if found == "values" else what
            why: str = _frequencies(attribute)
            bits: float | None = _information(attribute)
            if _matches(weights) < _FEWEST_MATCHES:
                usual = "no weight" if attribute.is_free else "the usual weight"
                why, bits = f"too few records match to learn its weight, so it has {usual}", None
            result[name] = ColumnUse(kind, _role(attribute), what + why, found, bits)
        elif name in own:
            result[name] = ColumnUse(kind, "supports", "a comparison of your own reads it", found)
        elif kind == "state":
            result[name] = ColumnUse(
                kind, "supports", "it is used to find pairs, not to compare", found
            )
        else:
            result[name] = ColumnUse(kind, "ignored", "values of this kind are not compared", found)
    return result


def _role(attribute: Attribute) -> Role:
    if attribute.is_free:
        match, _, chance = attribute.log_densities()
        exact = (attribute.level_of == EXACT) & (attribute.pairs > 0)
        most = float((match - chance)[exact].max(initial=0) / np.log(2))
        return "identifies" if most > _MOST_SUPPORTING else "supports"
    identifies = attribute.name in IDENTIFYING or attribute.name not in kinds.KINDS_OF
    return "identifies" if identifies and _information(attribute) >= 1 else "supports"
