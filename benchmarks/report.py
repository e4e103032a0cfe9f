"""Print what was measured as tables, each goal with its verdict."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.timing import Timing

console = Console(width=None if sys.stdout.isatty() else 120)


class Goal(NamedTuple):
    """A bound that a figure must keep."""

    bound: float
    at_least: bool = True
    unit: str = "x"

    def holds(self, figure: float) -> bool:
        """Say whether the figure keeps the bound."""
        return figure >= self.bound if self.at_least else figure <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}{self.unit}"


class Line(NamedTuple):
    """One line of a table."""

    name: str
    cells: tuple[str, ...]
    figure: float | None = None
    """What the goal is about."""
    goal: Goal | None = None


def show(title: str, heads: tuple[str, ...], lines: Iterable[Line]) -> list[str]:
    """Print one table, and give the goals that were missed, in words."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    for head in (*heads, "goal", ""):
        table.add_column(head, justify="right")
    missed: list[str] = []
    for line in lines:
        table.add_row(line.name, *line.cells, *_verdict(line))
        if line.goal is not None and not _kept(line):
            missed.append(f"{title}: {line.name} is {line.figure:.3g}, goal {line.goal}")
    console.print(table)
    return missed


def _kept(line: Line) -> bool:
    return line.goal is None or (line.figure is not None and line.goal.holds(line.figure))


def _verdict(line: Line) -> tuple[str, str]:
    if line.goal is None:
        return "", ""
    return str(line.goal), "[green]pass[/]" if _kept(line) else "[red]miss[/]"


_MILLISECOND = 1e-3


def duration(seconds: float) -> str:
    """Write seconds in the unit that suits them."""
    if seconds < _MILLISECOND:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.1f} s"


def faster(title: str, timings: dict[str, Timing], base: str, goals: dict[str, Goal]) -> list[str]:
    """Print how many times faster than `base` each variant is."""
    heads = ("median", f"x {base}", "half of the rounds", "x CPU")
    lines = [_faster_line(name, timings, base, goals.get(name)) for name in timings]
    return show(title, heads, lines)


def _faster_line(name: str, timings: dict[str, Timing], base: str, goal: Goal | None) -> Line:
    timing = timings[name]
    ratio = timing.times_faster_than(timings[base])
    cpu = timing.times_less_cpu_than(timings[base])
    low, high = timing.spread(timings[base])
    cells = (duration(timing.median), f"{ratio:.2f}", f"{low:.2f} - {high:.2f}", f"{cpu:.2f}")
    return Line(name, cells, ratio, goal)
