"""The engine in a file: loading a million customers one by one, and how little size matters.

Every load is the way that a program would do it, one acknowledged CreateProfile after another.
The same searches, with one hit each, then run in turn on a small and on a large file.
"""

from __future__ import annotations

import tempfile
import time
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import track

from benchmarks.people import full_name, people, person
from benchmarks.report import Goal, Line, console, duration, show
from benchmarks.survivor import survivors
from benchmarks.timing import Timing, Variant, in_turn
from customer_profiles import CustomerProfiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SMALL = 10_000
LARGE = 1_000_000
SECONDS_A_MILLION = 300.0
KILLS = 3
SAMPLE = 2_000
ROUNDS = 41
CALLS = 100


def run(*, quick: bool) -> list[str]:
    """Load, search, create, kill; give the goals missed."""
    large = LARGE // 10 if quick else LARGE
    with tempfile.TemporaryDirectory(prefix="customer-profiles-") as folder:
        small_file, large_file = Path(folder, "small.db"), Path(folder, "large.db")
        _load(small_file, SMALL)
        missed = _loading(large_file, large)
        missed += _growing(small_file, large_file, large, rounds=11 if quick else ROUNDS)
        return missed + _killing(Path(folder))


def _load(path: Path, size: int) -> float:
    """Create that many profiles, and give the seconds it took without making them up."""
    taken = 0.0
    with CustomerProfiles.embedded(path) as cp:
        profiles = cp.domains.create("shop", default_expiration_days=366).profiles
        batch = 1000
        for begin in track(range(0, size, batch), f"loading {size:,}", console=console):
            customers = [*people(batch, begin)]
            begun = time.perf_counter()
            for customer in customers:
                profiles.create(customer)
            taken += time.perf_counter() - begun
    return taken


def _loading(path: Path, size: int) -> list[str]:
    seconds = _load(path, size)
    megabytes = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*")) / 1e6
    cells = (f"{seconds:.0f} s", f"{size / seconds:,.0f}", f"{megabytes:.0f} MB")
    goal = Goal(SECONDS_A_MILLION * size / LARGE, at_least=False, unit=" s")
    line = Line(f"{size:,} creates, each acknowledged", cells, seconds, goal)
    return show("Loading a file", ("took", "a second", "file"), [line])


def _growing(small: Path, large: Path, size: int, rounds: int) -> list[str]:
    """Search and create in turn on both files."""
    with CustomerProfiles.embedded(small) as few, CustomerProfiles.embedded(large) as many:
        stores = {SMALL: few.domain("shop").profiles, size: many.domain("shop").profiles}
        title = f"Medians with {SMALL:,} and with {size:,} profiles stored"
        lines = [
            _line(name, _compare(ask, stores, rounds), size) for name, ask in _QUESTIONS.items()
        ]
        return show(title, (f"{SMALL:,}", f"{size:,}", "x", "half of the rounds", "x CPU"), lines)


def _compare(
    ask: Callable[[Any, int], Callable[[], object]], stores: dict[int, Any], rounds: int
) -> dict[str, Timing]:
    variants = [Variant(str(size), ask(store, size), CALLS) for size, store in stores.items()]
    return in_turn(variants, rounds)


def _line(name: str, timings: dict[str, Timing], size: int) -> Line:
    few, many = timings[str(SMALL)], timings[str(size)]
    ratio = many.median / few.median
    low, high = few.spread(many)
    medians = duration(few.median), duration(many.median)
    spread, cpu = f"{low:.2f} - {high:.2f}", f"{few.times_less_cpu_than(many):.2f}"
    cells = (*medians, f"{ratio:.2f}", spread, cpu)
    return Line(name, cells, ratio, Goal(2.0, at_least=False) if "search" in name else None)


def _scattered(size: int) -> Iterator[Any]:
    """Give stored customers from all over the file, again and again."""
    return cycle([person(number) for number in range(0, size, size // SAMPLE)])


def _by_email(profiles: Any, size: int) -> Callable[[], object]:
    stored = _scattered(size)
    return lambda: profiles.search(email=next(stored).email_address).one()


def _by_phone(profiles: Any, size: int) -> Callable[[], object]:
    stored = _scattered(size)
    return lambda: profiles.search(phone=next(stored).phone_number).one()


def _by_name(profiles: Any, size: int) -> Callable[[], object]:
    stored = _scattered(size)
    return lambda: profiles.search(full_name=full_name(next(stored))).one()


def _by_two_keys(profiles: Any, size: int) -> Callable[[], object]:
    stored = _scattered(size)

    def search() -> object:
        customer = next(stored)
        return profiles.search(
            email=customer.email_address, phone=customer.phone_number, match="all"
        ).one()

    return search


def _get(profiles: Any, size: int) -> Callable[[], object]:
    stored = _scattered(size)
    ids = cycle(
        [profiles.search(email=next(stored).email_address).one().profile_id for _ in range(SAMPLE)]
    )
    return lambda: profiles.get(next(ids))


def _create(profiles: Any, size: int) -> Callable[[], object]:
    customers = iter([*people(ROUNDS * CALLS + 1, size)])
    return lambda: profiles.create(next(customers))


_QUESTIONS: dict[str, Callable[[Any, int], Callable[[], object]]] = {
    "search by e-mail": _by_email,
    "search by phone": _by_phone,
    "search by full name": _by_name,
    "search by e-mail and phone": _by_two_keys,
    "get": _get,
    "create": _create,
}


def _killing(folder: Path) -> list[str]:
    """Kill a loading process without warning, again and again, and look for what it told us."""
    lines = []
    for attempt in range(KILLS):
        told, kept = survivors(folder / f"killed-{attempt}.db", told=1000 * (attempt + 1))
        lost = Goal(0, at_least=False, unit=" lost")
        cells = (f"{told:,}", f"{kept:,}")
        lines.append(Line(f"kill -9, round {attempt + 1}", cells, float(told - kept), lost))
    return show("Acknowledged creates after kill -9", ("acknowledged", "found"), lines)
