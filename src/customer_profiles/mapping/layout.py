"""Python source text, laid out as `ruff format` lays it out at any line length from 88 on."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TypeVar

# The narrowest line length: what fits here stands on one line, the rest has trailing commas,
# which keep it apart where lines may be longer.
_WIDTH = 88


@dataclass(frozen=True, slots=True)
class Group:
    """Items between brackets, in one line if they fit."""

    before: str
    """What stands before the items, the opening bracket included."""
    items: tuple[Item, ...]
    after: str
    """What stands behind them, from the closing bracket on."""


Item = str | Group
G = TypeVar("G", bound=Item)


def lay_out(item: Item, indent: int = 0, after: str = "") -> str:
    """Give the lines of an item, with `after` behind the last."""
    flat = _flat(item) + after
    margin = " " * indent
    if isinstance(item, str) or not item.items or indent + _columns(flat) <= _WIDTH:
        return margin + flat
    inner = [lay_out(one, indent + 4, ",") for one in item.items]
    return "\n".join([margin + item.before, *inner, margin + item.after + after])


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _flat(item: Item) -> str:
    if isinstance(item, str):
        return item
    return item.before + ", ".join(map(_flat, item.items)) + item.after


def quote(text: str) -> str:
    """Give a text as a literal, in double quotes unless those need more escapes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    return mark + "".join(_escape(one, mark) for one in text) + mark


def _escape(character: str, mark: str) -> str:
    if character in (mark, "\\"):
        return f"\\{character}"
    return character if character.isprintable() else repr(character)[1:-1]
