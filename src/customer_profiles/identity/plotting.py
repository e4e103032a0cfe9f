"""Plots of explanations and scores; they need matplotlib."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .explaining import Explanation
    from .resolution import Resolution

_FOR, _AGAINST, _TOTAL = "#2e8b57", "#c0392b", "#34495e"


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        msg = "plots need matplotlib: pip install 'customer-profiles[plots]'"
        raise ImportError(msg) from error
    # A figure of its own, not pyplot's: nothing is kept open, no window is needed.
    return Figure(figsize=(8, 4.5), layout="constrained").add_subplot()


def waterfall(explanation: Explanation, ax: Any = None) -> Any:
    """Draw how the evidence leads from the prior to the score."""
    ax = _axes(ax)
    steps = [("before comparing", explanation.prior)]
    steps += [(f"{one.attribute}: {one.level}", one.weight) for one in explanation.evidence]
    at = 0.0
    for place, (_, weight) in enumerate(steps):
        ax.barh(place, weight, left=at, color=_FOR if weight > 0 else _AGAINST)
        ax.text(
            at + weight,
            place,
            f" {weight:+.1f} ",
            va="center",
            ha="left" if weight > 0 else "right",
        )
        at += weight
    ax.barh(len(steps), at, color=_TOTAL)
    ax.set_yticks(range(len(steps) + 1), [name for name, _ in steps] + ["together"])
    ax.invert_yaxis()
    ax.axvline(0, color="black", linewidth=0.8)
    ax.use_sticky_edges = False  # Else bars that grow to the left leave no room for their labels.
    ax.margins(x=0.15, y=0.02)
    ax.set_xlabel("bits for a match (binary logarithm of the odds)")
    ax.set_title(f"{explanation.probability:.1%} one person")
    return ax


def thresholds(resolution: Resolution, ax: Any = None) -> Any:
    """Draw how pairs score, and how many records groups hold at each threshold."""
    ax = _axes(ax)
    pairs = resolution.pairs()
    _distribution(ax, pairs.probability, 0, "pairs")
    ax.set_xlabel("probability")
    other = ax.twinx()
    marks = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
    held = [sum(len(one.ids) - 1 for one in resolution.at(mark)) for mark in marks]
    other.plot(marks, held, color=_FOR, marker="o")
    other.set_ylabel("records that merging would take away")
    other.set_ylim(0, 1.1 * max(1, *held))
    ax.axvline(resolution.threshold, color=_AGAINST, linestyle="--")
    ax.set_title(f"{len(resolution.groups):,} groups at {resolution.threshold}")
    return ax


def consequences(
    matches: Sequence[tuple[float, int]],
    tried: Sequence[tuple[float, float]] = (),
    least: float | None = None,
    ax: Any = None,
) -> Any:
    """Draw how sure matches are, and how many profiles each minimum confidence would merge.

    Args:
        matches: of each match its confidence and how many profiles it has.
        tried: minimum confidences, and how many profiles criteria would merge at them.
        least: the minimum confidence to mark.
        ax: the axes to draw on; without them a figure is made.
    """
    ax = _axes(ax)
    falling = sorted(matches, reverse=True)
    start = min([0.95, *(one for one, _ in (falling[-1:] + sorted(tried)[:1]))])
    _distribution(ax, [one for one, _ in falling], start, "matches")
    ax.set_xlabel("minimum confidence")
    other = ax.twinx()
    held = [0, *accumulate(size for _, size in falling)]
    # From each match's confidence down to the next one's, the match is among those merged.
    edges = [1.0, *(one for one, _ in falling), start]
    other.step(
        edges, [*held, held[-1]], where="post", color=_TOTAL, label="if all matches are merged"
    )
    if tried:
        marks, merged = zip(*sorted(tried), strict=True)
        other.plot(marks, merged, color=_FOR, marker="o", label="if they meet the criteria")
        other.legend(loc="center left")
    if least is not None:
        ax.axvline(least, color=_AGAINST, linestyle="--")
    other.set_ylabel("profiles that would be merged")
    other.set_ylim(0, 1.1 * max(1, held[-1]))
    ax.set_title(f"{held[-1]:,} profiles in {len(falling):,} matches")
    return ax


def _distribution(ax: Any, values: Any, start: float, what: str) -> None:
    """Draw how many values there are from a start to 1."""
    bins = [start + (1 - start) * step / 40 for step in range(41)]
    ax.hist(values, bins=bins, color=_TOTAL, alpha=0.7)
    if len(values):
        ax.set_yscale("log")
    ax.set_ylim(bottom=0.5)
    ax.set_ylabel(what)
