"""How the cost of a request grows with what is stored: steps of SQLite at n and at 2n rows.

A ratio of 1 means that the cost does not depend on the rows, and 2 that it grows as they do. Steps
of SQLite's virtual machine are counted, so that a busy machine does not matter; the time is shown
beside them.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from benchmarks.report import Goal, Line, duration, show
from customer_profiles.engine import Engine, ManualClock, Quotas

if TYPE_CHECKING:
    from collections.abc import Callable

    Prepared = tuple[Engine, Callable[[], object]]

ROWS = 500
STEPS = 10
FLAT, LINEAR = Goal(1.2, at_least=False), Goal(2.4, at_least=False)
RULES = {
    "Enabled": True,
    "MatchingRules": [{"Rule": ["LastName"]}, {"Rule": ["EmailAddress"]}],
    "MaxAllowedRuleLevelForMatching": 2,
}
ORDER = {
    "Description": "Orders",
    "AllowProfileCreation": True,
    "Fields": {name: {"Source": f"_source.{name}"} for name in ("id", "who")},
    "Keys": {
        "Id": [{"StandardIdentifiers": ["UNIQUE"], "FieldNames": ["id"]}],
        "Who": [{"StandardIdentifiers": ["PROFILE"], "FieldNames": ["who"]}],
    },
}


def run(*, quick: bool) -> list[str]:
    """Count the steps of requests at two sizes; return the goals that were missed."""
    rows = ROWS // 5 if quick else ROWS
    lines = [_line(name, rows, *parts) for name, parts in REQUESTS.items()]
    heads = (f"{rows} rows", f"{2 * rows} rows", "time", "growth")
    return show("Steps of a request", heads, lines)


def _line(name: str, rows: int, prepare: Callable[[int], Prepared], goal: Goal) -> Line:
    small, _ = _cost(*prepare(rows))
    large, seconds = _cost(*prepare(2 * rows))
    cells = (f"{small:,}", f"{large:,}", duration(seconds), f"{large / small:.2f}")
    return Line(name, cells, large / small, goal)


def _cost(engine: Engine, call: Callable[[], object]) -> tuple[int, float]:
    connection, taken = engine._database._writer, [0]

    def count() -> None:
        taken[0] += STEPS

    connection.set_progress_handler(count, STEPS)
    begun = time.perf_counter()
    call()
    seconds = time.perf_counter() - begun
    engine.close()
    return taken[0], seconds


def _ask(engine: Engine, operation: str, **members: Any) -> Any:
    return json.loads(engine.answer(operation, {"DomainName": "shop", **members}))


def _shop(quotas: Quotas | None = None, **settings: Any) -> Engine:
    engine = Engine(clock=ManualClock(), quotas=quotas or Quotas(objects=1_000_000))
    _ask(engine, "CreateDomain", DefaultExpirationDays=30, **settings)
    return engine


def _put(engine: Engine, number: object, who: str = "ada") -> None:
    text = json.dumps({"id": str(number), "who": who})
    _ask(engine, "PutProfileObject", ObjectTypeName="Order", Object=text)


def _orders(rows: int, quotas: Quotas | None = None) -> tuple[Engine, str]:
    engine = _shop(quotas)
    _ask(engine, "PutProfileObjectType", ObjectTypeName="Order", **ORDER)
    for number in range(rows):
        _put(engine, number)
    return engine, _holder(engine, "ada")


def _holder(engine: Engine, who: str) -> str:
    found = _ask(engine, "SearchProfiles", KeyName="Who", Values=[who])
    return str(found["Items"][0]["ProfileId"])


def _group(rows: int) -> Prepared:
    engine = _shop(RuleBasedMatching=RULES)
    for number in range(rows):
        email = f"{number // 2}@example.com"
        # A value that more than 500 profiles have does not match.
        _ask(engine, "CreateProfile", LastName=f"L{number // 400}", EmailAddress=email)
    return engine, lambda: _ask(engine, "ListRuleBasedMatches")


def _merging(rows: int) -> Prepared:
    engine = _shop(RuleBasedMatching={**RULES, "MaxAllowedRuleLevelForMerging": 2})

    def create(number: int) -> None:
        email = f"{number}@example.com"
        _ask(engine, "CreateProfile", LastName="Lovelace", EmailAddress=email)

    for number in range(rows):
        create(number)
    return engine, lambda: create(rows)


def _evicting(rows: int) -> Prepared:
    engine, _ = _orders(rows, Quotas(objects=rows))
    return engine, lambda: _put(engine, "new")


def _merged(rows: int) -> Prepared:
    engine, ada = _orders(rows, Quotas(objects=rows))
    for number in range(rows):
        _put(engine, f"b{number}", who="bob")
    merged = [_holder(engine, "bob")]
    _ask(engine, "MergeProfiles", MainProfileId=ada, ProfileIdsToBeMerged=merged)
    return engine, lambda: _put(engine, "new")


def _listing(**members: Any) -> Callable[[int], Prepared]:
    def prepare(rows: int) -> Prepared:
        engine, ada = _orders(rows)
        request = {"ProfileId": ada, "ObjectTypeName": "Order", **members}
        return engine, lambda: _ask(engine, "ListProfileObjects", **request)

    return prepare


def _updating(rows: int) -> Prepared:
    engine = _shop()
    ada = _ask(engine, "CreateProfile", FirstName="Ada")["ProfileId"]

    def update(number: int) -> None:
        _ask(engine, "UpdateProfile", ProfileId=ada, FirstName=f"Ada {number}")

    for number in range(rows):
        update(number)
    return engine, lambda: update(rows)


def _searching(rows: int) -> Prepared:
    engine = _shop()
    for _ in range(rows):
        _ask(engine, "CreateProfile", LastName="Lovelace")
    search = {"KeyName": "_fullName", "Values": ["Lovelace"], "MaxResults": 20}
    return engine, lambda: _ask(engine, "SearchProfiles", **search)


FILTER = {"KeyName": "Who", "Values": ["ada"]}
REQUESTS: dict[str, tuple[Callable[[int], Prepared], Goal]] = {
    "list rule-based matches": (_group, LINEAR),
    "create a profile that is merged": (_merging, FLAT),
    "put into a full profile": (_evicting, LINEAR),
    "put after a merge of two full profiles": (_merged, LINEAR),
    "list objects": (_listing(), FLAT),
    "list objects with a filter": (_listing(ObjectFilter=FILTER), FLAT),
    "update a profile": (_updating, FLAT),
    "search by a key": (_searching, FLAT),
}
