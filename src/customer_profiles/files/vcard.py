"""Read vCards by vobject; their properties become the columns of an export of contacts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from . import encodings
from .records import SEVERAL, Record, RecordTable
from .table import FileError

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from .encodings import Encoding
    from .source import Source

_LONGEST = 1 << 24
_TYPES = re.compile(r"^(?:type=)?[\"']?(\w[\w -]*)", re.IGNORECASE)
_NO_LABELS = frozenset({"pref", "internet", "voice", "msg", "x-internet"})
_GROUP_LABEL = re.compile(r"_\$!<(.*)>!\$_")
_NAMES = (
    ("family", "Last Name"), ("given", "First Name"), ("additional", "Middle Name"),
    ("prefix", "Name Prefix"), ("suffix", "Name Suffix"),
)  # fmt: skip
_ADDRESS = (
    ("street", "Street"), ("extended", "Extended Address"), ("box", "PO Box"), ("city", "City"),
    ("region", "Region"), ("code", "Postal Code"), ("country", "Country"),
)  # fmt: skip
_TEXTS = {
    "bday": "Birthday", "gender": "Gender", "nickname": "Nickname", "title": "Job Title",
    "note": "Notes", "url": "Website", "role": "Role", "uid": "UID", "categories": "Categories",
    "anniversary": "Wedding Day",
}  # fmt: skip
_IGNORED = frozenset({
    "version", "n", "fn", "org", "email", "tel", "adr", "prodid", "rev", "photo", "logo",
    "x-ablabel",
})  # fmt: skip


def is_vcard(sample: str) -> bool:
    """Return whether a text is a file of vCards."""
    return sample.lstrip("\ufeff \t\r\n")[:11].upper() == "BEGIN:VCARD"


def open_vcards(source: Source, encoding: Encoding) -> RecordTable:
    """Open a file of vCards of version 2.1, 3.0 or 4.0.

    Raises:
        FileError: vobject is not installed.
    """
    try:
        import vobject
    except ModuleNotFoundError as error:
        msg = "a vCard file needs vobject: pip install vobject"
        raise FileError(msg) from error
    text = encodings.open_text(source, encoding.name)
    return RecordTable(source, "vCards", _cards(text, vobject))


def _cards(text: io.TextIOWrapper, vobject: Any) -> Iterator[Record]:
    """Yield the cards; one that cannot be read does not spoil the others."""
    lines: list[str] = []
    start = size = 0
    for number, line in enumerate(text, 1):
        word = line.strip().removeprefix("\ufeff").upper()
        if word == "BEGIN:VCARD":
            lines, start, size = [], number, 0
        size += len(line)
        if start and size < _LONGEST:
            lines.append(line.removeprefix("\ufeff"))
        if word == "END:VCARD" and start:
            yield _record("".join(lines), start, vobject)
            lines, start = [], 0
    if start:
        yield Record(start, None, "", "the card has no end; the file may be cut")


def _record(text: str, line: int, vobject: Any) -> Record:
    if encodings.DAMAGED.search(text):
        return Record(line, None, "", "the card has bytes that are not in its encoding")
    try:
        card = next(vobject.readComponents(text, ignoreUnreadable=True, allowQP=True))
        return Record(line, _members(card))
    except Exception:  # noqa: BLE001  (vobject raises errors of many kinds)
        return Record(line, None, "", "the card cannot be read")


def _members(card: Any) -> dict[str, str]:
    labels = {
        item.group: str(item.value) for item in card.getChildren() if item.name == "X-ABLABEL"
    }
    found = _names(card)
    for name, column in (("email", "E-mail"), ("tel", "Phone")):
        for number, item in enumerate(_preferred(card.contents.get(name, ())), 1):
            if label := _label(item, labels):
                found[f"{column} {number} - Label"] = label
            found[f"{column} {number} - Value"] = re.sub("^(tel|mailto):", "", str(item.value))
    for number, item in enumerate(_preferred(card.contents.get("adr", ())), 1):
        if label := _label(item, labels):
            found[f"Address {number} - Label"] = label
        for name, column in _ADDRESS:
            if words := _joined(getattr(item.value, name, ""), "\n"):
                found[f"Address {number} - {column}"] = words
    for name, items in card.contents.items():
        if name not in _IGNORED:
            texts = [str(item.value) for item in items if isinstance(item.value, str | list)]
            found[_TEXTS.get(str(name), str(name))] = SEVERAL.join(texts)
    return found


def _names(card: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in card.contents.get("n", ())[:1]:
        for name, column in _NAMES:
            if words := _joined(getattr(item.value, name, ""), " "):
                found[column] = words
    for item in card.contents.get("fn", ())[:1]:
        found["Full Name"] = str(item.value)
    for item in card.contents.get("org", ())[:1]:
        parts = item.value if isinstance(item.value, list) else [str(item.value)]
        found["Organization Name"] = parts[0].strip()
        if rest := _joined(parts[1:], " "):
            found["Organization Department"] = rest
    return found


def _joined(part: str | list[str], mark: str) -> str:
    return mark.join(filter(None, part if isinstance(part, list) else [part]))


def _preferred(items: Any) -> list[Any]:
    """Return properties with the preferred one first."""
    return sorted(items, key=lambda item: "pref" not in _types(item))


def _types(item: Any) -> set[str]:
    values = [value for name in ("TYPE", "PREF") for value in item.params.get(name, ())]
    # Version 2.1 writes types without their name.
    bare = [name for name in item.params if not item.params[name]] + list(item.singletonparams)
    words = {word.strip().lower() for value in [*values, *bare] for word in str(value).split(",")}
    return words | ({"pref"} if "PREF" in item.params else set())


def _label(item: Any, labels: dict[str, str]) -> str:
    if item.group and item.group in labels:
        label = labels[item.group]
        match = _GROUP_LABEL.search(label)
        return match[1] if match else label
    return " ".join(sorted(word for word in _types(item) - _NO_LABELS if not word.isdecimal()))
