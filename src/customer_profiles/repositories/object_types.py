"""The object types of a domain: put, read, delete, detect, plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from pydantic import Field

from customer_profiles import _wire
from customer_profiles._results import Results
from customer_profiles.errors import InvalidInputError
from customer_profiles.models.base import attach_all
from customer_profiles.models.object_type import DetectedObjectType, ObjectType, ObjectTypeFields

from .base import Answer, build, name_of, source_of
from .profile_objects import write_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire
    from customer_profiles.mapping.plan import Change, Plan
    from customer_profiles.mapping.profile_object import ProfileObject

    Declared = type[ProfileObject] | ObjectType

_PUT = "PutProfileObjectType"
_GET = "GetProfileObjectType"
_LIST = "ListProfileObjectTypes"
_DELETE = "DeleteProfileObjectType"
_DETECT = "DetectProfileObjectType"

_FIELDS = frozenset(ObjectTypeFields.__annotations__)
# The service takes these from the template where there is one.
_OF_TEMPLATE = ("Fields", "Keys", "AllowProfileCreation", "SourceLastUpdatedTimestampFormat")
_MAPPING = ("Fields", "Keys", "TemplateId", "AllowProfileCreation", "Tags")


class _Page(Answer):
    items: list[ObjectType] | None = Field(default=None, validation_alias="Items")
    next_token: str | None = Field(default=None, validation_alias="NextToken")


class _Detected(Answer):
    found: list[DetectedObjectType] | None = Field(
        default=None, validation_alias="DetectedProfileObjectTypes"
    )


def _read_page(body: bytes) -> _Page:
    return _Page.model_validate_json(body, extra="allow")


def _read_detected(body: bytes) -> _Detected:
    return _Detected.model_validate_json(body, extra="allow")


class ObjectTypes:
    """The object types of one domain.

    Wherever a name is taken, the class that declares the object type is taken too.

    Source: PutProfileObjectType, GetProfileObjectType, ListProfileObjectTypes,
    DeleteProfileObjectType and DetectProfileObjectType of the service's API reference.
    """

    def __init__(self, gateway: Gateway, domain_name: str) -> None:
        self._gateway = gateway
        self.domain_name = domain_name

    @overload
    def put(self, declared: type[ProfileObject] | ObjectType, /) -> ObjectType: ...

    @overload
    def put(self, name: str, /, **settings: Unpack[ObjectTypeFields]) -> ObjectType: ...

    def put(self, declared: Declared | str, /, **settings: Unpack[ObjectTypeFields]) -> ObjectType:
        """Create an object type or replace it as a whole; objects put later follow it.

        Args:
            declared: a class, an `ObjectType`, or a name with the settings as keywords.
            settings: `fields` and `keys`, or `template_id`, and what else there is to set;
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
        return self._put(_wire.fit(object_type._to_wire(), _shape()))

    def get(self, name: str | type[ProfileObject]) -> ObjectType:
        """Read an object type with its fields and keys.

        Raises:
            ResourceNotFoundError: the domain has no such object type.
        """
        return self._read(_GET, {"ObjectTypeName": name_of(name)})

    def delete(self, name: str | type[ProfileObject]) -> None:
        """Delete an object type, its objects, and what they filled in profiles.

        Raises:
            ResourceNotFoundError: the domain has no such object type.
        """
        self._gateway.call(_DELETE, self._request({"ObjectTypeName": name_of(name)}))

    def all(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> Results[ObjectType]:
        """List the object types; pages are fetched as you iterate.

        Listed object types know no fields and keys; `refresh()` reads them.
        """

        def fetch(size: int, token: str | None) -> tuple[list[ObjectType], str | None]:
            page = {"MaxResults": size} | ({"NextToken": token} if token else {})
            answer, body = self._gateway.read(_LIST, self._request(page), _read_page)
            items = answer.items or []
            attach_all(items, self, body, "Items")
            return items, answer.next_token

        return Results(fetch, limit=limit, page_size=page_size, start=start)

    def detect(self, *objects: Mapping[str, Any] | str) -> list[DetectedObjectType]:
        """Propose mappings for one to five objects of yours, given as mappings or JSON texts.

        `found.named("Order")` makes an object type of a proposal.

        Raises:
            InvalidInputError: no object, or more than five; nothing was sent.
            BadRequestError: an object is not JSON, or has too many members.
        """
        request = self._request({"Objects": [write_object(one) for one in objects]})
        answer, _ = self._gateway.read(_DETECT, request, _read_detected)
        return answer.found or []

    def plan(
        self, *declared: type[ProfileObject] | ObjectType, delete_undeclared: bool = False
    ) -> Plan:
        """Compare what is declared with what is deployed; changes nothing.

        Args:
            declared: classes or object types.
            delete_undeclared: whether all others are to be deleted, with their objects.
        """
        from customer_profiles.mapping.plan import Plan

        wanted = {name_of(one) for one in declared}
        listed = list(self.all())
        deployed = [
            self.get(one.object_type_name) if one.object_type_name in wanted else one
            for one in listed
        ]
        return Plan.between(declared, deployed, delete_undeclared=delete_undeclared)

    @overload
    def apply(self, plan: Plan, /) -> Plan: ...

    @overload
    def apply(
        self, *declared: type[ProfileObject] | ObjectType, delete_undeclared: bool = False
    ) -> Plan: ...

    def apply(self, *declared: Declared | Plan, delete_undeclared: bool = False) -> Plan:
        """Make the domain's object types those that are declared, and give what was done.

        Settings that are not declared stay as they are. What is done is not taken back when
        a later change fails; applying again goes on from there.

        Args:
            declared: a plan, as `plan` gives it, or classes and object types.
            delete_undeclared: whether all others are deleted, with their objects.

        Raises:
            BadRequestError: a field or key breaks the rules of mappings.
        """
        from customer_profiles.mapping.plan import Plan

        plans = [one for one in declared if isinstance(one, Plan)]
        if plans and (len(declared) > 1 or delete_undeclared):
            msg = "give a plan, or what is declared, not both"
            raise InvalidInputError(msg)
        others = [one for one in declared if not isinstance(one, Plan)]
        plan = plans[0] if plans else self.plan(*others, delete_undeclared=delete_undeclared)
        for change in plan.changes:
            self._apply(change)
        return plan

    def save(self, record: ObjectType) -> None:
        """Put an object type again, if it changed since it was read."""
        stored = ObjectType._from_wire(source_of(record))
        if record.object_type_name != stored.object_type_name:
            msg = "object_type_name cannot be changed: it names the object type that is saved"
            raise InvalidInputError(msg)
        before, wanted = (_wire.fit(one._to_wire(), _shape()) for one in (stored, record))
        if (before.pop("Tags", None) or {}) != (wanted.pop("Tags", None) or {}):
            msg = "an object type's tags are changed by cp.tags.add() and cp.tags.remove()"
            raise InvalidInputError(msg)
        if before == wanted:
            return
        if record._origin().path:
            msg = "a listed object type does not know its fields; refresh() it before changing it"
            raise InvalidInputError(msg)
        if "TemplateId" in wanted:
            kept = [one for one in _OF_TEMPLATE if wanted.get(one) == before.get(one)]
            wanted = {one: value for one, value in wanted.items() if one not in kept}
        record._attach(*self._put(wanted)._origin())

    def _reread(self, record: ObjectType) -> ObjectType:
        """Read an object type again."""
        return self.get(str(source_of(record)["ObjectTypeName"]))

    def _erase(self, record: ObjectType) -> None:
        """Delete an object type."""
        self.delete(str(source_of(record)["ObjectTypeName"]))

    def _apply(self, change: Change) -> None:
        if change.action == "delete":
            self.delete(change.object_type_name)
        elif change.action != "unchanged" and change.declared is not None:
            wire = _wire.fit(change.declared._to_wire(), _shape())
            if change.deployed is not None:
                wire = _settings(change.deployed, wire) | wire
            self._put(wire)

    def _put(self, wire: Wire) -> ObjectType:
        # The service wants a description of every object type.
        return self._read(_PUT, {"Description": wire.get("ObjectTypeName")} | wire)

    def _read(self, operation: str, request: Wire) -> ObjectType:
        request = self._request(request)
        object_type, body = self._gateway.read(operation, request, ObjectType._from_wire)
        return object_type._attach(self, body)

    def _request(self, members: Wire) -> Wire:
        return {"DomainName": self.domain_name} | members


def _settings(deployed: ObjectType, declared: Wire) -> Wire:
    """Give what a deployed object type has besides its mapping."""
    left_out = {*_MAPPING, *(_OF_TEMPLATE if "TemplateId" in declared else ())}
    wire = _wire.fit(deployed._to_wire(), _shape())
    return {name: value for name, value in wire.items() if name not in left_out}


def _shape() -> Any:
    return _wire.operation(_PUT).input_shape
