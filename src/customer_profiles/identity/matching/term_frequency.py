"""Term frequencies: how common the values are that two records agree on.

Agreement on a rare surname is stronger evidence than agreement on a common one. Frequencies are
grouped into classes of half a bit, so that a pair needs one byte for its level and class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_profiles.identity.arrays import Floats, Hashes, Integers, Levels, Texts

TF_CLASSES = 44
"""Classes of half a bit each: values of class 10 are held by 2 ** -5 of the records."""
_CLASSES_PER_BIT = 2.0
_COMMON = 4
_PRIOR_RECORDS = 300

# The share of people who have one value of each vocabulary, as a prior for small data sets.
PRIOR_SHARES = {
    "given": 1 / 300,
    "family": 1 / 300,
    "middle": 1 / 300,
    "birth": 1 / 20_000,
    "email": 1e-5,
    "phone": 1e-5,
    "street": 1e-4,
    "postal": 1 / 1_000,
    "city": 1 / 200,
}
IDENTIFIER_SHARE, TEXT_SHARE = 1e-5, 1 / 30


@dataclass(slots=True)
class TermFrequency:
    """How common the values of one vocabulary are."""

    class_of: Levels
    """The class of each value; the last element stands for no value."""
    share: Floats
    """For each class, the mean share of the records that have one of its values."""
    pairs: Integers | Floats
    """For each class, how many pairs of records agree on one of its values."""
    name: str
    """The vocabulary."""
    rarest: int
    """The class of a value that two records have: no rarer value can be agreed on."""
    text: Callable[[int], str]
    """Returns a value by its number."""

    @property
    def common(self) -> int:
        """The rarest class that counts as common; models store the common values."""
        return max(self.rarest - _COMMON, 0)


def tf_of(
    name: str,
    codes: Integers,
    texts: Texts | Hashes | Sequence[str] | Sequence[int],
    prior: float | None = None,
) -> TermFrequency:
    """Count the term frequencies of the values that records have.

    Args:
        name: the vocabulary.
        codes: the number of each record's value, or -1; records may have several values.
        texts: the value, or the integer that represents it, of each number.
        prior: the share of people who have one value; needed for identifiers and texts.
    """
    counts = np.bincount(codes[codes >= 0].ravel(), minlength=len(texts))
    having = int((codes.reshape(len(codes), -1) >= 0).any(axis=1).sum())

    def text(number: int) -> str:
        value = texts[number]
        return value if isinstance(value, str) else f"{value:x}"

    return tf_by_counts(name, counts, np.ones(len(counts)), having, prior, text)


def tf_by_counts(  # noqa: PLR0913, PLR0917  (what is known of a vocabulary)
    name: str,
    counts: Integers,
    times: Integers | Floats,
    having: int,
    prior: float | None = None,
    text: Callable[[int], str] = str,
) -> TermFrequency:
    """Compute term frequencies from a histogram of value counts.

    Where there are few records, the vocabulary's prior share dominates.

    Args:
        name: the vocabulary.
        counts: numbers of records that have the same value.
        times: how many values have each of these counts.
        having: how many records have any value.
        prior: the share of people who have one value; needed for identifiers and texts.
        text: returns a value by its position in `counts`.
    """
    prior = PRIOR_SHARES[name] if prior is None else prior
    share = _share(counts, having, prior)
    classes = _class_of(share)
    pairs = counts * (counts - 1) / 2.0 * times
    total = np.bincount(classes, weights=pairs, minlength=TF_CLASSES)
    weighted = np.bincount(classes, weights=pairs * share, minlength=TF_CLASSES)
    middle = 2.0 ** -((np.arange(TF_CLASSES) + 0.5) / _CLASSES_PER_BIT)
    mean = np.where(total > 0, weighted / np.maximum(total, 1e-12), middle)
    rarest = int(_class_of(_share(np.full(1, 2), having, prior))[0])
    return TermFrequency(
        class_of=np.append(classes, np.uint8(0)),
        share=mean,
        pairs=total,
        name=name,
        rarest=rarest,
        text=text,
    )


def _share(counts: Integers, having: int, prior: float) -> Floats:
    return (np.maximum(counts, 1) + _PRIOR_RECORDS * prior) / (having + _PRIOR_RECORDS)


def _class_of(share: Floats) -> Levels:
    return np.clip(-_CLASSES_PER_BIT * np.log2(share), 0, TF_CLASSES - 1).astype(np.uint8)
