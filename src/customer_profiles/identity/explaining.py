"""Explanations of a pair's probability, attribute by attribute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .matching.scoring import MATCH, log_classes

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from .arrays import Levels
    from .matching.scoring import Weights

    Values: TypeAlias = Callable[[str], tuple[tuple[str, ...], tuple[str, ...]]]

_BAR = 12
TRANSITIVE = ("other records", "match both")
"""Attribute and level of the evidence from records that surely match both."""


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
        lines.append(f"  {'before comparing':<22}{'':<24}{self.prior:+8.2f} bits")
        for part in self.evidence:
            shown = f"  {' / '.join(part.left)} | {' / '.join(part.right)}" if values else ""
            lines.append(f"  {part.attribute:<22}{part.level:<24}{part.weight:+8.2f} bits{shown}")
        lines.append(f"  {'together':<22}{'':<24}{self.score:+8.2f} bits")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __rich__(self) -> str:
        """Return lines with bars in rich's markup, without values of the records."""
        longest = max([abs(self.prior), *(abs(part.weight) for part in self.evidence)])
        rows = [("before comparing", "", self.prior)]
        rows += [(part.attribute, part.level, part.weight) for part in self.evidence]
        lines = [f"[bold]{self.probability:.1%} one person[/]"]
        for attribute, level, weight in rows:
            bar = "█" * round(_BAR * abs(weight) / longest)
            mark = f"{'':<{_BAR}}[green]{bar}[/]" if weight > 0 else f"[red]{bar:>{_BAR}}[/]"
            name = attribute.replace("[", "\\[")
            lines.append(f"{name:<20} {level:<24} {weight:+8.2f}  {mark}")
        lines.append(f"{'together':<20} {'':<24} {self.score:+8.2f}  bits")
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
    """Explain a pair: what each attribute adds to the log odds, in the order of comparison.

    Args:
        weights: the model.
        codes: the pair's code for each attribute.
        names: the two records' ids.
        values: returns both records' values of an attribute, if they are known.
        transitive: the bits that records which match both add.
    """
    so_far = np.zeros((1, len(codes)), np.uint8)
    before = prior = _bits(weights, so_far)
    evidence = []
    for column, attribute in enumerate(weights.attributes):
        so_far[0, column] = code = codes[column]
        now = _bits(weights, so_far)
        if code:
            left, right = values(attribute.name) if values else ((), ())
            tf = float(attribute.share[code]) if attribute.has_tf[code] else None
            level = attribute.levels[attribute.level_of[code]]
            evidence.append(Evidence(attribute.name, level, now - before, tf, left, right))
        before = now
    if transitive:
        evidence.append(Evidence(*TRANSITIVE, transitive))
    return Explanation(*names, prior, tuple(evidence))


def _bits(weights: Weights, codes: Levels) -> float:
    logs = log_classes(weights, codes)[:, 0].astype(float)
    others = np.delete(logs, MATCH)
    top = others.max()
    return float((logs[MATCH] - top - np.log(np.exp(others - top).sum())) / np.log(2))
