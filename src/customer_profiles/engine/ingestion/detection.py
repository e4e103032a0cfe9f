"""DetectProfileObjectType: an object type for sample objects, guessed from attribute names."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from customer_profiles import _timestamps
from customer_profiles.engine.service.refusals import bad_request

from .profile_members import member_of
from .values import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from customer_profiles._wire import Wire

# AG:object-type-mapping-troubleshooting has the limit and the messages.
ATTRIBUTES = 120
# Assumed: detection reads objects up to 32 levels deep.
_DEPTH = 32
_LONGEST_NAME = 64
# The service model's limit for a field's source.
_LONGEST_SOURCE = 1000

_TYPES = (
    ("EmailAddress", "EMAIL_ADDRESS"), ("PhoneNumber", "PHONE_NUMBER"),
    ("FirstName", "NAME"), ("MiddleName", "NAME"), ("LastName", "NAME"), ("BusinessName", "NAME"),
)  # fmt: skip
_UPDATED = ("updatedat", "lastupdated", "lastmodified", "modifiedat", "updateddate", "updated")
_FORMATS = (
    "EpochMilli",
    "yyyy-MM-dd'T'HH:mm:ss.SSSX",
    "yyyy-MM-dd'T'HH:mm:ssX",
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "yyyy-MM-dd'T'HH:mm:ssXXX",
    "yyyy-MM-dd'T'HH:mm:ss",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd",
)
_MILLISECONDS = re.compile(r"[0-9]{12,14}")
_TIMESTAMP = "_profile.SourceLastUpdatedTimestamp"


class _Attribute(NamedTuple):
    name: str
    """The field's name."""
    path: tuple[str, ...]
    values: tuple[str, ...]


def detect(objects: Sequence[str]) -> list[Wire]:
    """Return the object types for sample objects; none if the objects have no attribute.

    Raises:
        Refusal: a text is not a JSON object, or there are too many attributes.
    """
    attributes = list(_attributes([_parsed(text) for text in objects]))
    fields, timestamp = _fields(attributes)
    if not fields:
        return []
    detected: Wire = {"Fields": fields, "Keys": _keys(attributes, fields)}
    # Assumed: detection returns one object type.
    return [detected | {"SourceLastUpdatedTimestampFormat": timestamp} if timestamp else detected]


def _parsed(words: str) -> Wire:
    try:
        value = json.loads(words)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise bad_request("Could not parse object string into JSON")
    return value


def _attributes(objects: Iterable[Wire]) -> Iterator[_Attribute]:
    found: dict[tuple[str, ...], list[str]] = {}
    for item in objects:
        for path, value in _leaves(item, (), 0):
            found.setdefault(path, []).extend([value] if value is not None else [])
            if len(found) > ATTRIBUTES:
                raise bad_request(f"Breached limit of {ATTRIBUTES} attributes")
    used: set[str] = set()
    for path, values in found.items():
        name = _name(path, used)
        used.add(name)
        yield _Attribute(name, path, tuple(values))


def _leaves(
    value: object, path: tuple[str, ...], depth: int
) -> Iterator[tuple[tuple[str, ...], str | None]]:
    if depth > _DEPTH:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            # Assumed: an attribute whose name cannot be written in a source is skipped.
            if name and not re.search(r"[.\[\]{}]", name):
                yield from _leaves(inner, (*path, name), depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, (*path[:-1], f"{path[-1].removesuffix('[]')}[]"), depth + 1)
    else:
        yield path, text(value)


def _name(path: tuple[str, ...], used: set[str]) -> str:
    words = [re.sub(r"[^A-Za-z0-9_-]", "", step) for step in path]
    name = re.sub(r"^[^A-Za-z]+", "", "_".join(word for word in words if word))[:_LONGEST_NAME]
    base = name if name and name not in ("Tags", "tags") else "field"
    found, number = base, 2
    while found in used:
        found = f"{base[: _LONGEST_NAME - len(str(number))]}{number}"
        number += 1
    return found


def _plain(words: str) -> str:
    return re.sub(r"[^a-z0-9]", "", words.lower())


def _fields(attributes: Iterable[_Attribute]) -> tuple[Wire, str | None]:
    fields: Wire = {}
    used: set[str] = set()
    timestamp: str | None = None
    for attribute in attributes:
        field = {"Source": "_source." + ".".join(attribute.path)}
        if timestamp is None and (timestamp := _format(attribute)):
            field["Target"] = _TIMESTAMP
        elif (member := _member(attribute)) and member not in used:
            used.add(member)
            field |= {"Target": f"_profile.{member}", "ContentType": _content_type(member)}
        if len(field["Source"]) <= _LONGEST_SOURCE:
            fields[attribute.name] = {"ContentType": "STRING"} | field
    return fields, timestamp


def _format(attribute: _Attribute) -> str | None:
    if not _plain(attribute.path[-1]).endswith(_UPDATED) or not attribute.values:
        return None
    return next((form for form in _FORMATS if _fits(form, attribute.values)), None)


def _fits(form: str, values: Iterable[str]) -> bool:
    if form == "EpochMilli":
        return all(_MILLISECONDS.fullmatch(value) for value in values)
    try:
        for value in values:
            _timestamps.timestamp_format(form).read(value)
    except ValueError:
        return False
    return True


def _member(attribute: _Attribute) -> str | None:
    # Assumed: detection recognises the names of attributes that the CLI's load recognises.
    return member_of(attribute.path[-1])


def _content_type(member: str) -> str:
    return next((kind for end, kind in _TYPES if member.endswith(end)), "STRING")


def _keys(attributes: Sequence[_Attribute], fields: Wire) -> Wire:
    usable = [attribute for attribute in attributes if attribute.name in fields]
    ids = [item for item in usable if re.search(r"(?:^|_)(?:id|ID)$|I[dD]$", item.path[-1])]
    # Assumed: the UNIQUE key that detection returns is a field named like an id, or the first one.
    # Assumed: the PROFILE key that detection returns is an e-mail address or phone, if any.
    unique = min(ids or usable[:1], key=lambda item: len(item.path))
    keys: Wire = {}
    for key, member in (("_email", "EmailAddress"), ("_phone", "PhoneNumber")):
        found = next((item for item in usable if _has(fields[item.name], member)), None)
        if found is not None and found is not unique and not keys:
            keys[key] = [{"StandardIdentifiers": ["PROFILE"], "FieldNames": [found.name]}]
    identifiers = ["UNIQUE"] if keys else ["UNIQUE", "PROFILE"]
    return {
        unique.name: [{"StandardIdentifiers": identifiers, "FieldNames": [unique.name]}],
        **keys,
    }


def _has(field: Wire, member: str) -> bool:
    return str(field.get("Target", "")).endswith(member)
