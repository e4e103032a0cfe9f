"""Explanations of a pair's probability, attribute by attribute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from .matching.levels import EXACT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from .arrays import Levels
    from .matching.scoring import Attribute, Weights

    Values: TypeAlias = Callable[[str], tuple[tuple[str, ...], tuple[str, ...]]]

_BAR = 12
_BIT = float(np.log(2))
_FLAT = 1e-6
"""Below this change of the log odds the logistic function is taken as linear."""
_SHOWN = 0.005
"""The least weight that is not shown as 0.00 bits."""
DIFFERENT = "different"
CERTAIN = 200.0
"""The bits of what is known for certain, more than all comparisons together."""
TRANSITIVE = ("other records", "match both")
"""Attribute and level of the evidence from records that surely match both."""


def _bits(weight: float) -> str:
    # Adding 0 turns -0.0 into 0.0.
    return f"{round(weight, 2) + 0:+8.2f}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one attribute."""

    attribute: str
    level: str
    """How similar the two values are, such as `exact`, `nickname` or `different`."""
    weight: float
    """The match weight in bits; negative values are evidence against a match."""
    tf: float | None = None
    """The share of the records that have the value on which both agree."""
    left: tuple[str, ...] = field(default=(), repr=False)
    """The first record's values; not shown by `repr`."""
    right: tuple[str, ...] = field(default=(), repr=False)
    """The second record's values; not shown by `repr`."""
    reason: str = ""
    """Why an agreement has negative weight, a difference positive weight, or a value none."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two records probably belong to one person, or not.

    `prior` and the weights of the evidence add up to `score`, the binary logarithm of the odds,
    and `probability` is 1 / (1 + 2 ** -score).
    """

    left: str
    right: str
    prior: float
    """Bits before anything is compared: how rare matches are among all pairs."""
    evidence: tuple[Evidence, ...]
    not_compared: str | None = None
    """Why the pair was not compared when groups were made; None if it was."""

    @property
    def score(self) -> float:
        """The binary logarithm of the odds of a match."""
        return self.prior + sum(part.weight for part in self.evidence)

    @property
    def probability(self) -> float:
        """The probability that both records belong to one person."""
        return float(1 / (1 + 2.0**-self.score))

    def text(self, *, values: bool = False) -> str:
        """Return the explanation as lines of text.

        Args:
            values: whether to include the records' values.
        """
        lines = [f"{self.left} and {self.right}: {self.probability:.1%} one person"]
        lines.append(f"  {'before comparing':<22}{'':<24}{_bits(self.prior)} bits")
        for part in self.evidence:
            shown = f"  {' / '.join(part.left)} | {' / '.join(part.right)}" if values else ""
            reason = f"  ({part.reason})" if part.reason else ""
            lines.append(
                f"  {part.attribute:<22}{part.level:<24}{_bits(part.weight)} bits{reason}{shown}"
            )
        lines.append(f"  {'together':<22}{'':<24}{_bits(self.score)} bits")
        if self.not_compared:
            lines.append(f"  never compared: {self.not_compared}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __rich__(self) -> str:
        """Return lines with bars in rich's markup, without values of the records."""
        longest = max([abs(self.prior), *(abs(part.weight) for part in self.evidence)])
        rows = [("before comparing", "", self.prior, "")]
        rows += [(part.attribute, part.level, part.weight, part.reason) for part in self.evidence]
        names = max(20, *(len(row[0]) for row in rows))
        levels = max(24, *(len(row[1]) for row in rows))
        lines = [f"[bold]{self.probability:.1%} one person[/]"]
        for attribute, level, weight, why in rows:
            bar = "█" * round(_BAR * abs(weight) / longest)
            mark = f"{'':<{_BAR}}[green]{bar}[/]" if weight > 0 else f"[red]{bar:>{_BAR}}[/]"
            name, reason = f"{attribute:<{names}}".replace("[", "\\["), why.replace("[", "\\[")
            lines.append(f"{name} {level:<{levels}} {_bits(weight)}  {mark}")
            if reason:
                lines.append(f"  [dim]{reason}[/]")
        lines.append(f"{'together':<{names}} {'':<{levels}} {_bits(self.score)}  bits")
        if self.not_compared:
            lines.append(f"[yellow]never compared: {self.not_compared}[/]")
        return "\n".join(lines)

    # Any: matplotlib's union type of Axes.figure has no savefig.
    def plot(self, ax: Axes | None = None) -> Any:
        """Draw a waterfall from the prior to the score.

        Args:
            ax: the matplotlib axes to draw on; without them a figure is made.

        Returns:
            The axes.
        """
        from .plotting import waterfall

        return waterfall(self, ax)


def explain(
    weights: Weights,
    codes: Levels,
    names: tuple[str, str],
    values: Values | None = None,
    transitive: float = 0.0,
) -> Explanation:
    """Explain a pair: what each attribute adds to the log odds, whatever the order of columns.

    Args:
        weights: the model.
        codes: the pair's code for each attribute.
        names: the two records' ids.
        values: returns both records' values of an attribute, if they are known.
        transitive: the bits that records which match both add.
    """
    return next(explain_pairs(weights, codes[None], [names], [transitive], values))


def explain_pairs(
    weights: Weights,
    codes: Levels,
    names: Iterable[tuple[str, str]],
    transitive: Iterable[float],
    values: Values | None = None,
) -> Iterator[Explanation]:
    """Explain many pairs, as `explain` does one.

    Args:
        weights: the model.
        codes: the codes of the pairs, of shape (pairs, attributes).
        names: the ids of each pair's records.
        transitive: the bits that records which match both add to each pair.
        values: returns both records' values of an attribute, if they are known.
    """
    prior, bits = attributed(weights, codes)
    of_codes = [_Meanings.of(attribute) for attribute in weights.attributes]
    for row, shares, pair, more in zip(
        codes.tolist(), bits.tolist(), names, transitive, strict=True
    ):
        evidence = []
        for attribute, meanings, code, weight in zip(
            weights.attributes, of_codes, row, shares, strict=True
        ):
            left, right = values(attribute.name) if values else ((), ())
            level, tf = meanings.level[code], meanings.tf[code]
            if code:
                reason = meanings.reason(code, weight)
            elif attribute.implied_by and left and right:
                level, reason = "implied", f"determined by {' or '.join(attribute.implied_by)}"
            else:
                continue
            evidence.append(Evidence(attribute.name, level, weight, tf, left, right, reason))
        if more:
            evidence.append(Evidence(*TRANSITIVE, more))
        yield Explanation(*pair, prior, tuple(evidence))


def attributed(weights: Weights, codes: Levels) -> tuple[float, NDArray[np.float64]]:
    """Attribute the log odds of pairs to the prior and to the attributes.

    A pair's log odds are not a sum over attributes, because there are two classes of other pairs:
    how much a related pair counts depends on what the other attributes say. The attributes are
    therefore raised from missing to their levels along a path, and each one is credited with what
    it adds on the way (Aumann-Shapley values, here in closed form): first all evidence against a
    match together, then all evidence for it. So no attribute's weight depends on the order of
    columns, and a difference does not count for a match because it rules out a relation that
    only other agreements suggest.

    Returns:
        The prior in bits, and the bits of each attribute, of shape (pairs, attributes).
    """
    logs = np.stack([of[:, codes[:, n]] for n, of in enumerate(weights.logs())], axis=2)
    match, related, chance = logs.astype(float)
    log_match, log_related, log_chance = weights.priors().tolist()
    prior = log_match - np.logaddexp(log_related, log_chance)
    against = match < chance
    # The log odds of a relation against chance decide how much each of the two classes counts.
    relation = related - chance
    start = np.full(len(codes), log_related - log_chance)
    change = (relation * against).sum(axis=1)
    first = _mean_sigmoid(start, change)
    second = _mean_sigmoid(start + change, (relation * ~against).sum(axis=1))
    of_related = np.where(against, first[:, None], second[:, None])
    return float(prior / _BIT), (match - chance - of_related * relation) / _BIT


def _mean_sigmoid(start: NDArray[np.float64], change: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of the logistic function from `start` to `start + change`."""
    is_flat = np.abs(change) < _FLAT
    softplus = np.logaddexp(0, start + change) - np.logaddexp(0, start)
    middle = 1 / (1 + np.exp(-(start + change / 2)))
    return np.where(is_flat, middle, softplus / np.where(is_flat, 1, change))


class _Meanings(NamedTuple):
    """What the codes of an attribute mean."""

    level: list[str]
    """The label of each code's level."""
    tf: list[float | None]
    """The share of the records that have the value of each code."""
    is_exact: list[bool]
    is_different: list[bool]
    is_against: list[bool]
    """Whether a code is rarer among matches than among strangers."""

    @classmethod
    def of(cls, attribute: Attribute) -> _Meanings:
        levels = attribute.level_of
        match, _, chance = attribute.log_densities()
        labels = [attribute.levels[level] for level in levels.tolist()]
        is_last = (levels == len(attribute.levels) - 1).tolist()
        shares = zip(attribute.share.tolist(), attribute.has_tf.tolist(), strict=True)
        return cls(
            labels,
            [share if has_tf else None for share, has_tf in shares],
            (levels == EXACT).tolist(),
            [last or label == DIFFERENT for last, label in zip(is_last, labels, strict=True)],
            (match < chance).tolist(),
        )

    def reason(self, code: int, weight: float) -> str:
        """Return why an agreement counts against a match, or a difference for one."""
        if self.is_exact[code] and weight <= -_SHOWN:
            who = "strangers" if self.is_against[code] else "related people"
            return f"{who} agree more often than one person's records"
        if self.is_different[code] and weight >= _SHOWN:
            who = "related people" if self.is_against[code] else "strangers"
            return f"{who} differ less often than one person's records"
        return ""
