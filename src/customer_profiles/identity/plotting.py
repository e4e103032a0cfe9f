"""Plots of explanations and scores; they need matplotlib."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from customer_profiles._hints.extras import install

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from .arrays import Floats
    from .explaining import Explanation
    from .resolution import Resolution

_FOR, _AGAINST, _TOTAL = "#2e8b57", "#c0392b", "#34495e"


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        msg = f"plots need matplotlib: {install('plots')}"
        raise ImportError(msg) from error
    # Not pyplot's: its figures stay open, and may need a window.
    return Figure(figsize=(8, 4.5), layout="constrained").add_subplot()


def waterfall(explanation: Explanation, ax: Axes | None = None) -> Axes:
    """Draw how the evidence adds up from the prior to the score."""
    ax = _axes(ax)
    steps = [("before comparing", explanation.prior)]
    for part in explanation.evidence:
        reason = f"\n({part.reason})" if part.reason else ""
        steps.append((f"{part.attribute}: {part.level}{reason}", part.weight))
    at = 0.0
    for row, (_, weight) in enumerate(steps):
        ax.barh(row, weight, left=at, color=_FOR if weight > 0 else _AGAINST)
        side = "left" if weight > 0 else "right"
        ax.text(at + weight, row, f" {weight:+.1f} ", va="center", ha=side)
        at += weight
    ax.barh(len(steps), at, color=_TOTAL)
    ax.set_yticks(range(len(steps) + 1), [name for name, _ in steps] + ["together"])
    ax.invert_yaxis()
    ax.axvline(0, color="black", linewidth=0.8)
    ax.use_sticky_edges = False  # They would leave no margin for the labels of bars to the left.
    ax.margins(x=0.15, y=0.02)
    ax.set_xlabel("bits for a match (binary logarithm of the odds)")
    ax.set_title(f"{explanation.probability:.1%} one person")
    return ax


def thresholds(resolution: Resolution, ax: Axes | None = None) -> Axes:
    """Draw the distribution of probabilities, and how many records each threshold would merge."""
    ax = _axes(ax)
    pairs = resolution.pairs()
    _distribution(ax, pairs.probability, 0, "pairs")
    ax.set_xlabel("probability")
    other = ax.twinx()
    marks = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
    merged = [sum(len(group.ids) - 1 for group in resolution.at(mark)) for mark in marks]
    other.plot(marks, merged, color=_FOR, marker="o")
    other.set_ylabel("records that merging would remove")
    other.set_ylim(0, 1.1 * max(1, *merged))
    ax.axvline(resolution.threshold, color=_AGAINST, linestyle="--")
    ax.set_title(f"{len(resolution.groups):,} groups at {resolution.threshold:.4g}")
    return ax


def consequences(
    matches: Sequence[tuple[float, int]],
    tried: Sequence[tuple[float, float]] = (),
    least: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the distribution of confidence, and what each minimum confidence would merge.

    Args:
        matches: the confidence and the number of profiles of each match.
        tried: minimum confidences, and how many profiles would be merged by criteria with them.
        least: the minimum confidence to mark.
        ax: the axes to draw on; without them a figure is made.
    """
    ax = _axes(ax)
    falling = sorted(matches, reverse=True)
    start = min([0.95, *(mark for mark, _ in (falling[-1:] + sorted(tried)[:1]))])
    _distribution(ax, [confidence for confidence, _ in falling], start, "matches")
    ax.set_xlabel("minimum confidence")
    other = ax.twinx()
    profiles = [0, *accumulate(size for _, size in falling)]
    # A match is merged at every minimum confidence up to its own.
    edges = [1.0, *(confidence for confidence, _ in falling), start]
    steps = [*profiles, profiles[-1]]
    other.step(edges, steps, where="post", color=_TOTAL, label="if all matches are merged")
    if tried:
        marks, merged = zip(*sorted(tried), strict=True)
        other.plot(marks, merged, color=_FOR, marker="o", label="if they meet the criteria")
        other.legend(loc="center left")
    if least is not None:
        ax.axvline(least, color=_AGAINST, linestyle="--")
    other.set_ylabel("profiles that would be merged")
    other.set_ylim(0, 1.1 * max(1, profiles[-1]))
    ax.set_title(f"{profiles[-1]:,} profiles in {len(falling):,} matches")
    return ax


def _distribution(ax: Axes, values: Floats | Sequence[float], start: float, what: str) -> None:
    """Draw a histogram of the values from a start to 1."""
    bins = [start + (1 - start) * step / 40 for step in range(41)]
    ax.hist(values, bins=bins, color=_TOTAL, alpha=0.7)
    if len(values):
        ax.set_yscale("log")
    ax.set_ylim(bottom=0.5)
    ax.set_ylabel(what)
