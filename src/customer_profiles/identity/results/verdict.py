"""Whether a resolution can be relied on, in words: what is doubtful, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from customer_profiles.identity.matching import scoring
from customer_profiles.identity.matching.levels import MISSING
from customer_profiles.identity.preparing import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from customer_profiles.identity.arrays import Levels, Mask
    from customer_profiles.identity.matching.matcher import Scored
    from customer_profiles.identity.matching.roles import ColumnUse
    from customer_profiles.identity.matching.scoring import Weights

    from .expected import Estimate

Level: TypeAlias = Literal["reliable", "doubtful", "unreliable"]
_LEVELS: tuple[Level, ...] = ("reliable", "doubtful", "unreliable")
ReasonKind: TypeAlias = Literal[
    "nothing_found",
    "few_matches",
    "no_clear_matches",
    "low_precision",
    "one_column",
    "households",
    "namesakes",
    "columns_say_nothing",
    "labels_join_strangers",
]
# Matches to estimate a model from.
_FEW, _VERY_FEW = 100, 10
CLEAR = 0.9
"""Pairs of at least this probability are clear matches."""
_BLURRED = 0.3
_PIVOTAL, _MOST_OF_BITS, _SAMPLED, _SEED = 0.7, 0.8, 20_000, 20_240_229
_SAYS_NOTHING, _MOST_NAMED = 0.05, 5
_STRANGERS, _MANY_STRANGERS = 0.01, 0.1
_TELL_APART = frozenset({kinds.BIRTH_DATE, kinds.EMAIL, kinds.PHONE})
"""What father and son of one name do not share, or not always."""
_RELATIVES = 0.5
"""So many related pairs for each match show that a table has households."""
_RELATED_PER_MATCH, _FEW_DUPLICATES, _RARE = 10, 0.1, 0.01


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that a result's reader should know."""

    kind: ReasonKind
    level: Level
    """How far it affects the result; `reliable` is a note only."""
    text: str
    """What was found, without values of records."""
    remedy: str
    """What to do about it."""
    pairs: tuple[tuple[Any, Any], ...] = ()
    """The ids of the pairs of records that it is about, if it is about some."""

    def __str__(self) -> str:
        shown = [f"{left} and {right}" for left, right in self.pairs[:_MOST_NAMED]]
        shown += ["others"] * (len(self.pairs) > _MOST_NAMED)
        names = f" ({', '.join(shown)})" if shown else ""
        return f"{self.text}{names}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a result can be relied on; true if it can."""

    reasons: tuple[Reason, ...] = ()
    """What is doubtful and what is worth knowing, the gravest first."""

    @property
    def level(self) -> Level:
        """`reliable`, `doubtful` or `unreliable`."""
        levels = {reason.level for reason in self.reasons}
        if "unreliable" in levels:
            return "unreliable"
        return "doubtful" if "doubtful" in levels else "reliable"

    def __bool__(self) -> bool:
        return self.level == "reliable"

    def text(self) -> str:
        """Return the level and the reasons as lines of text."""
        return "\n".join([self.level, *(f"  {reason}" for reason in self.reasons)])

    def __str__(self) -> str:
        return self.text()


class JoinedByLabels(NamedTuple):
    """The pairs of records that labels join."""

    joined: int
    """The number of pairs."""
    strangers: tuple[tuple[Any, Any], ...]
    """The ids of those pairs that look like strangers."""


def look_like_strangers(weights: Weights, codes: Levels) -> Mask:
    """Return which pairs almost certainly do not match by what was compared."""
    match = scoring.responsibilities(scoring.log_classes(weights, codes))[scoring.MATCH]
    return np.asarray(match < _STRANGERS)


def assess(  # noqa: PLR0913  (the parts of a result)
    weights: Weights,
    scored: Scored,
    inner: Scored,
    *,
    records: int,
    threshold: float,
    asked: float | None,
    precision: Estimate | None,
    is_estimated: bool,
    columns: Mapping[str, ColumnUse],
    labels: JoinedByLabels,
) -> Verdict:
    """Judge whether a result can be relied on.

    Args:
        weights: the model.
        scored: the pairs that blocking found.
        inner: all pairs inside possible groups.
        records: the number of records.
        threshold: the threshold of the groups.
        asked: the precision that was asked for, if one was.
        precision: the expected precision of the groups; None without groups.
        is_estimated: whether the model was estimated from these records.
        columns: what each column was used for.
        labels: what labels join.
    """
    reasons = [
        *(_matches(scored, records) if is_estimated else ()),
        *_precision(threshold, asked, precision, found=bool((scored.match >= CLEAR).any())),
        *_one_column(weights, inner, threshold),
        *(_households(weights, scored, records) if is_estimated else ()),
        *(_namesakes(weights, scored) if is_estimated else ()),
        *(_silent(columns) if records > 1 else ()),
        *_forced(labels),
    ]
    return Verdict(tuple(sorted(reasons, key=lambda reason: -_LEVELS.index(reason.level))))


def _matches(scored: Scored, records: int) -> Iterator[Reason]:
    """Yield whether there are matches to estimate from, and whether they stand out."""
    is_clear = scored.match >= CLEAR
    clear = float(scored.match[is_clear].sum(dtype=float))
    expected = float(scored.match.sum(dtype=float))
    if records < 2:  # noqa: PLR2004  (a pair)
        yield Reason(
            "nothing_found",
            "doubtful",
            "there are fewer than two records, so there is nothing to compare",
            "resolve more records at once, or look for this one with find() in an earlier result",
        )
        return
    # Of n records of one person only n - 1 pairs are independent.
    independent = min(clear, len(np.unique(scored.j[is_clear])))
    if clear < 0.5:  # noqa: PLR2004  (not one)
        yield Reason(
            "nothing_found",
            "doubtful",
            "no pair of records stands out as a match",
            "if you know of duplicates, check the kinds of the columns, or pass a model that was "
            "estimated from more records",
        )
        return
    if independent < _FEW:
        yield Reason(
            "few_matches",
            "unreliable" if independent < _VERY_FEW else "doubtful",
            f"the model was estimated from too few matches (about {independent:,.0f})",
            "review the groups, resolve more records at once, or pass a model that was estimated "
            "from more records",
        )
    if expected * _BLURRED > clear:
        yield Reason(
            "no_clear_matches",
            "unreliable",
            f"matches do not stand out: {clear:,.0f} pairs are clear, but {expected:,.0f} matches "
            "are expected",
            "add columns that identify people, and review the groups before you merge them",
        )


def _precision(
    threshold: float, asked: float | None, precision: Estimate | None, *, found: bool
) -> Iterator[Reason]:
    wanted = threshold if asked is None else asked
    if precision is None:
        if asked is not None and found:
            yield Reason(
                "low_precision",
                "doubtful",
                f"no threshold reaches the precision {asked:g}, so nothing is grouped",
                "ask for a lower precision, or add columns that identify people",
            )
    elif precision.value < wanted:
        yield Reason(
            "low_precision",
            "doubtful",
            f"the expected precision is {precision}, less than {wanted:g}",
            "raise the threshold, or set precision in place of it",
        )


def _one_column(weights: Weights, inner: Scored, threshold: float) -> Iterator[Reason]:
    """Yield whether the pairs that join records rest on one attribute."""
    rows = np.flatnonzero(inner.match >= threshold)
    if len(weights.attributes) < 2 or not len(rows):  # noqa: PLR2004  (no other attribute)
        return
    if len(rows) > _SAMPLED:
        rows = np.random.default_rng(_SEED).choice(rows, _SAMPLED, replace=False)
    joined = inner.codes[rows]
    bits = [_bits(weights, column, joined) for column in range(len(weights.attributes))]
    total = sum(max(part, 0.0) for part in bits)
    pivotal = []
    for column in range(len(weights.attributes)):
        without = joined.copy()
        without[:, column] = MISSING
        match = scoring.responsibilities(scoring.log_classes(weights, without))[scoring.MATCH]
        pivotal.append(float((match < 0.5).mean()))  # noqa: PLR2004  (no longer likely)
    most = int(np.argmax(bits))
    others = max(share for column, share in enumerate(pivotal) if column != most)
    if (pivotal[most] >= _PIVOTAL > others) or bits[most] > _MOST_OF_BITS * total:
        yield Reason(
            "one_column",
            "doubtful",
            f"one column carries the result: without {weights.attributes[most].name}, "
            f"{pivotal[most]:.0%} of the joined pairs would not match",
            "check that this column identifies people, or add columns that do",
        )


def _bits(weights: Weights, column: int, codes: Levels) -> float:
    """Return the mean evidence of an attribute for a match against chance, in bits."""
    logs = weights.attributes[column].log_densities()
    return float((logs[scoring.MATCH] - logs[scoring.CHANCE])[codes[:, column]].mean() / np.log(2))


def _households(weights: Weights, scored: Scored, records: int) -> Iterator[Reason]:
    match, related = weights.rates.tolist()
    clear = float(scored.match[scored.match >= CLEAR].sum(dtype=float))
    if related < _RELATED_PER_MATCH * match or not 1 <= clear < _FEW_DUPLICATES * records:
        return
    yield Reason(
        "households",
        "doubtful" if clear < _RARE * records else "reliable",
        f"most records that look alike are relatives: {related / match:,.0f} related pairs for "
        "each match",
        "add birth dates or other columns that tell relatives apart, and review groups of "
        "people with one surname",
    )


def _namesakes(weights: Weights, scored: Scored) -> Iterator[Reason]:
    """Yield whether relatives of one name differ in nothing that is compared."""
    attributes = {attribute.name: attribute for attribute in weights.attributes}
    match, related = weights.rates.tolist()
    if (
        not {kinds.GIVEN_NAME, kinds.STREET} <= attributes.keys()
        or _TELL_APART & attributes.keys()
        or any(not (part.shared or name in kinds.KINDS_OF) for name, part in attributes.items())
        or related < _RELATIVES * match
        or not (scored.match >= CLEAR).any()
    ):
        return
    yield Reason(
        "namesakes",
        "doubtful",
        "relatives of one name, such as father and son, look like one person where only names and "
        "addresses are compared",
        "add birth dates, e-mail addresses or customer numbers, or review the groups of homes "
        "where names are passed on",
    )


def _silent(columns: Mapping[str, ColumnUse]) -> Iterator[Reason]:
    """Yield which columns tell nothing about who is who, whether they are compared or not."""
    uses = {name: use for name, use in columns.items() if use.kind not in {"ignored", "country"}}
    names = [
        name
        for name, use in uses.items()
        if use.role == "ignored" or (use.bits is not None and use.bits < _SAYS_NOTHING)
    ]
    if names:
        shown = ", ".join(names[:_MOST_NAMED]) + (" and others" * (len(names) > _MOST_NAMED))
        yield Reason(
            "columns_say_nothing",
            "reliable" if any(use.role == "identifies" for use in uses.values()) else "doubtful",
            f"{len(names)} of {len(uses)} columns say nothing about who is who: {shown}",
            "read in `columns` why, and declare what a column holds with kinds={COLUMN: KIND} if "
            "it was taken for something else",
        )


def _forced(labels: JoinedByLabels) -> Iterator[Reason]:
    """Yield whether labels join records that look like strangers."""
    joined, strangers = labels
    if strangers:
        yield Reason(
            "labels_join_strangers",
            "doubtful" if len(strangers) > _MANY_STRANGERS * joined else "reliable",
            f"{len(strangers)} of {joined} labels of matches join records that look like strangers",
            "compare the records, and correct labels that are wrong: the model learns from them",
            strangers,
        )
