"""The target of a field: the member of a standard object that its value is written to."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles import _standard_objects as standard
from customer_profiles import _wire
from customer_profiles._standard_objects import PROFILE

from .sources import compile_source

if TYPE_CHECKING:
    from collections.abc import Callable

    Key = str | Callable[[_wire.Wire], str | None]
    Put = Callable[[_wire.Wire, tuple[str, ...], str], None]

_LONGEST_KEY = 255
_SHALLOW = 2
_PLACEHOLDER = re.compile(r"\{\{?([^{}]+)\}?\}")


class Target(NamedTuple):
    """A compiled target."""

    object: str
    """The standard object's name."""
    keys: tuple[Key, ...]
    """The members and map keys that lead to the value; of a list, those that lead to the list."""
    item: tuple[str, ...] | None
    """The members that lead from a list's item to the value; None outside lists."""
    node: standard.Node

    @property
    def text_path(self) -> tuple[str, str] | None:
        """The parent, or "", and the member of a plain text at most two levels deep; else None."""
        if self.item is not None or self.node.kind != "text" or self.node.values:
            return None
        names = [key for key in self.keys if isinstance(key, str)]
        if len(names) != len(self.keys) or len(names) > _SHALLOW:
            return None
        return "" if len(names) == 1 else names[0], names[-1]


def compile_target(target: str) -> Target:
    """Compile a field's target.

    Raises:
        ValueError: it names no member that can be written; the message says why.
    """
    found, steps, node = standard.target(target)
    names = [_key(step) for step in steps if step.kind != "item"]
    position = next((at for at, step in enumerate(steps) if step.kind == "item"), None)
    if position is None:
        return Target(found.name, tuple(names), None, node)
    item = tuple(name for name in names[position:] if isinstance(name, str))
    return Target(found.name, tuple(names[:position]), item, node)


def _key(step: standard.Step) -> Key:
    if step.kind == "member":
        return step.name
    if match := _PLACEHOLDER.fullmatch(step.name):
        # AG:mapping-campaign-objects-to-the-standard-communication-record: an event's type is
        # read from the source.
        # Assumed: braces in a target contain a path of the source, with or without _source.
        path = match[1].strip().removeprefix("_source.")
        return compile_source(f"_source.{path}").read
    if "{" in step.name or "}" in step.name:
        raise ValueError(f"'{step.name}' mixes braces with other text; use braces alone")
    if len(step.name) > _LONGEST_KEY:
        raise ValueError(f"it has a name of more than {_LONGEST_KEY} characters; use a shorter one")
    return step.name


def writer(node: standard.Node) -> Put:
    """Return the function that writes a value of a kind to the member that a path names."""
    if node.kind == "preferences":
        return _put_preferences
    if node.kind == "number":
        return _put_number
    if node.values:
        return _put_choice(node.values)
    return _put_text(node.longest)


def _parent(members: _wire.Wire, names: tuple[str, ...]) -> _wire.Wire:
    """Return the structure of the last member of a path, created if needed."""
    for name in names[:-1]:
        members = members.setdefault(name, {})
    return members


def _put_text(longest: int) -> Put:
    # Assumed: text that is longer than its member allows is cut; the object keeps all of it.
    def put(members: _wire.Wire, names: tuple[str, ...], value: str) -> None:
        _parent(members, names)[names[-1]] = value[:longest]

    return put


def _put_choice(values: tuple[str, ...]) -> Put:
    # Assumed: a mapped gender, party type or profile type is read in upper and lower case.
    # Assumed: a mapped gender or party type that the enum lacks goes to GenderString and so on.
    # Assumed: GenderString and PartyTypeString leave an earlier value of the enum unchanged.
    # Assumed: a mapped profile type that is not a value of the enum is dropped.
    def put(members: _wire.Wire, names: tuple[str, ...], value: str) -> None:
        chosen = value.strip().upper()
        inner, name = _parent(members, names), names[-1]
        if chosen in values:
            inner[name] = chosen
        elif standard.standard()[PROFILE].takes(f"{name}String"):
            inner[f"{name}String"] = value[:_LONGEST_KEY]

    return put


def _put_number(members: _wire.Wire, names: tuple[str, ...], value: str) -> None:
    # Assumed: a value that is not a number is not written to a numeric member.
    try:
        number = float(value)
    except ValueError:
        return
    if math.isfinite(number):
        whole = number.is_integer() and abs(number) < _EXACT
        _parent(members, names)[names[-1]] = int(number) if whole else number


_EXACT = 2**53


def _put_preferences(members: _wire.Wire, names: tuple[str, ...], value: str) -> None:
    # AG:customer-profiles-object-type-mappings: the value is a list of preferences as JSON text.
    # Assumed: items of a list of preferences that are not contact preferences are dropped.
    shape: Any = _wire.service().shape_for("ContactPreference")
    try:
        items = json.loads(value)
    except (ValueError, RecursionError):
        return
    listed = items if isinstance(items, list) else [items]
    kept = [item for item in listed if item and not _wire.problems(item, shape)]
    if kept:
        _parent(members, names)[names[-1]] = kept
