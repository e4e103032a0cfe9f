"""An object type: how the objects of a source become profiles and standard objects."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypedDict

from pydantic import ValidationError
from pydantic.alias_generators import to_pascal

from .base import Model, OpenEnum, Record

if TYPE_CHECKING:
    from typing import Unpack

    from customer_profiles.errors import InvalidInputError

ContentType = Literal["STRING", "NUMBER", "PHONE_NUMBER", "EMAIL_ADDRESS", "NAME"]
StandardObjectIdentifier = Literal[
    "ASSET",
    "CASE",
    "DEVICE",
    "WEB_ANALYTICS",
    "ORDER",
    "COMMUNICATION_RECORD",
    "AIR_PREFERENCE",
    "HOTEL_PREFERENCE",
    "AIR_BOOKING",
    "AIR_SEGMENT",
    "HOTEL_RESERVATION",
    "HOTEL_STAY_REVENUE",
    "LOYALTY",
    "LOYALTY_TRANSACTION",
    "LOYALTY_PROMOTION",
]
StandardIdentifier = (
    Literal["PROFILE", "UNIQUE", "SECONDARY", "LOOKUP_ONLY", "NEW_ONLY"] | StandardObjectIdentifier
)


class ObjectTypeField(Model):
    """A field of an object type: the source, target and type of its value."""

    source: str | None = None
    """A path such as `_source.Email`, or a Handlebars template."""
    target: str | None = None
    """The standard object's member that takes the value, such as `_profile.EmailAddress`."""
    content_type: Annotated[ContentType, OpenEnum()] | None = None
    """How values of the field's keys are compared; STRING by default."""


class ObjectTypeKey(Model):
    """One definition of a key: its purpose, and the fields whose values it joins."""

    standard_identifiers: list[Annotated[StandardIdentifier, OpenEnum()]] | None = None
    """The purposes of the key; without any it is a search index only."""
    field_names: list[str] | None = None
    """The names of the fields whose values, joined, are the key's value."""


class ObjectType(Record):
    """How the objects of a source become profiles and standard objects.

    Listed object types have a name, description, counts, priority, times and tags; `refresh()`
    reads the rest.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            "object_type_name",
            "template_id",
            "expiration_days",
            "allow_profile_creation",
            "source_last_updated_timestamp_format",
            "max_profile_object_count",
            "max_available_profile_object_count",
            "source_priority",
            "created_at",
            "last_updated_at",
        }
    )

    object_type_name: str
    """The name: up to 255 letters, digits, `_` and `-`, beginning with a letter."""
    description: str | None = None
    """What the objects are, 1 to 1,000 characters; required when the object type is put."""
    template_id: str | None = None
    """The template whose fields and keys the object type has, instead of its own."""
    expiration_days: int | None = None
    """Days from an object's ingestion until it expires, 1 to 1,098."""
    encryption_key: str | None = None
    """The ARN of the KMS key that encrypts the objects."""
    allow_profile_creation: bool | None = None
    """Whether an object that matches no profile creates one; False by default."""
    source_last_updated_timestamp_format: str | None = None
    """`EpochMilli`, or a pattern of Java's SimpleDateFormat."""
    max_profile_object_count: int | None = None
    """How many objects of this type a profile keeps; the oldest are removed."""
    max_available_profile_object_count: int | None = None
    """The highest `max_profile_object_count` that can be set; read only."""
    source_priority: int | None = None
    """Which source's value a field of the profile takes, 1 or more; 1 is the highest."""
    fields: dict[str, ObjectTypeField] | None = None
    """The fields by name, up to 250."""
    keys: dict[str, list[ObjectTypeKey]] | None = None
    """The definitions of each key, by the key's name; up to 10 in all."""
    created_at: datetime | None = None
    """When the object type was created; read only."""
    last_updated_at: datetime | None = None
    """When the object type was last changed; read only."""
    tags: dict[str, str] | None = None
    """The tags when this was read; `cp.tags` changes them."""

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read an object type from a JSON file with the service's names.

        Args:
            path: a request of PutProfileObjectType, an answer of GetProfileObjectType, or a
                resource `AWS::CustomerProfiles::ObjectType` of CloudFormation, whose fields and
                keys are lists, in UTF-8.

        Raises:
            InvalidInputError: the file is not JSON, or has a member that is unknown or wrong; the
                message names it.
            OSError: the file cannot be opened.
        """
        path = Path(path)
        wire = _from_cloudformation(path, _load(path))
        try:
            return cls.model_validate(wire, by_alias=True, by_name=False)
        except ValidationError as error:
            details = error.errors(include_input=False, include_url=False)
            reasons = "; ".join(_reason(item["loc"], item["type"], item["msg"]) for item in details)
            raise _wrong(path, reasons) from None

    def to_file(self, path: str | Path) -> None:
        """Write this as a JSON file that `from_file` and the AWS CLI read.

        Read-only members are left out.

        Args:
            path: the file, which is replaced if it exists.

        Raises:
            OSError: the file cannot be written.
        """
        wire = {name: value for name, value in self._to_wire().items() if name not in _READ_ONLY}
        text = json.dumps(wire, indent=2, ensure_ascii=False)
        Path(path).write_text(text + "\n", encoding="utf-8")


class ObjectTypeFields(TypedDict, total=False):
    """The settings of an object type as keywords."""

    description: str | None
    template_id: str | None
    expiration_days: int | None
    encryption_key: str | None
    allow_profile_creation: bool | None
    source_last_updated_timestamp_format: str | None
    max_profile_object_count: int | None
    source_priority: int | None
    fields: dict[str, ObjectTypeField] | None
    keys: dict[str, list[ObjectTypeKey]] | None
    tags: dict[str, str] | None


class _ObjectTypeMapping(Model):
    """The fields and keys that templates and detected mappings have."""

    source_last_updated_timestamp_format: str | None = None
    """`EpochMilli`, or a pattern of Java's SimpleDateFormat."""
    fields: dict[str, ObjectTypeField] | None = None
    """The fields by name."""
    keys: dict[str, list[ObjectTypeKey]] | None = None
    """The definitions of each key by its name."""


class ObjectTypeTemplate(_ObjectTypeMapping):
    """A mapping that the service offers for the objects of a well-known source."""

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            "template_id",
            "source_name",
            "source_object",
            "default_max_profile_object_count",
            "default_max_profile_object_count_effective_after",
            "store_only",
            "allow_profile_creation",
            "source_last_updated_timestamp_format",
        }
    )

    template_id: str | None = None
    """The template's id, such as `Salesforce-Contact`."""
    source_name: str | None = None
    """The source, such as `Salesforce`."""
    source_object: str | None = None
    """The source's object, such as `Contact`."""
    default_max_profile_object_count: int | None = None
    """How many objects a profile keeps if the object type has no `max_profile_object_count`."""
    default_max_profile_object_count_effective_after: datetime | None = None
    """The default holds for domains created after this time."""
    store_only: bool | None = None
    """Whether objects are only stored, without filling standard objects."""
    allow_profile_creation: bool | None = None
    """Whether an object that matches no profile creates one."""


class DetectedObjectType(_ObjectTypeMapping):
    """A mapping that the service proposes for sample objects."""

    _shown: ClassVar[frozenset[str]] = frozenset({"source_last_updated_timestamp_format"})

    def named(self, name: str, /, **settings: Unpack[ObjectTypeFields]) -> ObjectType:
        """Return an object type with this mapping.

        Args:
            name: the object type's name.
            settings: its other settings; `description` is the name by default.
        """
        found = {field: getattr(self, field) for field in type(self).model_fields}
        values: dict[str, Any] = {**found, "description": name, **settings}
        return ObjectType(object_type_name=name, **values)


_READ_ONLY = frozenset({"CreatedAt", "LastUpdatedAt", "MaxAvailableProfileObjectCount"})
# Members of requests and answers that are no part of the object type.
_ENVELOPE = ("DomainName", "ResponseMetadata")


def _wrong(path: Path, reason: str) -> InvalidInputError:
    from customer_profiles.errors import InvalidInputError

    return InvalidInputError(f"{path.name}: {reason}")


def _load(path: Path) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise _wrong(path, f"{twice} occurs twice in the same object; keep one of them")
        return members

    try:
        # Some editors begin UTF-8 with a byte order mark.
        wire = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=once)
    except json.JSONDecodeError as error:
        reason = f"line {error.lineno}, column {error.colno}: this is not JSON ({error.msg})"
        raise _wrong(path, reason) from None
    except (UnicodeDecodeError, RecursionError):
        raise _wrong(path, "this is not JSON in UTF-8") from None
    if not isinstance(wire, dict):
        raise _wrong(path, 'an object type is a JSON object, such as {"ObjectTypeName": ...}')
    return {name: value for name, value in wire.items() if name not in _ENVELOPE}


_RESOURCE = "AWS::CustomerProfiles::ObjectType"
_LISTS = {"Fields": "ObjectTypeField", "Keys": "ObjectTypeKeyList"}


def _from_cloudformation(path: Path, wire: dict[str, Any]) -> dict[str, Any]:
    """Return the form of the service for an object type in the form of CloudFormation."""
    resources = wire.get("Resources")
    if isinstance(resources, dict):
        found = [
            resource
            for resource in resources.values()
            if isinstance(resource, dict) and resource.get("Type") == _RESOURCE
        ]
        if len(found) != 1:
            raise _wrong(path, f"the template has {len(found)} resources {_RESOURCE}; keep one")
        wire = found[0]
    if wire.get("Type") == _RESOURCE and isinstance(properties := wire.get("Properties"), dict):
        wire = properties
    is_list = any(isinstance(wire.get(name), list) for name in _LISTS)
    wire = {
        name: _by_name(path, name, value) if name in _LISTS else value
        for name, value in wire.items()
        # The domain is not part of an object type; the command or the collection has it.
        if not (is_list and name == "DomainName")
    }
    if is_list and isinstance(tags := wire.get("Tags"), list):
        wire["Tags"] = {
            tag["Key"]: tag.get("Value") for tag in tags if isinstance(tag, dict) and "Key" in tag
        }
    return wire


def _by_name(path: Path, member: str, value: Any) -> Any:
    """Return CloudFormation's list of named fields or keys as an object by their names."""
    if not isinstance(value, list):
        return value
    inner = _LISTS[member]
    found: dict[str, Any] = {}
    for position, item in enumerate(value):
        where = f"{member}[{position}]"
        if not isinstance(item, dict) or not isinstance(name := item.get("Name"), str):
            raise _wrong(path, f'{where} is an object with "Name" and "{inner}"')
        if unknown := sorted(item.keys() - {"Name", inner}):
            raise _wrong(path, f"{where}.{unknown[0]} is not known here; known are Name, {inner}")
        if name in found:
            raise _wrong(path, f"{where}: there are two {member} of the name {name}; keep one")
        found[name] = item.get(inner, {} if member == "Fields" else [])
    return found


def _reason(loc: tuple[str | int, ...], kind: str, message: str) -> str:
    # The second part is the name of a field or key, which the user chose.
    names = [part if position == 1 else _alias(part) for position, part in enumerate(loc)]
    where = ".".join(map(str, names))
    if kind != "extra_forbidden":
        return f"{where}: {message}"
    inner = ObjectTypeField if loc[0] == "fields" else ObjectTypeKey
    known = map(to_pascal, (ObjectType if len(loc) == 1 else inner).model_fields)
    return f"{where} is not known here; known are {', '.join(known)}"


def _alias(part: str | int) -> str | int:
    known = {*ObjectType.model_fields, *ObjectTypeField.model_fields, *ObjectTypeKey.model_fields}
    return to_pascal(part) if isinstance(part, str) and part in known else part
