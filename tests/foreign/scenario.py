"""The scenario that every client runs, and the checks of what it answers.

`scenario.json` is a list of steps: `call` names the operation and `input` its request; `expect` has
members of the answer, or `error` describes the refusal. Other members of a step:

* `as` gives the answer a name, and `{name.Member.0.Member}` stands for a value of that answer;
* `pages` reads all pages of a size, by the client's paginator if it has one for the operation;
* `sorted` names the lists of an answer that are sorted before they are compared, and by what;
* `region` and `account` replace those of the environment.

Steps without a `call` do what no request does: `job` runs identity resolution in a domain, `due`
lets the engine do what is due, and `put` puts `content` to a URL, encrypted with `key`.

A list is expected as a whole, other members of a structure may be there too. Instead of a value,
`<absent>`, `<now>` (a time of this run), `<id>`, `<text>`, `<number>` and `<filled>` (a list, a map
or a text that is not empty) may be expected, and `{"<json>": …}` of a text.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore import xform_name

if TYPE_CHECKING:
    from collections.abc import Iterator

Step = dict[str, Any]

FILE = Path(__file__).with_name("scenario.json")
STEPS: list[Step] = json.loads(FILE.read_text("utf-8"))
_REFERENCE = re.compile(r"\{([a-z]\w*(?:\.\w+)+)\}")
_RUN = timedelta(minutes=15)


@cache
def model() -> Any:
    """Return botocore's description of the service."""
    return botocore.session.get_session().get_service_model("customer-profiles")


@cache
def paginated() -> frozenset[str]:
    """Return the operations for which SDKs have paginators, whose description they share."""
    description = botocore.session.get_session().get_paginator_model("customer-profiles")
    return frozenset(description._paginator_config)


def resolve(value: Any, answers: dict[str, Any]) -> Any:
    """Return a value with the values of earlier answers in place of the references to them."""
    if isinstance(value, dict):
        return {name: resolve(member, answers) for name, member in value.items()}
    if isinstance(value, list):
        return [resolve(item, answers) for item in value]
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    name, *path = found[1].split(".")
    referred = answers[name]
    for part in path:
        referred = referred[int(part) if isinstance(referred, list) else part]
    return referred


def to_snake(shape: Any, value: Any) -> Any:
    """Return an input with its members, though not the keys of its maps, in snake_case."""
    match shape.type_name:
        case "structure" if value.keys() != {"$date"}:
            members = shape.members
            return {
                _in_snake_case(shape, name): to_snake(members[name], value[name]) for name in value
            }
        case "map":
            return {key: to_snake(shape.value, item) for key, item in value.items()}
        case "list":
            return [to_snake(shape.member, item) for item in value]
    return value


def _in_snake_case(shape: Any, name: str) -> str:
    """Return a member's name in snake_case, unless it is that of a variant of a union."""
    return name if shape.is_tagged_union else xform_name(name)


class Reading:
    """Reads an answer by the shape of its operation, and collects what is wrong with it."""

    def __init__(self, *, snake_case: bool, typed_dates: bool) -> None:
        self.problems: list[str] = []
        self._snake_case = snake_case
        self._typed_dates = typed_dates

    def read(self, shape: Any, value: Any, path: str = "") -> Any:
        """Return a value with the names of the wire and with times as `datetime`."""
        if value is None:
            self.problems.append(f"{path} is null; a member without a value must be absent")
            return None
        match shape.type_name:
            case "structure":
                names = {
                    _in_snake_case(shape, name) if self._snake_case else name: name
                    for name in shape.members
                }
                if unknown := value.keys() - names.keys():
                    self.problems.append(f"{path} has the unknown members {sorted(unknown)}")
                return {
                    names[name]: self.read(
                        shape.members[names[name]], value[name], f"{path}.{names[name]}"
                    )
                    for name in value
                    if name in names
                }
            case "map":
                return {
                    key: self.read(shape.value, item, f"{path}.{key}")
                    for key, item in value.items()
                }
            case "list":
                return [
                    self.read(shape.member, item, f"{path}.{n}") for n, item in enumerate(value)
                ]
            case "timestamp":
                return self._read_date(value, path)
        return value

    def _read_date(self, value: Any, path: str) -> Any:
        if isinstance(value, dict) == self._typed_dates:
            if isinstance(value, dict):
                date = datetime.fromisoformat(value["$date"])
            elif isinstance(value, str):
                date = datetime.fromisoformat(value)
            else:
                date = datetime.fromtimestamp(value, UTC)
            if date.tzinfo is not None:
                return date
        self.problems.append(f"{path} is {value!r}, not a time as this client gives it")
        return value


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """Yield the differences between a value and what is expected."""
    match expected, actual:
        case str(), _ if expected.startswith("<"):
            if not _is_like(expected, actual):
                yield f"{path} is {actual!r}, not {expected}"
        case {"<json>": content}, str():
            yield from differences(content, json.loads(actual), path)
        case dict(), dict():
            yield from _differences_of_members(expected, actual, path)
        case list(), list() if len(expected) == len(actual):
            for n, (left, right) in enumerate(zip(expected, actual, strict=True)):
                yield from differences(left, right, f"{path}.{n}")
        case _ if expected != actual or isinstance(expected, bool) != isinstance(actual, bool):
            yield f"{path} is {actual!r}, not {expected!r}"


def _differences_of_members(
    expected: dict[str, Any], actual: dict[str, Any], path: str
) -> Iterator[str]:
    for name, value in expected.items():
        if value == "<absent>":
            if name in actual:
                yield f"{path}.{name} is {actual[name]!r}, which should be absent"
        elif name not in actual:
            yield f"{path}.{name} is missing"
        else:
            yield from differences(value, actual[name], f"{path}.{name}")


def _is_like(kind: str, value: Any) -> bool:
    match kind:
        case "<now>":
            return isinstance(value, datetime) and abs(datetime.now(UTC) - value) < _RUN
        case "<id>":
            return isinstance(value, str) and re.fullmatch("[a-f0-9]{32}", value) is not None
        case "<text>":
            return isinstance(value, str) and value != ""
        case "<number>":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "<filled>":
            return isinstance(value, str | list | dict) and len(value) > 0
    message = f"scenario.json expects {kind}, which is not known"
    raise ValueError(message)
