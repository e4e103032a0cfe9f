"""Texts that other columns tell already, as a postal code tells its town.

Where columns are of no known kind, the matcher cannot know that agreement on both is one agreement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .kinds import FAMILY_NAME, GENDER, GIVEN_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .prepared import Prepared

# A value that more pairs share is frequent; those of the others are of one person or family.
_RARE = 0.01
_FEWEST_HOLDERS, _SAMPLED, _LEAST_HOLDING = 10, 5_000, 0.1
_LEAST_APART, _FEWEST_APART = 0.3, 50
_MOSTLY = 0.4
_SEED = 20_240_229
POSTAL, CITY = "postal code", "city"


class _Column(NamedTuple):
    name: str
    codes: Any


def echoes(prepared: Prepared) -> dict[str, tuple[str, ...]]:
    """Give of each text the attributes that tell it.

    Those are such that most strangers who have one of its frequent values in common have the text
    in common, too.
    """
    known = list(_known(prepared))
    texts = [_Column(name, one.codes[:, 0]) for name, one in prepared.texts.items()]
    texts.sort(key=lambda one: _agreement(one.codes))
    rare = [one.codes for one in (*known, *texts)]
    if prepared.birth is not None:
        rare.append(np.where(prepared.birth > 0, prepared.birth.astype(np.int64), -1))
    rare = [one for one in rare if _agreement(one) < _RARE]
    draw = np.random.default_rng(_SEED)
    drawn = [(one, _drawn(one.codes, draw)) for one in (*known, *texts)]
    return {
        text.name: tuple(
            one.name
            for one, pairs in drawn[:place]
            if pairs is not None and _tells(one.codes, text.codes, rare, pairs)
        )
        for place, text in enumerate(texts, len(known))
    }


def _known(prepared: Prepared) -> Any:
    if prepared.names is not None:
        yield _Column(GIVEN_NAME, prepared.names.given)
        yield _Column(FAMILY_NAME, prepared.names.family)
    if prepared.gender is not None:
        yield _Column(GENDER, prepared.gender)
    if prepared.addresses is not None:
        yield _Column(POSTAL, prepared.addresses.postal[:, 0])
        yield _Column(CITY, prepared.addresses.city[:, 0])


def codes_of(prepared: Prepared, attribute: str) -> Any:
    """Give the values of an attribute that `echoes` names."""
    for one in _known(prepared):
        if one.name == attribute:
            return one.codes
    return prepared.texts[attribute].codes[:, 0]


def _agreement(codes: Any) -> float:
    """Say how probable it is that two records agree."""
    held = codes[codes >= 0]
    _, counts = np.unique(held, return_counts=True)
    shares = counts / max(len(held), 1)
    return float(shares @ shares)


def _drawn(codes: Any, draw: np.random.Generator) -> tuple[Any, Any] | None:
    """Draw pairs of records that have a frequent value in common."""
    rows = np.flatnonzero(codes >= 0)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(codes[rows], prepend=-1))
    sizes = np.diff(np.append(starts, len(rows)))
    many = np.repeat(sizes >= _FEWEST_HOLDERS, sizes)
    if not len(rows) or many.mean() < _LEAST_HOLDING:
        return None
    one = draw.choice(np.flatnonzero(many), _SAMPLED)
    start, size = np.repeat(starts, sizes)[one], np.repeat(sizes, sizes)[one]
    further = (draw.random(_SAMPLED) * (size - 1)).astype(int)
    other = start + (one - start + 1 + further) % size
    return rows[one], rows[other]


def _tells(known: Any, text: Any, rare: Sequence[Any], pairs: tuple[Any, Any]) -> bool:
    one, other = pairs
    both = (text[one] >= 0) & (text[other] >= 0)
    one, other = one[both], other[both]
    apart = np.ones(len(one), bool)
    for values in rare:
        if values is not known and values is not text:
            apart &= (values[one] != values[other]) | (values[one] < 0)
    if apart.sum() < _FEWEST_APART or apart.mean() < _LEAST_APART:
        return False
    usual = _agreement(text)
    same = float((text[one] == text[other])[apart].mean())
    return (same - usual) / max(1 - usual, 1e-9) >= _MOSTLY
