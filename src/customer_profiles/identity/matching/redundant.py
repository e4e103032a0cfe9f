"""Find columns that other columns determine, as a postal code determines its town.

Agreement on both columns is no more evidence than agreement on one. For columns of known kinds the
comparisons allow for this; for columns of plain text it has to be found in the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from customer_profiles.identity.preparing.kinds import FAMILY_NAME, GENDER, GIVEN_NAME

from .contents import agreement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.identity.arrays import Integers, Mask
    from customer_profiles.identity.preparing.prepared import Prepared

    Pairs = tuple[Integers, Integers]

_DISTINCTIVE = 0.01
"""Where two random records agree less often than this, records that agree count as related."""
_FREQUENT, _LEAST_COVERED = 10, 0.1
"""How many records share a frequent value, and the least share of the records that have one."""
_SAMPLED, _FEWEST_SAMPLED, _MANY, _SEED = 5_000, 500, 40, 20_240_229
"""How many pairs are sampled for each attribute: fewer if there are many attributes."""
_LEAST_UNRELATED, _FEWEST_UNRELATED = 0.3, 50
"""The share and the number of sampled pairs that have to be unrelated."""
_DETERMINED = 0.4
"""The least share of unrelated pairs that agree on the text, beyond chance."""
POSTAL, CITY = "postal code", "city"


def redundant_columns(prepared: Prepared) -> dict[str, tuple[str, ...]]:
    """Return, for each text column, the attributes that determine it.

    An attribute determines a text if most unrelated records that share one of its frequent values
    share the text, too.
    """
    known = _known(prepared)
    texts = [(name, values.codes[:, 0]) for name, values in prepared.texts.items()]
    by_chance = {name: agreement(codes) for name, codes in texts}
    texts.sort(key=lambda text: by_chance[text[0]])
    columns = [*known.items(), *texts]
    distinctive = [codes for _, codes in columns]
    if prepared.birth is not None:
        _, dates = np.unique(prepared.birth, return_inverse=True)
        distinctive.append(np.where(prepared.birth > 0, dates, -1))
    distinctive = [codes for codes in distinctive if agreement(codes) < _DISTINCTIVE]
    size = max(_SAMPLED * _MANY // max(len(columns), _MANY), _FEWEST_SAMPLED)
    generator = np.random.default_rng(_SEED)
    sampled = [_Sample.of(name, codes, distinctive, size, generator) for name, codes in columns]
    return {
        text: tuple(
            sample.name
            for sample in sampled[:position]
            if sample is not None and sample.determines(codes, by_chance[text])
        )
        for position, (text, codes) in enumerate(texts, len(known))
    }


def _known(prepared: Prepared) -> dict[str, Integers]:
    columns: dict[str, Integers] = {}
    if prepared.names is not None:
        columns |= {GIVEN_NAME: prepared.names.given, FAMILY_NAME: prepared.names.family}
    if prepared.gender is not None:
        columns[GENDER] = prepared.gender
    if prepared.addresses is not None:
        columns[POSTAL] = prepared.addresses.postal[:, 0]
        columns[CITY] = prepared.addresses.city[:, 0]
    return columns


def codes_of(prepared: Prepared, attribute: str) -> Integers:
    """Return the codes of an attribute that `redundant_columns` names."""
    known = _known(prepared)
    return known[attribute] if attribute in known else prepared.texts[attribute].codes[:, 0]


def _sample_pairs(codes: Integers, size: int, generator: np.random.Generator) -> Pairs | None:
    """Sample pairs of records that share a frequent value; None if few records have one."""
    rows = np.flatnonzero(codes >= 0)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(codes[rows], prepend=-1))
    sizes = np.diff(np.append(starts, len(rows)))
    is_frequent = np.repeat(sizes >= _FREQUENT, sizes)
    if not len(rows) or is_frequent.mean() < _LEAST_COVERED:
        return None
    i = generator.choice(np.flatnonzero(is_frequent), size)
    start, having = np.repeat(starts, sizes)[i], np.repeat(sizes, sizes)[i]
    offset = (generator.random(size) * (having - 1)).astype(int)
    j = start + (i - start + 1 + offset) % having
    return rows[i], rows[j]


@dataclass(frozen=True, slots=True)
class _Sample:
    """Pairs of records that share a frequent value of an attribute."""

    name: str
    pairs: Pairs
    agreeing: Integers
    """On how many other distinctive attributes the records of each pair agree."""
    distinctive: Sequence[Integers]

    @classmethod
    def of(
        cls,
        name: str,
        codes: Integers,
        distinctive: Sequence[Integers],
        size: int,
        generator: np.random.Generator,
    ) -> _Sample | None:
        """Sample pairs; None if few records have a frequent value."""
        pairs = _sample_pairs(codes, size, generator)
        if pairs is None:
            return None
        others = [other for other in distinctive if other is not codes]
        agreeing = np.zeros(size, np.int64)
        for other in others:
            agreeing += _agrees(other, *pairs)
        return cls(name, pairs, agreeing, others)

    def determines(self, text: Integers, by_chance: float) -> bool:
        """Return whether unrelated records with a value of the attribute share the text, too.

        Args:
            text: the codes of the text.
            by_chance: the probability that two random records share it.
        """
        i, j = self.pairs
        agrees = _agrees(text, i, j)
        is_distinctive = any(other is text for other in self.distinctive)
        both = (text[i] >= 0) & (text[j] >= 0)
        unrelated = both & (self.agreeing - (agrees if is_distinctive else 0) == 0)
        if unrelated.sum() < max(_FEWEST_UNRELATED, _LEAST_UNRELATED * both.sum()):
            return False
        same = float(agrees[unrelated].mean())
        return (same - by_chance) / max(1 - by_chance, 1e-9) >= _DETERMINED


def _agrees(codes: Integers, i: Integers, j: Integers) -> Mask:
    agrees: Mask = (codes[i] == codes[j]) & (codes[i] >= 0)
    return agrees
