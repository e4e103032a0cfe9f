"""Python source, laid out as `ruff format` lays it out at any line length from 88 on."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

# The narrowest line length. What fits it is written on one line; all else has trailing commas,
# which keep it on several lines where lines may be longer.
_WIDTH = 88


@dataclass(frozen=True, slots=True)
class Group:
    """Items between brackets, on one line if they fit."""

    before: str
    """The text in front of the items, up to the opening bracket."""
    items: tuple[Item, ...]
    after: str
    """The text behind them, from the closing bracket on."""


Item = str | Group


def lay_out(item: Item, indent: int = 0, after: str = "") -> str:
    """Return the lines of an item, with `after` behind the last."""
    flat = _flat(item) + after
    margin = " " * indent
    if isinstance(item, str) or not item.items or indent + _columns(flat) <= _WIDTH:
        return margin + flat
    inner = [lay_out(part, indent + 4, ",") for part in item.items]
    return "\n".join([margin + item.before, *inner, margin + item.after + after])


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _flat(item: Item) -> str:
    if isinstance(item, str):
        return item
    return item.before + ", ".join(map(_flat, item.items)) + item.after


def quote(text: str) -> str:
    """Return the literal of a text, in double quotes unless those need more escapes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    return mark + "".join(_escape(character, mark) for character in text) + mark


def _escape(character: str, mark: str) -> str:
    if character in (mark, "\\"):
        return f"\\{character}"
    return character if character.isprintable() else repr(character)[1:-1]
