"""Read JSON lines, JSON arrays and documents with a list of records, one record at a time.

The standard library's scanner reads each record where it is in the text, so that its own text and
the number of its line are known; libraries for streaming JSON return neither.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from . import encodings
from .records import NO_JSON, NO_OBJECT, Record, RecordTable
from .table import FileError

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from .encodings import Encoding
    from .source import Source

_CHUNK = 1 << 16
_LONGEST = 1 << 25
"""The most characters of a record."""
_SPACE = re.compile(r"[\s,]*")
_MARGIN = 20


def is_json(sample: str) -> bool:
    """Return whether a text seems to be JSON."""
    start = sample.lstrip("\ufeff \t\r\n")
    return bool(re.match(r'\{\s*("|\}|$)|\[\s*(\{|\]|$)', start))


def open_json(source: Source, encoding: Encoding, name: str) -> RecordTable:
    """Open JSON lines, or a document of records.

    Raises:
        FileError: the file has no records.
    """
    sample = encodings.decoded_sample(source, encoding.name).lstrip("\ufeff \t\r\n")
    text = encodings.open_text(source, encoding.name)
    if sample.startswith("["):
        return RecordTable(source, "a JSON array", _items(_Window(text), _after_bracket))
    first, _, rest = sample.partition("\n")
    member = _list_of(sample)
    is_lines = _is_object(first) and not (member is not None and not rest.strip())
    if name.endswith(("l", "ndjson")) or is_lines:
        return RecordTable(source, "JSON lines", _lines(text))
    if member is None:
        return RecordTable(source, "a JSON document", _items(_Window(text), _at_start))
    what = f"the list {member!r} of a JSON document"
    return RecordTable(source, what, _items(_Window(text), _after_member(member)))


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _list_of(sample: str) -> str | None:
    """Return the member of a document that holds the records, as in `{"data": [{…}]}`."""
    match = re.match(r'\{(?:\s*"[^"\[\]{}]*"\s*:\s*(?:"[^"]*"|[^"\[\]{},]+)\s*,)*\s*'
                     r'"([^"]*)"\s*:\s*\[\s*\{', sample)  # fmt: skip
    return match[1] if match and match[1].lower() in _LISTS else None


_LISTS = frozenset({
    "data", "items", "results", "records", "rows", "list", "value", "values", "entries", "objects",
    "customers", "contacts", "users", "people", "persons", "profiles", "leads", "members",
    "clients", "subscribers", "elements", "kunden", "kontakte", "clientes", "contactos",
})  # fmt: skip


def _lines(text: io.TextIOWrapper) -> Iterator[Record]:
    for number, line in enumerate(text, 1):
        stripped = line.strip().removeprefix("\ufeff")
        if not stripped:
            continue
        if encodings.DAMAGED.search(stripped):
            kept = encodings.DAMAGED.sub("\ufffd", stripped)
            yield Record(number, None, kept, "the line has bytes that are not in its encoding")
            continue
        try:
            value = json.loads(stripped)
        except (ValueError, RecursionError):
            yield Record(number, None, stripped, NO_JSON)
            continue
        problem = "" if isinstance(value, dict) else NO_OBJECT
        yield Record(number, value, stripped, problem)


class _Window:
    """A part of a text that moves along with what is read."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.part = ""
        self.line = 1
        self.is_over = False

    def more(self) -> bool:
        """Read more of the text; return whether there was more."""
        data = self._text.read(_CHUNK)
        self.part += data
        self.is_over = not data
        return bool(data)

    def drop(self, count: int) -> None:
        """Skip a number of characters."""
        self.line += self.part.count("\n", 0, count)
        self.part = self.part[count:]

    def skip(self) -> str:
        """Go to the next character that is no space and no comma; empty at the end."""
        while True:
            match = _SPACE.match(self.part)
            self.drop(match.end() if match else 0)
            if self.part or not self.more():
                return self.part[:1]


def _at_start(window: _Window) -> None:
    if window.skip() == "\ufeff":
        window.drop(1)


def _after_bracket(window: _Window) -> None:
    _at_start(window)
    window.skip()
    window.drop(1)


def _after_member(name: str) -> Any:
    def find(window: _Window) -> None:
        pattern = re.compile(rf'"{re.escape(name)}"\s*:\s*\[')
        window.more()
        while not (match := pattern.search(window.part)):
            if not window.more():
                msg = "the list of records is not found"
                raise FileError(msg)
        window.drop(match.end())

    return find


def _items(window: _Window, start: Any) -> Iterator[Record]:
    start(window)
    decode = json.JSONDecoder().raw_decode
    while (first := window.skip()) and first != "]":
        try:
            value, end = decode(window.part)
            # A number at the end of what was read may go on.
            if end == len(window.part) and window.more():
                continue
        except (ValueError, RecursionError) as error:
            if _may_go_on(error, window) and window.more():
                continue
            reason = (
                f"the text is not JSON from here on, near line {_line_of(error, window)}; "
                "what follows is not read"
            )
            yield Record(window.line, None, "", reason)
            return
        text = window.part[:end]
        line = window.line
        window.drop(end)
        if encodings.DAMAGED.search(text):
            kept = encodings.DAMAGED.sub("\ufffd", text)
            yield Record(line, None, kept, "the record has bytes that are not in its encoding")
            continue
        problem = "" if isinstance(value, dict) else NO_OBJECT
        yield Record(line, value, text, problem)
    if not first and start is not _at_start:
        yield Record(window.line, None, "", "the file ends within the array; it may be cut")


def _line_of(error: Exception, window: _Window) -> int:
    if isinstance(error, json.JSONDecodeError):
        return window.line + error.lineno - 1
    return window.line


def _may_go_on(error: Exception, window: _Window) -> bool:
    """Return whether a record is perhaps only cut by the end of what was read."""
    if window.is_over or len(window.part) > _LONGEST:
        return False
    if not isinstance(error, json.JSONDecodeError):
        return False
    at_end = error.pos >= len(window.part) - _MARGIN
    return at_end or error.msg.startswith("Unterminated string")
