"""Why two records are thought to be one person's, attribute by attribute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .comparing import compare
from .scoring import MATCH, log_classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .comparing import Comparison
    from .scoring import Weights

_BAR = 24


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one attribute says."""

    attribute: str
    level: str
    """How alike the two values are, such as `exact`, `nickname` or `different`."""
    weight: float
    """Bits by which it makes a match more likely (or less, where negative)."""
    rarity: float | None = None
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

    def __rich__(self) -> Any:
        """Give a table with bars for `rich.print`; it has no values of the records."""
        from rich.table import Table

        table = Table(title=f"{self.probability:.1%} one person", title_justify="left")
        table.add_column("attribute")
        table.add_column("the two values are")
        table.add_column("bits", justify="right")
        table.add_column("against / for")
        longest = max([abs(self.prior), *(abs(one.weight) for one in self.evidence)])
        rows = [("before comparing", "", self.prior)]
        rows += [(one.attribute, one.level, one.weight) for one in self.evidence]
        for attribute, level, weight in rows:
            bar = "█" * round(_BAR / 2 * abs(weight) / longest)
            mark = f"[green]{'':<12}{bar}[/]" if weight > 0 else f"[red]{bar:>12}[/]"
            table.add_row(attribute, level, f"{weight:+.2f}", mark)
        table.add_section()
        table.add_row("together", "", f"{self.score:+.2f}", "")
        return table

    def plot(self, ax: Any = None) -> Any:
        """Draw a waterfall from the prior to the score, and give its matplotlib axes."""
        from .plotting import waterfall

        return waterfall(self, ax)


def explain(  # noqa: PLR0913, PLR0917  (what a pair is)
    weights: Weights,
    comparisons: Sequence[Comparison],
    i: int,
    j: int,
    names: tuple[str, str],
    values: Any,
) -> Explanation:
    """Explain a pair: what each attribute adds to the log odds, in the order of comparison."""
    codes = compare(comparisons, np.array([min(i, j)]), np.array([max(i, j)]))
    empty = np.zeros_like(codes)
    before = prior = _bits(weights, empty)
    evidence = []
    for place, comparison in enumerate(comparisons):
        empty[0, place] = codes[0, place]
        now = _bits(weights, empty)
        attribute = weights.attributes[place]
        code = codes[0, place]
        if code:
            evidence.append(
                Evidence(
                    comparison.name,
                    comparison.levels[attribute.level_of[code]],
                    now - before,
                    float(attribute.share[code]) if attribute.told[code] else None,
                    *values(comparison.name),
                )
            )
        before = now
    return Explanation(*names, prior, tuple(evidence))


def _bits(weights: Weights, codes: Any) -> float:
    logs = log_classes(weights, codes)[:, 0].astype(float)
    others = np.delete(logs, MATCH)
    top = others.max()
    return float((logs[MATCH] - top - np.log(np.exp(others - top).sum())) / np.log(2))
