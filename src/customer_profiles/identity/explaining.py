"""Why two records are thought to be one person's, attribute by attribute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .matching.scoring import MATCH, log_classes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .matching.scoring import Weights

    Values = Callable[[str], tuple[tuple[str, ...], tuple[str, ...]]]

_BAR = 12
OTHERS = ("other records", "match both")
"""What stands in an explanation for records that surely match both."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one attribute says."""

    attribute: str
    level: str
    """How alike the two values are, such as `exact`, `nickname` or `different`."""
    weight: float
    """Bits by which it makes a match more likely (or less, where negative)."""
    tf: float | None = None
    """The share of the records that have the value on which both agree."""
    left: tuple[str, ...] = field(default=(), repr=False)
    """The one record's values; not shown by `repr`."""
    right: tuple[str, ...] = field(default=(), repr=False)
    """The other record's values; not shown by `repr`."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two records are thought to be one person's, or not.

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
        """The binary logarithm of the odds that the two are one person."""
        return self.prior + sum(one.weight for one in self.evidence)

    @property
    def probability(self) -> float:
        """How probable it is that the two are one person."""
        return float(1 / (1 + 2.0**-self.score))

    def text(self, *, values: bool = False) -> str:
        """Say it in lines of text, with the two records' values only if asked to."""
        lines = [f"{self.left} and {self.right}: {self.probability:.1%} one person"]
        lines.append(f"  {'before comparing':<22}{'':<24}{self.prior:+8.2f} bits")
        for one in self.evidence:
            shown = f"  {' / '.join(one.left)} | {' / '.join(one.right)}" if values else ""
            lines.append(f"  {one.attribute:<22}{one.level:<24}{one.weight:+8.2f} bits{shown}")
        lines.append(f"  {'together':<22}{'':<24}{self.score:+8.2f} bits")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __rich__(self) -> str:
        """Give lines with bars in rich's markup; they have no values of the records."""
        longest = max([abs(self.prior), *(abs(one.weight) for one in self.evidence)])
        rows = [("before comparing", "", self.prior)]
        rows += [(one.attribute, one.level, one.weight) for one in self.evidence]
        lines = [f"[bold]{self.probability:.1%} one person[/]"]
        for attribute, level, weight in rows:
            bar = "█" * round(_BAR * abs(weight) / longest)
            mark = f"{'':<{_BAR}}[green]{bar}[/]" if weight > 0 else f"[red]{bar:>{_BAR}}[/]"
            name = attribute.replace("[", "\\[")
            lines.append(f"{name:<20} {level:<24} {weight:+8.2f}  {mark}")
        lines.append(f"{'together':<20} {'':<24} {self.score:+8.2f}  bits")
        return "\n".join(lines)

    def plot(self, ax: Any = None) -> Any:
        """Draw a waterfall from the prior to the score, and give its matplotlib axes."""
        from .plotting import waterfall

        return waterfall(self, ax)


def explain(
    weights: Weights,
    codes: NDArray[np.uint8],
    names: tuple[str, str],
    values: Values | None = None,
    others: float = 0.0,
) -> Explanation:
    """Explain a pair: what each attribute adds to the log odds, in the order of comparison.

    Args:
        weights: the model.
        codes: the pair, compared: a code for each attribute.
        names: the two records' ids.
        values: gives both records' values of an attribute, if they are known.
        others: the bits that records which match both add.
    """
    so_far = np.zeros((1, len(codes)), np.uint8)
    before = prior = _bits(weights, so_far)
    evidence = []
    for place, attribute in enumerate(weights.attributes):
        so_far[0, place] = code = codes[place]
        now = _bits(weights, so_far)
        if code:
            left, right = values(attribute.name) if values else ((), ())
            tf = float(attribute.share[code]) if attribute.told[code] else None
            level = attribute.levels[attribute.level_of[code]]
            evidence.append(Evidence(attribute.name, level, now - before, tf, left, right))
        before = now
    if others:
        evidence.append(Evidence(*OTHERS, others))
    return Explanation(*names, prior, tuple(evidence))


def _bits(weights: Weights, codes: Any) -> float:
    logs = log_classes(weights, codes)[:, 0].astype(float)
    others = np.delete(logs, MATCH)
    top = others.max()
    return float((logs[MATCH] - top - np.log(np.exp(others - top).sum())) / np.log(2))
