"""Find columns that other columns determine, as a postal code determines its town.

Agreement on both columns is no more evidence than agreement on one. For columns of known kinds the
comparisons allow for this; for columns of plain text it has to be found in the data.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from customer_profiles.identity.preparing.kinds import FAMILY_NAME, GENDER, GIVEN_NAME

from .contents import agreement

if TYPE_CHECKING:
    from customer_profiles.identity.arrays import Integers, Mask
    from customer_profiles.identity.preparing.prepared import Prepared

    Pairs = tuple[Integers, Integers]

_DISTINCTIVE = 0.01
"""Where two random records agree less often than this, records that agree count as related."""
_FREQUENT, _LEAST_COVERED = 10, 0.1
"""How many records share a frequent value, and the least share of the records that have one."""
_SAMPLED, _FEWEST_SAMPLED, _MANY, _SEED = 5_000, 500, 40, 20_240_229
"""How many pairs are sampled for each attribute: fewer if there are many attributes."""
_MOST_SOURCES = 250
"""Of so many columns, those with the most values, it is examined whether they determine texts."""
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
    size = max(_SAMPLED * _MANY // max(len(columns), _MANY), _FEWEST_SAMPLED)
    # The number of comparisons is not to grow with the square of the number of columns.
    columns = columns[: len(known) + _MOST_SOURCES]
    distinctive = [codes for _, codes in columns]
    if prepared.birth is not None:
        _, dates = np.unique(prepared.birth, return_inverse=True)
        distinctive.append(np.where(prepared.birth > 0, dates, -1))
    distinctive = [codes for codes in distinctive if agreement(codes) < _DISTINCTIVE]
    generator = np.random.default_rng(_SEED)
    pairs = [_sample_pairs(codes, size, generator) for _, codes in columns]
    sources = [position for position, sample in enumerate(pairs) if sample is not None]
    if not sources:
        return {text: () for text, _ in texts}
    i, j = (np.stack(rows) for rows in zip(*filter(None, pairs), strict=True))
    agreeing = np.zeros(i.shape, np.int16)
    """On how many other distinctive attributes the records of each pair agree."""
    for other in distinctive:
        agrees = _agrees(other, i, j)
        agrees[[columns[position][1] is other for position in sources]] = False
        agreeing += agrees
    result = {}
    for position, (text, codes) in enumerate(texts, len(known)):
        count = bisect_left(sources, position)
        is_distinctive = any(other is codes for other in distinctive)
        found = _determining(
            codes, by_chance[text], i[:count], j[:count], agreeing[:count], is_distinctive
        )
        result[text] = tuple(columns[sources[n]][0] for n in np.flatnonzero(found))
    return result


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


def codes_by_attribute(prepared: Prepared) -> dict[str, Integers]:
    """Return the codes of the attributes that `redundant_columns` may name."""
    return {name: text.codes[:, 0] for name, text in prepared.texts.items()} | _known(prepared)


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


def _determining(  # noqa: PLR0913, PLR0917  (pairs are columns)
    text: Integers,
    by_chance: float,
    i: Integers,
    j: Integers,
    agreeing: Integers,
    is_distinctive: bool,  # noqa: FBT001
) -> Mask:
    """Return with which attributes unrelated records that share a value share the text, too.

    Args:
        text: the codes of the text.
        by_chance: the probability that two random records share it.
        i: the first record of each pair that shares a value, of shape (attributes, pairs).
        j: the second record of each pair.
        agreeing: on how many distinctive attributes the records of each pair agree.
        is_distinctive: whether the text is one of these.
    """
    left, right = text[i], text[j]
    both = (left >= 0) & (right >= 0)
    agrees = both & (left == right)
    unrelated = both & (agreeing == (agrees if is_distinctive else 0))
    counts = unrelated.sum(axis=1)
    enough = counts >= np.maximum(_FEWEST_UNRELATED, _LEAST_UNRELATED * both.sum(axis=1))
    same = (agrees & unrelated).sum(axis=1) / np.maximum(counts, 1)
    beyond_chance = (same - by_chance) / max(1 - by_chance, 1e-9)
    determined: Mask = enough & (beyond_chance >= _DETERMINED)
    return determined


def _agrees(codes: Integers, i: Integers, j: Integers) -> Mask:
    agrees: Mask = (codes[i] == codes[j]) & (codes[i] >= 0)
    return agrees
