"""Calculated attributes: what is computed from the objects of a profile, such as a sum."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    Self,
    TypeAlias,
    TypedDict,
    cast,
)

from pydantic import Field

from customer_profiles._standard_objects import standard

from .base import Identifier, Model, OpenEnum, Record, UnredactedModel
from .domain import Readiness

if TYPE_CHECKING:
    from customer_profiles.conditions import Condition
    from customer_profiles.repositories.calculated_attributes import CalculatedAttributes

    from .profile import Profile

Statistic = Literal[
    "FIRST_OCCURRENCE",
    "LAST_OCCURRENCE",
    "COUNT",
    "SUM",
    "MINIMUM",
    "MAXIMUM",
    "AVERAGE",
    "MAX_OCCURRENCE",
    "RECENT_OCCURRENCES",
]
ThresholdOperator = Literal["EQUAL_TO", "GREATER_THAN", "LESS_THAN", "NOT_EQUAL_TO"]
ReadinessStatus = Literal["PREPARING", "IN_PROGRESS", "COMPLETED", "FAILED"]
RangeUnit = Literal["DAYS"]
TimestampFormat = Literal["EPOCHMILLI", "ISO_8601"]

CalculatedValue: TypeAlias = Decimal | int | bool | str | list[str] | datetime | None
"""A value by its type: see `CalculatedAttributeValue.value`."""

EXPRESSION_ITEM: re.Pattern[str] = re.compile(r"\{([^{}.]+)\.([^{}]+)\}")
"""An attribute in an expression: the object type's name and the attribute's."""
_NUMERIC = ("SUM", "MINIMUM", "MAXIMUM", "AVERAGE", "TIME_DIFFERENCE_FROM_NOW")
_PREPARING = ("PREPARING", "IN_PROGRESS")
_CONTACT = "CTR"
_DATE_NAMES = ("Date", "DateTime", "Timestamp", "createdAt", "updatedAt")
_EPOCH = re.compile("[0-9]{9,14}")
_SECONDS_DIGITS = 11


class AttributeItem(Model):
    """An attribute that an expression uses."""

    name: str
    """The name of a field, or a path in a standard object."""


class AttributeDetails(Model):
    """What is computed for each object."""

    attributes: list[AttributeItem] | None = None
    """The attributes of the expression."""
    expression: str | None = None
    """The attributes in braces, such as `{order.total}` or `{order.price} * {order.quantity}`."""


class AttributeValueRange(UnredactedModel):
    """The days in which objects count, back from now; negative days are in the future."""

    start: int
    """The first day, further in the past than the last."""
    end: int
    """The last day."""


class AttributeRange(UnredactedModel):
    """The time in which objects count."""

    value: int | None = None
    """The last days that count; 0 and None set no limit."""
    unit: Annotated[RangeUnit, OpenEnum()] | None = None
    """The unit of the numbers: DAYS."""
    value_range: AttributeValueRange | None = None
    """The first and the last day, instead of `value`."""
    timestamp_source: str | None = None
    """The path to the time of an object, such as `{order.placedAt}`; None for its ingestion."""
    timestamp_format: str | None = None
    """How that time is written: EPOCHMILLI or ISO_8601."""


class Threshold(Model):
    """What a value is compared with; the result replaces the value."""

    value: str
    """The number or text to compare with."""
    operator: Annotated[ThresholdOperator, OpenEnum()]
    """How to compare."""


class AttributeConditions(Model):
    """Which objects count, and what the result is compared with."""

    range: AttributeRange | None = None
    """The time in which objects count."""
    object_count: int | None = None
    """How many of the newest objects count, up to 100."""
    threshold: Threshold | None = None
    """What the value is compared with, so that it becomes a bool."""


class CalculatedAttribute(Record):
    """The definition of a calculated attribute: what is computed from the objects of a profile.

    Listed ones do not have `statistic`, `attribute_details`, `conditions` and `filter`; `refresh()`
    reads them. Only `display_name`, `description` and `conditions` can be changed.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            *("calculated_attribute_name", "status", "created_at", "last_updated_at"),
            "use_historical_data",
        }
    )

    calculated_attribute_name: Annotated[str, Identifier()] = ""
    """The name: up to 255 letters, digits, `_` and `-`; no digit and no `-` at its beginning."""
    display_name: str | None = None
    """The name that users see: letters, digits, `_`, `-` and spaces."""
    description: str | None = None
    """What is computed."""
    attribute_details: AttributeDetails | None = None
    """The expression that is computed for each object; cannot be changed."""
    conditions: AttributeConditions | None = None
    """Which objects count, and what the result is compared with."""
    filter: dict[str, Any] | None = None
    """The service's form of the condition that an object must meet; `where` reads it. It cannot be
    changed."""
    statistic: Annotated[Statistic, OpenEnum()] | None = None
    """What is computed of the objects' values; cannot be changed."""
    use_historical_data: bool | None = None
    """Whether objects count that were ingested before the definition was created."""
    status: Annotated[ReadinessStatus, OpenEnum()] | None = None
    """Whether historical data is included: COMPLETED when it is; read only."""
    readiness: Readiness | None = None
    """The progress of including historical data; read only."""
    created_at: datetime | None = None
    """When the definition was created; None for those that every domain has; read only."""
    last_updated_at: datetime | None = None
    """When the definition was last changed; read only."""
    tags: dict[str, str] | None = None
    """The tags as they were when this was read; `cp.tags` changes them."""

    @property
    def expression(self) -> str | None:
        """The expression, such as `{order.total}`; None for listed definitions."""
        return self.attribute_details.expression if self.attribute_details else None

    @property
    def object_type_name(self) -> str | None:
        """The object type of the expression; None for listed definitions."""
        found = EXPRESSION_ITEM.search(self.expression or "")
        return found[1] if found else None

    @property
    def where(self) -> Condition | None:
        """The condition that an object must meet to count; None if all count.

        Raises:
            InvalidInputError: the service's form has no equal among conditions.
        """
        if self.filter is None:
            return None
        from customer_profiles import conditions

        return conditions.from_filter(self.filter)

    @property
    def is_ready(self) -> bool:
        """Whether historical data is included, as far as it was read."""
        return self.status not in (*_PREPARING, "FAILED")

    def wait(
        self,
        timeout: float | None = None,
        *,
        on_progress: Callable[[CalculatedAttribute], object] | None = None,
    ) -> Self:
        """Wait until historical data is included, refreshing this in place, and return it.

        Until then, values are those of the objects that are included so far.

        Args:
            timeout: the most seconds to wait; None waits until it is ready.
            on_progress: called at once, and whenever `status` or `readiness` have changed.

        Raises:
            WaitTimeoutError: it is not ready after that time; the service continues.
            JobFailedError: the service could not include historical data.
            DetachedError: no repository returned this instance.
        """
        self._home().wait(self, timeout, on_progress)
        return self

    def values(
        self,
        profiles: Iterable[Profile | str],
        /,
        *,
        days: int | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> list[CalculatedAttributeValue]:
        """Read the values of many profiles: see `domain.calculated_attributes.values`.

        Args:
            profiles: the profiles, or their ids.
            days: the last days that count this time, instead of those of the definition.
            start: the first day that counts this time, back from now.
            end: the last day that counts this time, back from now.

        Raises:
            BatchError: some profiles failed, for example because they do not exist.
            DetachedError: no repository returned this instance.
        """
        name = self.calculated_attribute_name
        return self._home().values(name, profiles, days=days, start=start, end=end)

    def read_value(self, text: str | None) -> CalculatedValue:
        """Return a value by its type, which the statistic and the threshold determine.

        Args:
            text: the value as the service writes it.
        """
        is_compared = self.conditions is not None and self.conditions.threshold is not None
        if is_compared and text in ("true", "false"):
            return text == "true"
        if text is None or is_compared:
            return text
        if self.statistic == "RECENT_OCCURRENCES":
            return _texts(text)
        if self.statistic == "COUNT":
            return int(text) if text.isdecimal() else text
        number = _number(text) if self.statistic in _NUMERIC else None
        return number if number is not None else self._moment(text) or text

    def _moment(self, text: str) -> datetime | None:
        """Return the moment that a value names, if it is a documented date of a standard object."""
        items = EXPRESSION_ITEM.findall(self.expression or "")
        if len(items) != 1 or not items[0][1].endswith(_DATE_NAMES):
            return None
        return _moment(text) if items[0][0] in {*standard(), _CONTACT} else None

    def _home(self) -> CalculatedAttributes:
        return cast("CalculatedAttributes", self._origin().home)


class CalculatedAttributeValue(Record):
    """The value of a calculated attribute for a profile."""

    _shown: ClassVar[frozenset[str]] = frozenset(
        {"calculated_attribute_name", "profile_id", "is_partial", "last_object_timestamp"}
    )

    calculated_attribute_name: Annotated[str, Identifier()] = ""
    """The name of the definition."""
    display_name: str | None = None
    """The definition's name that users see."""
    profile_id: Annotated[str, Identifier()] = ""
    """The profile's id."""
    text: str | None = Field(default=None, validation_alias="Value")
    """The value as the service writes it; None if no object counts."""
    is_partial: bool | None = Field(default=None, validation_alias="IsDataPartial")
    """Whether the definition has not collected objects for its whole range yet."""
    last_object_timestamp: datetime | None = None
    """The time of the newest object that counts."""

    @property
    def value(self) -> CalculatedValue:
        """The value by its type; None if no object counts.

        A threshold makes it a `bool`, COUNT an `int`, and SUM, AVERAGE, MINIMUM and MAXIMUM a
        `Decimal`. RECENT_OCCURRENCES is a list of texts, the newest first. Others are texts, or an
        aware `datetime` if the expression is a documented date of a standard object, such as
        `{_order.CreatedDate}`. A text that is not of its type stays a text.

        The first access reads the definition, unless the collection that this was read from has
        read it before.

        Raises:
            DetachedError: no repository returned this instance.
        """
        home: Any = self._origin().home
        typed: CalculatedValue = home.typed(self)
        return typed

    @property
    def number(self) -> Decimal | None:
        """The value as a number; None if it is none. Nothing is read for it."""
        return None if self.text is None else _number(self.text)


class CalculatedAttributeChanges(TypedDict, total=False):
    """What can be changed of a calculated attribute, as keywords."""

    display_name: str
    """The name that users see: letters, digits, `_`, `-` and spaces."""
    description: str
    """What is computed."""
    days: int
    """The last days that count, up to 366."""
    start: int
    """The first day that counts, back from now; a negative number is in the future."""
    end: int
    """The last day that counts, back from now; 0 if only `start` is given."""
    object_count: int
    """How many of the newest objects count, up to 100."""
    threshold: Threshold | tuple[ThresholdOperator, str | float | Decimal]
    """What the value is compared with, such as `("GREATER_THAN", 500)`: it becomes a bool."""


class CalculatedAttributeFields(CalculatedAttributeChanges, total=False):
    """The settings of a new calculated attribute as keywords."""

    timestamp: str
    """The path to the time of an object, such as `placedAt`; without it, that of its ingestion."""
    timestamp_format: TimestampFormat
    """How that time is written: EPOCHMILLI or ISO_8601."""
    use_historical_data: bool
    """Whether objects count that were ingested before."""
    tags: dict[str, str]
    """The tags."""


def _texts(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    return [str(item) for item in found] if isinstance(found, list) else [text]


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(text: str) -> datetime | None:
    """Return the moment that a text names: ISO 8601, or epoch seconds or milliseconds."""
    try:
        if _EPOCH.fullmatch(text):
            unit = 1 if len(text) <= _SECONDS_DIGITS else 1000
            return datetime.fromtimestamp(int(text) / unit, UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
