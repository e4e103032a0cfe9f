"""Redaction of texts that repeat a request: error messages, and the exceptions behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST_SECRET = 3


def redact(text: str, private: Iterable[str]) -> str:
    """Replace each private text that a message repeats by `<redacted>`."""
    for value in sorted(set(private), key=len, reverse=True):
        if len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "<redacted>")
    return text
