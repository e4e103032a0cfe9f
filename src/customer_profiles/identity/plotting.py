"""Plots of explanations and scores; they need matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
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
    ax.margins(x=0.15)
    ax.set_xlabel("bits for a match (binary logarithm of the odds)")
    ax.set_title(f"{explanation.probability:.1%} one person")
    return ax


def thresholds(resolution: Resolution, ax: Any = None) -> Any:
    """Draw how pairs score, and how many records groups hold at each threshold."""
    ax = _axes(ax)
    pairs = resolution.pairs()
    ax.hist(pairs.probability, bins=np.linspace(0, 1, 41), color=_TOTAL, alpha=0.7)
    ax.set_yscale("log")
    ax.set_xlabel("probability")
    ax.set_ylabel("pairs")
    other = ax.twinx()
    marks = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
    held = [sum(len(one.ids) - 1 for one in resolution.at(mark)) for mark in marks]
    other.plot(marks, held, color=_FOR, marker="o")
    other.set_ylabel("records that merging would take away")
    other.set_ylim(bottom=0)
    ax.axvline(resolution.threshold, color=_AGAINST, linestyle="--")
    ax.set_title(f"{len(resolution.groups):,} groups at {resolution.threshold}")
    return ax
