"""Find columns that other columns determine, as a postal code determines its town.

Agreement on both columns is no more evidence than agreement on one. For columns of known kinds the
comparisons allow for this; for columns of plain text it has to be found in the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .kinds import FAMILY_NAME, GENDER, GIVEN_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_profiles.identity.arrays import Integers

    from .prepared import Prepared

    Pairs = tuple[Integers, Integers]

_DISTINCTIVE = 0.01
"""Where two random records agree less often than this, records that agree count as related."""
_FREQUENT, _LEAST_COVERED = 10, 0.1
"""How many records share a frequent value, and the least share of the records that have one."""
_SAMPLED, _SEED = 5_000, 20_240_229
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
    texts.sort(key=lambda text: agreement(text[1]))
    columns = [*known.items(), *texts]
    distinctive = [codes for _, codes in columns]
    if prepared.birth is not None:
        distinctive.append(np.where(prepared.birth > 0, prepared.birth.astype(np.int64), -1))
    distinctive = [codes for codes in distinctive if agreement(codes) < _DISTINCTIVE]
    generator = np.random.default_rng(_SEED)
    sampled = [(name, codes, _sample_pairs(codes, generator)) for name, codes in columns]
    return {
        text: tuple(
            name
            for name, codes, pairs in sampled[:position]
            if pairs is not None and _determines(codes, text_codes, distinctive, pairs)
        )
        for position, (text, text_codes) in enumerate(texts, len(known))
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


def agreement(codes: Integers) -> float:
    """Return the probability that two random records have the same value."""
    present = codes[codes >= 0]
    _, counts = np.unique(present, return_counts=True)
    shares = counts / max(len(present), 1)
    return float(shares @ shares)


def _sample_pairs(codes: Integers, generator: np.random.Generator) -> Pairs | None:
    """Sample pairs of records that share a frequent value; None if few records have one."""
    rows = np.flatnonzero(codes >= 0)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(codes[rows], prepend=-1))
    sizes = np.diff(np.append(starts, len(rows)))
    is_frequent = np.repeat(sizes >= _FREQUENT, sizes)
    if not len(rows) or is_frequent.mean() < _LEAST_COVERED:
        return None
    i = generator.choice(np.flatnonzero(is_frequent), _SAMPLED)
    start, size = np.repeat(starts, sizes)[i], np.repeat(sizes, sizes)[i]
    offset = (generator.random(_SAMPLED) * (size - 1)).astype(int)
    j = start + (i - start + 1 + offset) % size
    return rows[i], rows[j]


def _determines(
    known: Integers, text: Integers, distinctive: Sequence[Integers], pairs: Pairs
) -> bool:
    i, j = pairs
    both = (text[i] >= 0) & (text[j] >= 0)
    i, j = i[both], j[both]
    unrelated = np.ones(len(i), bool)
    for codes in distinctive:
        if codes is not known and codes is not text:
            unrelated &= (codes[i] != codes[j]) | (codes[i] < 0)
    if unrelated.sum() < _FEWEST_UNRELATED or unrelated.mean() < _LEAST_UNRELATED:
        return False
    by_chance = agreement(text)
    same = float((text[i] == text[j])[unrelated].mean())
    return (same - by_chance) / max(1 - by_chance, 1e-9) >= _DETERMINED
