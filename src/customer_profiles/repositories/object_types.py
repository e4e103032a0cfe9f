"""The object types of a domain: put, read, delete, detect and plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from pydantic import Field

from customer_profiles import _wire
from customer_profiles.errors import InvalidInputError
from customer_profiles.models.object_type import DetectedObjectType, ObjectType, ObjectTypeFields

from .base import (
    Answer,
    Collection,
    before_and_after,
    build,
    check_unchanged,
    input_shape,
    name_of,
    source_of,
)
from .profile_objects import write_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from customer_profiles._wire import Wire
    from customer_profiles.mapping.plan import Change, Plan
    from customer_profiles.mapping.profile_object import ProfileObject

    Declared = type[ProfileObject] | ObjectType

_PUT = "PutProfileObjectType"
_DETECT = "DetectProfileObjectType"

_FIELDS = frozenset(ObjectTypeFields.__annotations__)
# Without these in a request, the service uses those of the template.
_OF_TEMPLATE = ("Fields", "Keys", "AllowProfileCreation", "SourceLastUpdatedTimestampFormat")
_MAPPING = ("Fields", "Keys", "TemplateId", "AllowProfileCreation", "Tags")


class _Detected(Answer):
    found: list[DetectedObjectType] | None = Field(
        default=None, validation_alias="DetectedProfileObjectTypes"
    )


def _read_detected(body: bytes) -> _Detected:
    return _Detected.model_validate_json(body, extra="allow")


class ObjectTypes(Collection[ObjectType]):
    """The object types of one domain.

    Where a method takes a name, it also takes the class that declares the object type. Listed
    object types do not have their fields and keys; `refresh()` reads them.

    Source: PutProfileObjectType, GetProfileObjectType, ListProfileObjectTypes,
    DeleteProfileObjectType and DetectProfileObjectType of the service's API reference.
    """

    _model, _noun, _arn = ObjectType, "object type", "object-types"
    _key = "object_type_name"
    _GET = "GetProfileObjectType"
    _LIST = "ListProfileObjectTypes"

    @overload
    def put(self, declared: type[ProfileObject] | ObjectType, /) -> ObjectType: ...

    @overload
    def put(self, name: str, /, **settings: Unpack[ObjectTypeFields]) -> ObjectType: ...

    def put(self, declared: Declared | str, /, **settings: Unpack[ObjectTypeFields]) -> ObjectType:
        """Create or replace an object type; it applies to objects that are put later.

        Args:
            declared: a class, an `ObjectType`, or a name with the settings as keywords.
            settings: `fields` and `keys`, or `template_id`, and any other setting;
                `description` is the name when it is left out.

        Raises:
            InvalidInputError: a setting breaks the service's rules; nothing was sent.
            BadRequestError: a field or key breaks the rules of mappings.
        """
        if isinstance(declared, str):
            fields = {"object_type_name": declared, **settings}
            object_type = build(ObjectType, fields, _FIELDS | {"object_type_name"})
        elif settings:
            msg = "give a class or an ObjectType, or a name and keywords, not both"
            raise InvalidInputError(msg)
        else:
            object_type = declared if isinstance(declared, ObjectType) else declared.object_type()
        return self._put(_wire.fit(object_type._to_wire(), input_shape(_PUT)))

    def get(self, name: str | type[ProfileObject]) -> ObjectType:
        """Read an object type with its fields and keys.

        Raises:
            ResourceNotFoundError: the domain has no such object type.
        """
        return self._read_by_name(name_of(name))

    def delete(self, name: str | type[ProfileObject]) -> None:
        """Delete an object type, its objects, and what they filled in profiles.

        The object type is gone when this returns; many objects are removed step by step.

        Raises:
            ResourceNotFoundError: the domain has no such object type.
        """
        request = self._request({"ObjectTypeName": name_of(name)})
        self._gateway.call("DeleteProfileObjectType", request)

    def detect(self, *objects: Mapping[str, Any] | str) -> list[DetectedObjectType]:
        """Propose mappings for one to five sample objects, as mappings or JSON texts.

        `found.named("Order")` turns a proposal into an object type.

        Raises:
            InvalidInputError: no object, or more than five; nothing was sent.
            BadRequestError: an object is not JSON, or has too many members.
        """
        request = self._request({"Objects": [write_object(item) for item in objects]})
        answer, _ = self._gateway.read(_DETECT, request, _read_detected)
        return answer.found or []

    def plan(
        self, *declared: type[ProfileObject] | ObjectType, delete_undeclared: bool = False
    ) -> Plan:
        """Compare declared object types with the domain's; changes nothing.

        Args:
            declared: classes or object types.
            delete_undeclared: whether to delete all others, with their objects.
        """
        from customer_profiles.mapping.plan import Plan

        names = {name_of(object_type) for object_type in declared}
        deployed = [
            self.get(listed.object_type_name) if listed.object_type_name in names else listed
            for listed in list(self.all())
        ]
        return Plan.between(declared, deployed, delete_undeclared=delete_undeclared)

    @overload
    def apply(self, plan: Plan, /) -> Plan: ...

    @overload
    def apply(
        self, *declared: type[ProfileObject] | ObjectType, delete_undeclared: bool = False
    ) -> Plan: ...

    def apply(self, *declared: Declared | Plan, delete_undeclared: bool = False) -> Plan:
        """Create or replace the declared object types in the domain; return the plan.

        Settings that are not declared are kept. When a change fails, the earlier ones are not
        undone; apply again to continue.

        Args:
            declared: a plan from `plan`, or classes and object types.
            delete_undeclared: whether to delete all others, with their objects.

        Raises:
            BadRequestError: a field or key breaks the rules of mappings.
        """
        from customer_profiles.mapping.plan import Plan

        plans = [item for item in declared if isinstance(item, Plan)]
        if plans and (len(declared) > 1 or delete_undeclared):
            msg = "give a plan, or classes and object types, not both"
            raise InvalidInputError(msg)
        others = [item for item in declared if not isinstance(item, Plan)]
        plan = plans[0] if plans else self.plan(*others, delete_undeclared=delete_undeclared)
        for change in plan.changes:
            self._apply(change)
        return plan

    def save(self, record: ObjectType) -> None:
        """Put an object type again, if it changed since it was read."""
        stored = source_of(record)
        check_unchanged(record, stored, self._noun, self._key)
        before, wanted = before_and_after(record, stored, input_shape(_PUT))
        if before == wanted:
            return
        if record._origin().path:
            msg = "a listed object type lacks its fields; refresh() it before you change it"
            raise InvalidInputError(msg)
        if "TemplateId" in wanted:
            kept = [name for name in _OF_TEMPLATE if wanted.get(name) == before.get(name)]
            wanted = {name: value for name, value in wanted.items() if name not in kept}
        record._attach(*self._put(wanted)._origin())

    def _erase(self, record: ObjectType) -> None:
        """Delete an object type."""
        self.delete(self._name_of(record))

    def _apply(self, change: Change) -> None:
        if change.action == "delete":
            self.delete(change.object_type_name)
        elif change.action != "unchanged" and change.declared is not None:
            wire = _wire.fit(change.declared._to_wire(), input_shape(_PUT))
            if change.deployed is not None:
                wire = _settings(change.deployed, wire) | wire
            self._put(wire)

    def _put(self, wire: Wire) -> ObjectType:
        # The service requires a description.
        return self._read(_PUT, {"Description": wire.get("ObjectTypeName")} | wire)


def _settings(deployed: ObjectType, declared: Wire) -> Wire:
    """Return the settings of a deployed object type without its mapping."""
    left_out = {*_MAPPING, *(_OF_TEMPLATE if "TemplateId" in declared else ())}
    wire = _wire.fit(deployed._to_wire(), input_shape(_PUT))
    return {name: value for name, value in wire.items() if name not in left_out}
