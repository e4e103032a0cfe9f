"""Run the parts that the command line names, all of them without a name."""

from __future__ import annotations

import argparse
import importlib
import platform
from importlib.metadata import version

from benchmarks.report import console

PARTS = (
    "imports",
    "wire",
    "engine",
    "growth",
    "audiences",
    "scale",
    "serve",
    "objects",
    "feed",
    "load",
    "identity",
    "cost",
    "unseen",
    "labels",
)


def main() -> int:
    """Measure, print, and give the exit code: 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS), help="all of them by default")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a tenth of the scale")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {PARTS}")
    console.print(_surroundings(), style="dim")
    missed = [
        goal
        for part in chosen.parts or PARTS
        for goal in importlib.import_module(f"benchmarks.{part}").run(quick=chosen.quick)
    ]
    for goal in missed:
        console.print(f"[red]missed[/] {goal}")
    if not missed:
        console.print("[green]every goal reached[/]")
    return 1 if missed else 0


def _surroundings() -> str:
    peers = ("boto3", "capo-customer-profiles", "moto", "pydantic")
    versions = ", ".join(f"{name} {version(name)}" for name in peers)
    return f"Python {platform.python_version()} on {platform.machine()}, {versions}"


if __name__ == "__main__":
    raise SystemExit(main())
