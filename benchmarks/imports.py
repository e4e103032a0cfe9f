"""What a script pays before its first request: fresh processes, in turn."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Goal, Line, duration, show
from benchmarks.timing import Timing, Variant, in_turn

BASE = "boto3 + client"
PROGRAMS = {
    "an empty program": "pass",
    "import boto3": "import boto3",
    BASE: "import boto3; boto3.client('customer-profiles', region_name='us-east-1')",
    "import customer_profiles": "import customer_profiles",
    "import its models": "from customer_profiles import Address, Domain, Profile",
    "import its models and client": (
        "from customer_profiles import Address, CustomerProfiles, Domain, Profile"
    ),
    "ready client of ours": (
        "from customer_profiles import CustomerProfiles; CustomerProfiles(region='us-east-1')"
    ),
    "the same, and the models": (
        "from customer_profiles import CustomerProfiles;"
        "CustomerProfiles(region='us-east-1').domain('shop').profiles"
    ),
    "engine in place of AWS, and the models": (
        "from customer_profiles import CustomerProfiles;"
        "CustomerProfiles.embedded().domain('shop').profiles"
    ),
}
GOALS = {
    "import customer_profiles": Goal(0.4, at_least=False),
    "ready client of ours": Goal(1.15, at_least=False),
}
UNWANTED = ("customer_profiles.engine", "customer_profiles.cli", "customer_profiles.identity")


def run(*, quick: bool) -> list[str]:
    """Time each program, and see what it imported; give the goals missed."""
    variants = [
        Variant(name, lambda program=program: _run(program), 1)
        for name, program in PROGRAMS.items()
    ]
    timings = in_turn(variants, 5 if quick else 15)
    title = "Import and client, whole processes"
    heads = ("median", f"x {BASE}", "half of the rounds", "x CPU")
    missed = show(title, heads, [_line(name, timings) for name in PROGRAMS])
    return missed + _unwanted()


def _line(name: str, timings: dict[str, Timing]) -> Line:
    timing, base = timings[name], timings[BASE]
    ratio = timing.median / base.median
    cpu = base.times_less_cpu_than(timing)
    low, high = base.spread(timing)
    cells = (duration(timing.median), f"{ratio:.2f}", f"{low:.2f} - {high:.2f}", f"{cpu:.2f}")
    return Line(name, cells, ratio, GOALS.get(name))


def _unwanted() -> list[str]:
    """Count the modules that only other users need, in the process of a ready client."""
    program = PROGRAMS["ready client of ours"] + ";import sys;print(*sys.modules)"
    modules = _run(program).split()
    lines = [
        Line(name, (), float(sum(f"{module}.".startswith(f"{name}.") for module in modules)), goal)
        for name in (*UNWANTED, "moto", "tenacity")
        for goal in [Goal(0, at_least=False, unit=" modules")]
    ]
    return show("Imported with a ready client", (), lines)


def _run(program: str) -> str:
    """Run a program where no stray file or credential of the caller's changes what it does."""
    nobody = Path(tempfile.gettempdir()) / "no-such-file"
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": str(nobody),
        "AWS_SHARED_CREDENTIALS_FILE": str(nobody),
    }
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout
