"""Machine matching on sets that it was not tuned on, beside splink and, if installed, goldenmatch.

`benchmarks.made_sets` makes the sets: other languages, other damage, few duplicates, and columns
that do not identify anybody. goldenmatch gives groups and no probabilities, so only B-cubed F1 and
false groups compare.
"""

from __future__ import annotations

from importlib.util import find_spec
from subprocess import CalledProcessError
from typing import Any

from benchmarks.identity import child
from benchmarks.made_sets import MADE
from benchmarks.report import Goal, Line, console, show

# Best pair F1, pair F1 at 0.95, precision at 0.95, calibration error.
_GOALS: dict[str, tuple[float, float, float, float]] = {
    "narrow": (0.97, 0.95, 0.98, 0.03),
    "few": (0.0, 0.0, 0.95, 1.0),
    "unique": (0.0, 0.0, 0.0, 1.0),
    "households": (0.97, 0.94, 0.98, 0.03),
    "kyc": (0.75, 0.0, 0.95, 0.08),
}
_NOISE = (0.98, 0.95, 0.99, 0.03)
_MOST_FALSE = {"unique_10k": 1.0}
_QUICK = ("narrow_en_GB", "few_100", "kyc_en_US", "yes_no_10")


def run(*, quick: bool) -> list[str]:
    """Measure all sets, and give the goals that were missed."""
    missed: list[str] = []
    for name in _QUICK if quick else MADE:
        peers = [peer for peer in ("splink", "goldenmatch") if find_spec(peer)]
        missed += _shown(name, child("ours", name), {peer: _peer(peer, name) for peer in peers})
    return missed


def _peer(peer: str, name: str) -> Any:
    """Return what a peer reaches; nothing if it fails, as splink does with few matches."""
    try:
        return child(peer, name)
    except CalledProcessError as error:
        console.print(f"{peer} failed on {name}: {error.stderr.strip().splitlines()[-1]}")
        return {}


def _shown(name: str, ours: Any, peers: dict[str, Any]) -> list[str]:
    best, sure, precision, error = _GOALS.get(name.split("_", maxsplit=1)[0], _NOISE)
    most = _MOST_FALSE.get(name)

    def line(title: str, key: str, goal: Goal | None) -> Line:
        cells = [ours, *peers.values()]
        shown = tuple(f"{cell[key]:.3g}" if key in cell else "" for cell in cells)
        return Line(title, shown, ours[key], goal)

    lines = [
        line("pair F1, best threshold", "best", Goal(best, unit="")),
        line("pair F1 at 0.95", "sure", Goal(sure, unit="")),
        line("right of pairs at 0.95", "precision", Goal(precision, unit="")),
        line("true pairs compared", "compared", None),
        line("calibration error", "error", Goal(error, at_least=False, unit="")),
        line("B-cubed F1 at 0.95", "cubed", None),
        line("groups of several people", "false",
             None if most is None else Goal(most, at_least=False, unit="")),
        line("seconds", "seconds", None),
    ]  # fmt: skip
    return show(f"{name}: {ours['rows']:,} records", ("ours", *peers), lines)
