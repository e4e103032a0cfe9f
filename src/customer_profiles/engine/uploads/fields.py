"""The mapping of an upload job: which column of the file becomes which member of a profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from customer_profiles import _wire
from customer_profiles._hints.nearest import listed
from customer_profiles._standard_objects import PROFILE
from customer_profiles.engine.ingestion.targets import compile_target, writer
from customer_profiles.engine.profiles import keys
from customer_profiles.engine.service.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_profiles._wire import Wire
    from customer_profiles.engine.ingestion.targets import Put

    Path = tuple[str, ...]

UPDATE = "UpdateProfileRequest"
"""The shape that a row must fit."""
MOST_FIELDS = 25
"""The most attributes that a job maps. AG:customer-segments-imported-files"""
_SOURCE, _TARGET = "_source.", f"{PROFILE}."
_UNQUOTABLE = frozenset('"\\')
# The members that have a search key, and the key.
_INDEXED = {
    **dict.fromkeys(("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress"), "_email"),
    **dict.fromkeys(
        ("PhoneNumber", "MobilePhoneNumber", "HomePhoneNumber", "BusinessPhoneNumber"), "_phone"
    ),
    "AccountNumber": "_account",
}
# Values that are equal by these content types have equal search keys, so the index finds them.
_FOUND_BY = {
    "_email": ("STRING", "EMAIL_ADDRESS"),
    "_phone": ("STRING", "PHONE_NUMBER"),
    "_account": ("STRING",),
}


class Field(NamedTuple):
    """A column, and the member that gets its values."""

    column: str
    path: Path
    content_type: str
    put: Put | None
    """Writes a value that is one of a fixed set; None for other members, which take any text."""

    @property
    def search_key(self) -> str | None:
        """The search key that finds every profile with an equal value; None without one."""
        name = _INDEXED.get(self.path[0], "")
        return name if self.content_type in _FOUND_BY.get(name, ()) else None

    def normalize(self, value: str) -> str:
        """Return the form in which two values are compared; empty if it identifies nobody."""
        return keys.normalize_as(self.content_type, value)

    def value_in(self, profile: Wire) -> str | None:
        """Return the normal form of the value that a profile has."""
        value: Any = profile
        for name in self.path:
            value = value.get(name) if isinstance(value, dict) else None
        return self.normalize(value) if isinstance(value, str) else None

    def write(self, members: Wire, value: str) -> None:
        """Write a value to its member."""
        if self.put is not None:
            self.put(members, self.path, value)
            return
        for name in self.path[:-1]:
            members = members.setdefault(name, {})
        members[self.path[-1]] = value


@dataclass(frozen=True, slots=True)
class Plan:
    """The compiled mapping of a job."""

    fields: tuple[Field, ...]
    unique: Field
    """The field whose values identify the customers."""

    def members(self, row: Mapping[str, str]) -> Wire:
        """Return the members of a profile that a row sets; empty cells set none."""
        found: Wire = {}
        for field in self.fields:
            # Assumed: an empty cell, or one that a row lacks at its end, changes nothing.
            if value := row.get(field.column):
                field.write(found, value)
        return found


def compile_fields(wire: Mapping[str, Wire], unique_key: str) -> Plan:
    """Compile the Fields and the UniqueKey of a job.

    Raises:
        Refusal: one of them is not valid; the message names the field.
    """
    if not 0 < len(wire) <= MOST_FIELDS:
        # Assumed: a job without fields, or with more than 25, is refused when it is created.
        raise bad_request(f"Fields has {len(wire)} entries; give 1 to {MOST_FIELDS}")
    fields = {name: _field(name, entry) for name, entry in wire.items()}
    by_path: dict[Path, str] = {}
    for name, field in fields.items():
        other = by_path.setdefault(field.path, name)
        if other != name:
            # Assumed: two fields of an upload job must not have the same target.
            raise bad_request(f"Fields {other} and {name} have the same Target")
    unique = _unique(fields, unique_key)
    if unique.put is not None:
        raise bad_request(f"UniqueKey {unique_key} has a fixed set of values, so it is not unique")
    if unique.search_key is None and not _UNQUOTABLE.isdisjoint(unique.path[-1]):
        raise bad_request("The target of UniqueKey must not contain quotation marks or backslashes")
    return Plan(tuple(fields.values()), unique)


def _field(name: str, entry: Wire) -> Field:
    source, target = entry.get("Source", ""), entry.get("Target", "")
    column = source.removeprefix(_SOURCE)
    if not source.startswith(_SOURCE) or not column:
        raise bad_request(f"Source of field {name} must be {_SOURCE}<column of the file>")
    if "." in column or "{{" in column:
        # AG:customer-profiles-object-type-mappings: headers with dots are not supported.
        # Assumed: an upload job whose column has a dot in its name is refused.
        raise bad_request(f"Source of field {name} must name a column without dots")
    if not target.startswith(_TARGET):
        # AG:customer-segments-imported-files: columns are mapped to attributes of profiles.
        raise bad_request(f"Target of field {name} must be {_TARGET}<member of a profile>")
    try:
        found = compile_target(target)
    except ValueError as error:
        raise bad_request(f"Target of field {name} is not valid: {error}") from None
    path = tuple(key for key in found.keys if isinstance(key, str))
    is_text = len(path) == len(found.keys) and found.item is None and found.node.kind == "text"
    if not is_text or path[0] == "ProfileId" or path[0] not in _members():
        raise bad_request(f"Target of field {name} is not a text of a profile that can be set")
    put = writer(found.node) if found.node.values else None
    # Assumed: the values of a field without ContentType are compared as STRING.
    return Field(column, path, entry.get("ContentType", "STRING"), put)


def _members() -> Mapping[str, Any]:
    shape: Any = _wire.shape(UPDATE)
    return dict(shape.members)


def _unique(fields: Mapping[str, Field], unique_key: str) -> Field:
    # Assumed: UniqueKey names a field, else a column of the file, else a target.
    if unique_key in fields:
        return fields[unique_key]
    for field in fields.values():
        if field.column == unique_key.removeprefix(_SOURCE):
            return field
    for field in fields.values():
        if ".".join(field.path) == unique_key.removeprefix(_TARGET):
            return field
    raise bad_request(f"UniqueKey names none of the Fields; name one of {listed(fields)}")
