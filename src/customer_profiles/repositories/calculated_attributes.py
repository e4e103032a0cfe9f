"""The calculated attributes of a domain, and their values for profiles."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, overload

from pydantic import Field

from customer_profiles import _wire
from customer_profiles._problems import refuse, unknown
from customer_profiles._results import Results
from customer_profiles._standard_objects import standard
from customer_profiles.errors import (
    BatchError,
    InvalidInputError,
    JobFailedError,
    ServiceError,
    WaitTimeoutError,
)
from customer_profiles.models.calculated_attribute import (
    EXPRESSION_ITEM,
    AttributeConditions,
    AttributeRange,
    AttributeValueRange,
    CalculatedAttribute,
    CalculatedAttributeChanges,
    CalculatedAttributeFields,
    CalculatedAttributeValue,
    Threshold,
)
from customer_profiles.models.profile import Profile

from .base import Answer, ReadOnlyCollection, build, pascal, source_of, with_extra
from .documents import Documents
from .object_types import ObjectTypes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Unpack

    from customer_profiles._gateway import Gateway
    from customer_profiles._problems import Names
    from customer_profiles._wire import Wire
    from customer_profiles.conditions import Condition
    from customer_profiles.models.calculated_attribute import CalculatedValue, Statistic

    from .base import Extra

_BATCH_GET = "BatchGetCalculatedAttributeForProfile"
_MOST_IDS = 100
_DAYS = "DAYS"
_FIXED = ("attribute_details", "filter", "statistic", "use_historical_data")
_DIRECT = ("display_name", "description", "use_historical_data", "tags")
_CHANGES = frozenset(CalculatedAttributeChanges.__annotations__)
_SETTINGS = frozenset(CalculatedAttributeFields.__annotations__) | _CHANGES


class _Failure(Answer):
    code: str = Field(validation_alias="Code")
    message: str = Field(validation_alias="Message")
    profile_id: str = Field(validation_alias="ProfileId")


class _Batch(Answer):
    found: list[CalculatedAttributeValue] | None = Field(
        default=None, validation_alias="CalculatedAttributeValues"
    )
    errors: list[_Failure] | None = Field(default=None, validation_alias="Errors")


_read_batch = partial(_Batch.model_validate_json, extra="allow")


class CalculatedAttributes(Documents[CalculatedAttribute]):
    """The calculated attributes of one domain: what is computed from the objects of a profile.

    Every domain has some from the beginning, whose names begin with `_`, such as `_new_customer`.
    Listed ones do not have their statistic, expression, conditions and filter; `refresh()` reads
    them.

    Source: CreateCalculatedAttributeDefinition, GetCalculatedAttributeDefinition,
    ListCalculatedAttributeDefinitions, UpdateCalculatedAttributeDefinition,
    DeleteCalculatedAttributeDefinition, BatchGetCalculatedAttributeForProfile,
    GetCalculatedAttributeForProfile and ListCalculatedAttributesForProfile of the service's API
    reference.
    """

    _model, _noun = CalculatedAttribute, "calculated attribute definition"
    _key, _arn = "calculated_attribute_name", "calculated-attributes"
    _fields = frozenset(
        {
            *("display_name", "description", "attribute_details", "conditions", "filter"),
            *("statistic", "use_historical_data", "tags"),
        }
    )
    _defaults: ClassVar = {}
    _CREATE = "CreateCalculatedAttributeDefinition"
    _GET = "GetCalculatedAttributeDefinition"
    _LIST = "ListCalculatedAttributeDefinitions"
    _UPDATE = "UpdateCalculatedAttributeDefinition"
    _DELETE = "DeleteCalculatedAttributeDefinition"

    def __init__(self, gateway: Gateway, domain_name: str) -> None:
        super().__init__(gateway, domain_name)
        self._definitions: dict[str, CalculatedAttribute] = {}

    @overload
    def create(self, definition: CalculatedAttribute, /) -> CalculatedAttribute: ...

    @overload
    def create(
        self,
        name: str,
        /,
        expression: str,
        *,
        statistic: Statistic,
        where: Condition | Mapping[str, Any] | None = None,
        extra: Extra = None,
        **settings: Unpack[CalculatedAttributeFields],
    ) -> CalculatedAttribute: ...

    def create(
        self,
        name: str | CalculatedAttribute,
        /,
        expression: str | None = None,
        *,
        statistic: Any = None,
        where: Condition | Mapping[str, Any] | None = None,
        extra: Extra = None,
        **settings: Any,
    ) -> CalculatedAttribute:
        """Create a calculated attribute.

        ```python
        shop.calculated_attributes.create(
            "spend_90d", "{order.total}", statistic="SUM", days=90, timestamp="placedAt",
            timestamp_format="ISO_8601", where=where.field("status").is_not_in("cancelled"),
        )
        ```

        Args:
            name: up to 255 letters, digits, `_` and `-`; or a definition of this or another domain
                to copy, without further arguments.
            expression: what is computed for each object: one attribute in braces, or two with
                `+ - * /` between them, such as `{order.price} * {order.quantity}`. An attribute is
                a field of the object type, or a path in a standard object.
            statistic: what is computed of the objects' values: FIRST_OCCURRENCE, LAST_OCCURRENCE,
                COUNT, SUM, MINIMUM, MAXIMUM, AVERAGE, MAX_OCCURRENCE or RECENT_OCCURRENCES.
            where: the condition that an object must meet to count, or its service's form.
            extra: members that only the service has, by their wire names, such as
                `{"NewMember": "x"}`.
            settings: `display_name` and `description`; which objects count: `days`, or `start` and
                `end`, `object_count`, `timestamp` with `timestamp_format`, and
                `use_historical_data`; `threshold`; `tags`.

        Raises:
            BadRequestError: the domain has one of that name, or the definition breaks a rule.
            ResourceNotFoundError: the domain has no such object type.
            InvalidInputError: an argument is wrong; nothing was sent.
        """
        if isinstance(name, CalculatedAttribute):
            if settings or not (expression is statistic is where is None):
                msg = "a definition is copied as it is; give no further arguments"
                raise InvalidInputError(msg)
            return self._copy(name, extra)
        for setting in settings:
            if setting not in _SETTINGS:
                raise InvalidInputError(unknown(setting, sorted(_SETTINGS), "CalculatedAttribute"))
        object_type, attributes = _items(expression)
        fields: dict[str, Any] = {key: settings[key] for key in _DIRECT if key in settings}
        fields |= {
            "attribute_details": {
                "attributes": [{"name": attribute} for attribute in attributes],
                "expression": expression,
            },
            "statistic": statistic,
        }
        if conditions := _conditions(settings, AttributeConditions(), object_type):
            fields["conditions"] = conditions
        compared: list[str] = []
        if where is not None:
            fields["filter"] = _filter(where)
            compared = [*_compared(fields["filter"])]
        self._check_fields(object_type, [*attributes, *compared])
        return self._create(name, fields, extra)

    def update(
        self,
        name: str,
        /,
        *,
        extra: Extra = None,
        **settings: Unpack[CalculatedAttributeChanges],
    ) -> CalculatedAttribute:
        """Change a calculated attribute; what you leave out is kept.

        `days` replaces `start` and `end`, and the other way round. More days do not bring in
        objects from before the time that the definition covered at first. Conditions are read
        first and sent as a whole, as AWS does not say whether it merges them.

        Args:
            name: the name.
            extra: members that only the service has, by their wire names, such as
                `{"NewMember": "x"}`.
            settings: `display_name`, `description`, `days`, or `start` and `end`, `object_count`,
                `threshold`. Nothing else can be changed, and nothing can be removed.

        Raises:
            ResourceNotFoundError: the domain has no such calculated attribute.
            InvalidInputError: a setting is wrong or cannot be changed; nothing was sent.
        """
        for setting in settings:
            if setting not in _CHANGES:
                raise InvalidInputError(_why_not_changed(setting))
        direct = {key: value for key, value in settings.items() if key in _DIRECT}
        if len(direct) == len(settings):
            return self._update(name, direct, extra)
        changed = self.get(name)
        for key, value in direct.items():
            setattr(changed, key, value)
        changed.conditions = _conditions(settings, changed.conditions or AttributeConditions())
        self._send(changed, extra)
        return changed

    def save(self, record: CalculatedAttribute) -> None:
        """Send what changed in a definition since it was read, its conditions as a whole."""
        self._send(record, None)

    def wait(
        self,
        attribute: CalculatedAttribute,
        timeout: float | None = None,
        on_progress: Callable[[CalculatedAttribute], object] | None = None,
    ) -> None:
        """Read a definition repeatedly until historical data is included.

        Raises:
            WaitTimeoutError: it is not after that many seconds.
            JobFailedError: the service could not include it.
        """
        report = on_progress or (lambda _: None)
        report(attribute)
        name, waits = attribute.calculated_attribute_name, self._gateway.waits(timeout)
        while not attribute.is_ready:
            if attribute.status == "FAILED":
                reason = attribute.readiness and attribute.readiness.message
                msg = (
                    f"the historical data of {name} could not be included: {reason or 'no reason'}"
                )
                raise JobFailedError(msg)
            if next(waits, None) is None:
                msg = (
                    f"{name} is still {attribute.status} after {timeout} seconds; the service "
                    "continues, and you can call wait() again"
                )
                raise WaitTimeoutError(msg)
            before = (attribute.status, attribute.readiness)
            attribute.refresh()
            if (attribute.status, attribute.readiness) != before:
                report(attribute)

    def values(
        self,
        name: str,
        profiles: Iterable[Profile | str],
        /,
        *,
        days: int | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> list[CalculatedAttributeValue]:
        """Read the values of a calculated attribute for many profiles, 100 with a request.

        Args:
            name: the name of the calculated attribute.
            profiles: the profiles, or their ids.
            days: the last days that count this time, instead of those of the definition.
            start: the first day that counts this time, back from now.
            end: the last day that counts this time, back from now; 0 if only `start` is given.

        Returns:
            The values in the order of the profiles, each profile once.

        Raises:
            BatchError: some profiles failed, for example because they do not exist; `.failed` has
                the error of each by its id, and `.succeeded` the values that were read.
            ResourceNotFoundError: the domain has no such calculated attribute.
        """
        return self._values(name, profiles, _override(days, start, end))

    def _values(
        self, name: str, profiles: Iterable[Profile | str], override: Wire
    ) -> list[CalculatedAttributeValue]:
        if isinstance(profiles, (str, Profile)):
            msg = "profiles must be several profiles or ids; profile.calculated_attributes is one's"
            raise InvalidInputError(msg)
        positions: dict[str, int] = {}
        for position, profile in enumerate(profiles):
            positions.setdefault(_id_of(profile, position), position)
        wanted = list(positions)
        found: dict[str, CalculatedAttributeValue] = {}
        failed: dict[str, ServiceError] = {}
        for begin in range(0, len(wanted), _MOST_IDS):
            batch = wanted[begin : begin + _MOST_IDS]
            names: Names = {
                ("ProfileIds", number): f"profiles[{positions[profile_id]}]"
                for number, profile_id in enumerate(batch)
            }
            members = {pascal(self._key): name, "ProfileIds": batch, **override}
            values, errors = self._read_batch(members, names)
            found |= values
            failed |= errors
        ordered = [found[profile_id] for profile_id in wanted if profile_id in found]
        if failed:
            raise BatchError(_BATCH_GET, ordered, failed)
        return ordered

    def _read_batch(
        self, members: Wire, names: Names
    ) -> tuple[dict[str, CalculatedAttributeValue], dict[str, ServiceError]]:
        request = self._request(members)
        batch, body = self._gateway.read(_BATCH_GET, request, _read_batch, names)
        found = {value.profile_id: value for value in batch.found or []}
        failed = {
            item.profile_id: ServiceError.of(item.code, item.message, operation=_BATCH_GET)
            for item in batch.errors or []
        }
        for profile_id in members["ProfileIds"]:
            if profile_id not in found and profile_id not in failed:
                failed[profile_id] = ServiceError.of(
                    "ResourceNotFoundException",
                    f"the answer has no value of profile {profile_id}",
                    operation=_BATCH_GET,
                )
        override = {key: members[key] for key in ("ConditionOverrides",) if key in members}
        for position, value in enumerate(batch.found or []):
            home = _Values(self, value.profile_id, override)
            value._attach(home, body, ("CalculatedAttributeValues", position))
        return found, failed

    def _definition(self, name: str) -> CalculatedAttribute:
        """Return a definition, which is read once by this collection."""
        if name not in self._definitions:
            self._definitions[name] = self.get(name)
        return self._definitions[name]

    def _check_fields(self, object_type: str, names: Iterable[str]) -> None:
        """Refuse names that differ from a field's in case or underscores only.

        The service takes them, and every value is None.
        """
        if object_type in standard():
            return
        try:
            fields = ObjectTypes(self._gateway, self.domain_name).get(object_type).fields or {}
        except ServiceError:
            return  # It is missing, or it may not be read; the service says so, if that matters.
        sources = {field.source for field in fields.values()}
        plain = {_plain(field): field for field in fields}
        for name in names:
            meant = plain.get(_plain(name), name)
            if name not in fields and meant != name and f"_source.{name}" not in sources:
                msg = (
                    f"object type {object_type} has no field {name!r}; did you mean {meant!r}? "
                    "Expressions and conditions name the fields of the mapping as they are written"
                )
                raise InvalidInputError(msg)

    def _copy(self, definition: CalculatedAttribute, extra: Extra) -> CalculatedAttribute:
        if definition.attribute_details is None:
            msg = "a listed definition has no expression; call its refresh() first"
            raise InvalidInputError(msg)
        fields = {
            key: value
            for key in self._fields
            if (value := getattr(definition, key)) is not None and (key != "tags" or value)
        }
        return self._create(definition.calculated_attribute_name, fields, extra)

    def _send(self, record: CalculatedAttribute, extra: Extra) -> None:
        stored, wire = source_of(record), record._to_wire()
        for field in _FIXED:
            before = CalculatedAttribute._from_wire(stored)._to_wire().get(pascal(field))
            if wire.get(pascal(field)) != before:
                raise InvalidInputError(_why_not_changed(field))
        before, after = self._before_and_after(record, self._UPDATE)
        old, new = before.pop("Conditions", {}), after.pop("Conditions", {})
        changes, problems = _wire.difference(before, after, _wire.input_shape(self._UPDATE))
        refuse(problems, self._UPDATE)
        if removed := sorted(old.keys() - new.keys()):
            msg = (
                f"conditions.{_wire.field_name(removed[0])} cannot be removed, the service has no "
                "way to; give it another value, or create another calculated attribute"
            )
            raise InvalidInputError(msg)
        if new != old:
            changes["Conditions"] = new
        changes = with_extra(changes, extra, self._model, self._UPDATE)
        if changes:
            saved = self._read(self._UPDATE, {pascal(self._key): self._name_of(record)} | changes)
            for name in ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__"):
                object.__setattr__(record, name, getattr(saved, name))
            record._attach(*saved._origin())


class AttributesOfProfile(Results[CalculatedAttributeValue]):
    """The values of a domain's calculated attributes for one profile.

    Iteration lists all, those without a value included; pages are fetched as you iterate. Keep this
    in a variable to read each definition, which says the type of a value, only once.

    Source: GetCalculatedAttributeForProfile and ListCalculatedAttributesForProfile of the service's
    API reference.
    """

    def __init__(self, gateway: Gateway, domain_name: str, profile_id: str) -> None:
        self._values = _Values(CalculatedAttributes(gateway, domain_name), profile_id)
        super().__init__(self._values._fetch({}), model=CalculatedAttributeValue)

    def __getitem__(self, name: str) -> CalculatedAttributeValue:
        """Read the value of one calculated attribute.

        Raises:
            ResourceNotFoundError: the domain has no such calculated attribute, or no such profile.
        """
        return self._values._read_by_name(name)

    def get(
        self,
        name: str,
        /,
        *,
        days: int | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> CalculatedAttributeValue:
        """Read the value of one calculated attribute, also for other days than the definition's.

        Args:
            name: the name of the calculated attribute.
            days: the last days that count this time.
            start: the first day that counts this time, back from now.
            end: the last day that counts this time, back from now.

        Raises:
            ResourceNotFoundError: the domain has no such calculated attribute, or no such profile.
        """
        override = _override(days, start, end)
        return self._values.read(name, override) if override else self[name]


class _Values(ReadOnlyCollection[CalculatedAttributeValue]):
    """The calculated attributes of a profile, as their values see it."""

    _model, _key = CalculatedAttributeValue, "calculated_attribute_name"
    _GET = "GetCalculatedAttributeForProfile"
    _LIST = "ListCalculatedAttributesForProfile"
    _why_not_saved = "the value of a calculated attribute cannot be changed; its objects can"
    _why_not_deleted = (
        "the value of a calculated attribute cannot be deleted; its definition and objects can"
    )

    def __init__(
        self, attributes: CalculatedAttributes, profile_id: str, override: Wire | None = None
    ) -> None:
        super().__init__(attributes._gateway, attributes.domain_name)
        self._scope["ProfileId"] = profile_id
        self._attributes, self._override = attributes, override or {}

    def read(self, name: str, override: Wire) -> CalculatedAttributeValue:
        """Read a value for other days than those of its definition."""
        profile_id = self._scope["ProfileId"]
        try:
            (value,) = self._attributes._values(name, [profile_id], override)
        except BatchError as error:
            raise error.failed[profile_id] from None
        return value

    def typed(self, value: CalculatedAttributeValue) -> CalculatedValue:
        """Return a value by its type, which its definition says."""
        if value.text is None:
            return None
        definition = self._attributes._definition(value.calculated_attribute_name)
        return definition.read_value(value.text)

    def _reread(self, record: CalculatedAttributeValue) -> CalculatedAttributeValue:
        name = self._name_of(record)
        return self.read(name, self._override) if self._override else self._read_by_name(name)

    def _read_by_name(self, name: str) -> CalculatedAttributeValue:
        value = super()._read_by_name(name)
        value.profile_id = self._scope["ProfileId"]
        return value

    def _fetch(
        self, filters: Wire
    ) -> Callable[[int, str | None], tuple[list[CalculatedAttributeValue], str | None]]:
        fetch = super()._fetch(filters)

        def fetch_of_profile(
            size: int, token: str | None
        ) -> tuple[list[CalculatedAttributeValue], str | None]:
            values, token = fetch(size, token)
            for value in values:
                value.profile_id = self._scope["ProfileId"]
            return values, token

        return fetch_of_profile


def _items(expression: object) -> tuple[str, list[str]]:
    """Return the object type and the attributes of an expression."""
    items = EXPRESSION_ITEM.findall(expression) if isinstance(expression, str) else []
    if not items:
        msg = "expression must have attributes in braces with their object type: {order.total}"
        raise InvalidInputError(msg)
    types = list(dict.fromkeys(object_type for object_type, _ in items))
    if len(types) > 1:
        msg = f"expression must be of one object type; it names {' and '.join(types)}"
        raise InvalidInputError(msg)
    return types[0], list(dict.fromkeys(attribute for _, attribute in items))


def _conditions(
    settings: Mapping[str, Any], before: AttributeConditions, object_type: str = ""
) -> AttributeConditions | None:
    """Return conditions with those of keywords; None without any."""
    fields = {name: getattr(before, name) for name in before.model_fields_set}
    if "object_count" in settings:
        fields["object_count"] = settings["object_count"]
    if "threshold" in settings:
        fields["threshold"] = _threshold(settings["threshold"])
    chosen = _range(settings, before.range, object_type)
    if chosen is not None:
        fields["range"] = chosen
    return build(AttributeConditions, fields, frozenset(fields)) if fields else None


def _range(
    settings: Mapping[str, Any], before: AttributeRange | None, object_type: str
) -> AttributeRange | None:
    start, end = settings.get("start"), settings.get("end")
    days = _checked_days(settings.get("days"), start, end)
    fields: dict[str, Any] = {"value": days} if days is not None else {}
    if start is not None:
        fields = {
            "value_range": build(AttributeValueRange, {"start": start, "end": end or 0}, _ENDS)
        }
    timestamp = settings.get("timestamp")
    if timestamp is not None:
        is_whole = isinstance(timestamp, str) and timestamp.startswith("{")
        source = timestamp if is_whole else f"{{{object_type}.{timestamp}}}"
        fields |= {"timestamp_source": source}
    if "timestamp_format" in settings:
        if timestamp is None:
            msg = "timestamp_format needs the timestamp whose format it is"
            raise InvalidInputError(msg)
        fields |= {"timestamp_format": settings["timestamp_format"]}
    if not fields:
        return before
    kept = {
        name: value
        for name in ("timestamp_source", "timestamp_format")
        if before and (value := getattr(before, name)) is not None
    }
    fields = {**kept, "unit": _DAYS, **fields}
    return build(AttributeRange, fields, frozenset(fields))


_ENDS = frozenset({"start", "end"})


def _checked_days(days: int | None, start: int | None, end: int | None) -> int | None:
    if days is not None and (start is not None or end is not None):
        msg = "days excludes start and end: it is the same as start=days and end=0"
        raise InvalidInputError(msg)
    if end is not None and start is None:
        msg = "end needs start, the day further in the past"
        raise InvalidInputError(msg)
    if start is not None and start < (end or 0):
        msg = "start must be further in the past than end: days count back from now"
        raise InvalidInputError(msg)
    return days


def _override(days: int | None, start: int | None, end: int | None) -> Wire:
    """Return the members of a request that replace the range of a definition."""
    days = _checked_days(days, start, end)
    if days is None and start is None:
        return {}
    chosen = {"Start": days if start is None else start, "End": end or 0, "Unit": _DAYS}
    return {"ConditionOverrides": {"Range": chosen}}


def _threshold(threshold: object) -> Threshold:
    if isinstance(threshold, Threshold):
        return threshold
    if not isinstance(threshold, tuple) or len(threshold) != len(Threshold.model_fields):
        msg = 'threshold must be an operator and a value, such as ("GREATER_THAN", 500)'
        raise InvalidInputError(msg)
    operator, value = threshold
    fields = {"operator": operator, "value": _text_of(value)}
    return build(Threshold, fields, frozenset(fields))


def _text_of(value: object) -> object:
    """Return the text of a number without an exponent, and other values as they are."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float, Decimal)):
        return format(Decimal(str(value)), "f")
    return value


def _filter(where: object) -> Wire:
    if isinstance(where, Mapping):
        return dict(where)
    from customer_profiles import conditions

    condition: Any = where
    wire: Wire = conditions.to_filter(condition)
    return wire


def _compared(wire: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that a filter compares; what is wrong with its form is refused later."""
    with suppress(KeyError, TypeError, AttributeError):
        for group in wire["Groups"]:
            for dimension in group["Dimensions"]:
                yield from dimension["Attributes"]


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _id_of(profile: object, position: int) -> str:
    if isinstance(profile, Profile):
        return profile.profile_id
    if not isinstance(profile, str):
        msg = f"profiles[{position}] must be a Profile or the id of one"
        raise InvalidInputError(msg)
    return profile


def _why_not_changed(name: str) -> str:
    if name in _SETTINGS | {*_FIXED, "where", "expression"}:
        return (
            f"{name} of a calculated attribute cannot be changed; create another one, and delete "
            "this one"
        )
    return unknown(name, sorted(_CHANGES), "CalculatedAttribute")
