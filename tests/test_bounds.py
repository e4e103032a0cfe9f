"""The work on users' text grows with its length, and no faster."""

from __future__ import annotations

import importlib
import io
import json
import pkgutil
import re
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

import customer_profiles
from customer_profiles import _standard_objects as standard
from customer_profiles import _timestamps, _wire
from customer_profiles.engine import Engine, ManualClock, Refusal
from customer_profiles.engine.flows import files, operators
from customer_profiles.engine.ingestion import sources, targets, values
from customer_profiles.engine.profiles import keys
from customer_profiles.engine.service import protocol
from customer_profiles.identity.preparing import kinds, normalize
from customer_profiles.identity.preparing import values as column_values
from customer_profiles.identity.preparing.values import Sample
from customer_profiles.identity.scripts import letters as scripts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HUGE = 250_000
# The worst texts known of each kind of reader, as a beginning, a unit that repeats, and an end.
WORST = [
    (start, unit, end)
    for start in ("", "1", "{")
    for unit in (
        "1",
        "a",
        " ",
        ".",
        "1.",
        "{",
        "}",
        "{{",
        "[",
        '"',
        "'",
        ",",
        ";",
        ":",
        "-",
        "\n",
        "\\",
        "a ",
        "a,",
        "@",
        "/",
        "e9",
        "${",
        "\u00e9",
        "\u3042",
        "\0",
    )
    for end in ("", "x")
]
# These see no longer text than the service's model lets pass, or than their caller cuts.
BOUNDED = {
    "engine.ingestion.handlebars._TAG": 1_000,
    "_standard_objects._SEGMENT": 1_000,
    "engine.flows.tasks._PLACEHOLDER": 2_048,
    "identity.preparing.normalize._IN_WORDS": 64,
    "cli.values._EMAILS": 2_000,
    "cli.values._PHONES": 2_000,
}


def cpu(read: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    with suppress(ValueError, Refusal, files.FileProblem):
        read(text)
    return time.process_time() - began


def is_linear(read: Callable[[str], object], start: str, unit: str, end: str, size: int) -> bool:
    """Compare the time for a text with that for an eighth; a quadratic reader takes 64 times."""
    sizes = (size // 8 // len(unit), size // len(unit))
    short, long = (start + unit * count + end for count in sizes)
    if cpu(read, short) > 1.0:
        return False
    if cpu(read, long) < 0.1:
        return True
    slowest_short = max(0.002, *(cpu(read, short) for _ in range(3)))
    return min(cpu(read, long) for _ in range(3)) < 24 * slowest_short


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in pkgutil.walk_packages(customer_profiles.__path__, "customer_profiles."):
        if "spark" in module.name or module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, re.Pattern):
                    yield f"{module.name.removeprefix('customer_profiles.')}.{name}", item


def methods(pattern: re.Pattern[Any]) -> tuple[Callable[[str], object], ...]:
    found = (pattern.match, pattern.fullmatch)
    if isinstance(pattern.pattern, str):
        return found

    def of_bytes(method: Callable[[bytes], object]) -> Callable[[str], object]:
        def match(text: str) -> object:
            return method(text.encode())

        return match

    return tuple(map(of_bytes, found))


def test_every_pattern_is_linear() -> None:
    slow = [
        (name, method.__name__, worst)
        for name, pattern in patterns()
        for method in methods(pattern)
        for worst in WORST
        if not is_linear(method, *worst, BOUNDED.get(name, 4_000))
    ]

    assert slow == []


CONTENT_TYPES = ("NUMBER", "PHONE_NUMBER", "EMAIL_ADDRESS", "NAME", "STRING")
SOURCE = sources.compile_source("{{#each _source.a}}{{this}}{{/each}}")
READERS: dict[str, Callable[[str], object]] = {
    **{name: lambda text, name=name: keys.normalize_as(name, text) for name in CONTENT_TYPES},
    "key of three fields": lambda text: keys.normals("own", CONTENT_TYPES[:3], text),
    "template": lambda text: SOURCE.read({"a": [text]}),
    "path": lambda text: sources.compile_source("_source.a[].b").read({"a": [{"b": text}] * 2}),
    "value": lambda text: values.text({"a": text}),
    "position": lambda text: values.follow(["a"], [text]),
    "number of a flow": operators.reader("double"),
    "time of a flow": operators.reader("datetime"),
    "number of an object": lambda text: targets.writer(standard.Node("number"))({}, ("a",), text),
    "preferences": lambda text: targets.writer(standard.Node("preferences"))({}, ("a",), text),
    "epoch": _timestamps.timestamp_format("EpochMilli").seconds,
    "timestamp": _timestamps.timestamp_format("EEE, d MMM yyyy HH:mm:ss.SSS Z").seconds,
    "CSV": lambda text: list(files.read("a.csv", io.BytesIO(text.encode()))),
    "JSON": lambda text: list(files.read("a.json", io.BytesIO(text.encode()))),
    "JSON lines": lambda text: list(files.read("a.jsonl", io.BytesIO(text.encode()))),
    "date": lambda text: normalize.date(text, days_first=True),
    "column": kinds.kind_of,
    "values of a column": lambda text: column_values.guess(Sample([text], [20], 20, 20)),
    "Latin letters": scripts.latin,
    "request": lambda text: protocol.cleaned({text: [text]}),
    "body": lambda text: protocol.read("POST", "/domains/shop/profiles", {}, text),
    "URL": lambda text: protocol.read("GET", f"/domains/{text}", {}, b""),
    "query": lambda text: protocol.read("GET", f"/domains?max-results={text}&{text}", {}, b""),
    "ARN": lambda text: _wire.problems(text, _wire.service().shape_for("Arn")),
    "ARN of a key": lambda text: _wire.problems(text, _wire.service().shape_for("KmsArn")),
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_every_reader_of_text_is_linear(name: str) -> None:
    slow = [worst for worst in WORST if not is_linear(READERS[name], *worst, HUGE)]

    assert slow == []


@pytest.mark.parametrize("start", ["arn:aws:kms:", "arn:a:profile:"])
def test_patterns_of_the_service_see_no_more_than_may_be_valid(start: str) -> None:
    shapes = [_wire.service().shape_for(name) for name in ("KmsArn", "Arn", "TagArn", "RoleArn")]

    slow = [
        shape.name
        for shape in shapes
        if not is_linear(lambda text, shape=shape: _wire.problems(text, shape), "", start, "", HUGE)
    ]

    assert slow == []


def test_a_header_of_many_columns_is_checked_in_one_pass() -> None:
    header = ",".join(f"column{number}" for number in range(HUGE // 12))

    assert cpu(READERS["CSV"], header) < 1.0


def test_a_target_of_spaces_is_read_in_few_steps() -> None:
    target = "_profile.Attributes.{" + " " * 970 + "}a"

    assert cpu(targets.compile_target, target) < 0.2


def calls(read: Callable[[], object]) -> int:
    """Count the calls of Python functions and of built-in ones."""
    count = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event.endswith("call")

    sys.setprofile(note)
    try:
        read()
    finally:
        sys.setprofile(None)
    return count


def test_a_put_makes_as_many_calls_for_a_huge_value_as_for_a_small_one() -> None:
    with Engine(clock=ManualClock()) as engine:
        shop = {"DomainName": "shop"}
        engine.answer("CreateDomain", {**shop, "DefaultExpirationDays": 30})
        fields = {
            name: {"Source": f"_source.{name}", "Target": f"_profile.Attributes.{name}"}
            | {"ContentType": name}
            for name in CONTENT_TYPES
        }
        own = {"StandardIdentifiers": ["PROFILE", "UNIQUE"], "FieldNames": list(CONTENT_TYPES)}
        kind = {**shop, "ObjectTypeName": "Crm"}
        definition = {"Description": "a", "Fields": fields, "Keys": {"own": [own]}}
        engine.answer("PutProfileObjectType", {**kind, **definition, "AllowProfileCreation": True})

        def put(size: int) -> int:
            item = json.dumps(dict.fromkeys(CONTENT_TYPES, "1" * size + "x"))
            request = {**kind, "Object": item}
            return calls(lambda: engine.answer("PutProfileObject", request))

        put(10)
        small, large = put(300), put(HUGE // 6)

    assert large < 1.2 * small
