"""The fields that conditions compare, and the methods that compare them."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from customer_profiles._hints.nearest import did_you_mean, listed
from customer_profiles.errors import InvalidInputError

from .nodes import EVERYBODY, Comparison, Field, InSegment
from .operators import (
    DATES,
    OPERATORS,
    ORDERS,
    RANGES,
    REFERENCE,
    date_text,
    number_text,
    reader,
    snake,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from customer_profiles.models.profile import ProfileType

    from .nodes import Condition

T = TypeVar("T")

Text: TypeAlias = "str | Field[str]"
"""A text, or the field that has the text to compare with."""
Number: TypeAlias = "int | float | Decimal | Field[Decimal]"
"""A number, or the field that has the number to compare with."""
Moment: TypeAlias = "date | Field[date]"
"""A date, a time with its zone, or the field that has the date to compare with."""
Days: TypeAlias = "int | tuple[int, int]"
"""The last days, as in `30`, or from how many days ago to how many, as in `(60, 30)`."""

_LONGEST_TEXT, _LONGEST_INFORMATION = 255, 1000
_NO_VALUES = (
    "an empty list would mean nobody, but a segment without conditions is everybody; leave the "
    "condition out on purpose, or do without the segment"
)
_ATTRIBUTE_NAME = re.compile(r"(?s).{1,255}")
_OBJECT_FIELD = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_CALCULATED_NAME = re.compile(r"[a-zA-Z_][a-zA-Z_0-9-]{0,254}")
_SEGMENT_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class _TextMethods:
    __slots__ = ()

    def is_in(self, *values: Text) -> Condition:
        """Compare: the value is one of these, case included."""
        return _compare(self, "is_in", values)

    def is_not_in(self, *values: Text) -> Condition:
        """Compare: the value is none of these, case included; true where there is no value."""
        return _compare(self, "is_not_in", values)

    def contains(self, *parts: Text) -> Condition:
        """Compare: the value contains one of these texts, case included."""
        return _compare(self, "contains", parts)

    def begins_with(self, *parts: Text) -> Condition:
        """Compare: the value begins with one of these texts, case included."""
        return _compare(self, "begins_with", parts)

    def ends_with(self, *parts: Text) -> Condition:
        """Compare: the value ends with one of these texts, case included."""
        return _compare(self, "ends_with", parts)


class _DateMethods:
    __slots__ = ()

    def before(self, moment: Moment) -> Condition:
        """Compare: the value is before this date; a date alone is midnight in UTC."""
        return _compare(self, "before", (moment,))

    def after(self, moment: Moment) -> Condition:
        """Compare: the value is after this date; a date alone is midnight in UTC."""
        return _compare(self, "after", (moment,))

    def on(self, day: Moment) -> Condition:
        """Compare: the value is on the same day in UTC."""
        return _compare(self, "on", (day,))


class TextField(_TextMethods, Field[str]):
    """A text of a profile."""

    __slots__ = ()


class DateField(_DateMethods, Field[date]):
    """A date of a profile."""

    __slots__ = ()

    def between(self, first: Moment, last: Moment) -> Condition:
        """Compare: the value is one of these dates or between them."""
        return _compare(self, "between", (first, last))

    def not_between(self, first: Moment, last: Moment) -> Condition:
        """Compare: the value is a date outside of these two; false where there is no date."""
        return _compare(self, "not_between", (first, last))


class ChoiceField(Field[T]):
    """A member of a profile that has one of few values."""

    __slots__ = ()

    def is_in(self, value: T) -> Condition:
        """Compare: the member has this value."""
        return _compare(self, "is_in", (value,))

    def is_not_in(self, value: T) -> Condition:
        """Compare: the member has another value, or none."""
        return _compare(self, "is_not_in", (value,))


class ObjectField(_TextMethods, _DateMethods, Field[Any]):
    """A field of the objects that a calculated attribute counts."""

    __slots__ = ()

    def between(self, first: Number | Moment, last: Number | Moment) -> Condition:
        """Compare: the value is one of these numbers or dates, or between them."""
        return _compare(self, "between", (first, last))

    def not_between(self, first: Number | Moment, last: Number | Moment) -> Condition:
        """Compare: the value is outside of these numbers or dates; false where there is none."""
        return _compare(self, "not_between", (first, last))

    def equal_to(self, number: Number) -> Condition:
        """Compare: the value is this number, however it is written."""
        return _compare(self, "equal_to", (number,))

    def over(self, number: Number) -> Condition:
        """Compare: the value is greater than this number."""
        return _compare(self, "over", (number,))

    def at_least(self, number: Number) -> Condition:
        """Compare: the value is this number or greater."""
        return _compare(self, "at_least", (number,))

    def under(self, number: Number) -> Condition:
        """Compare: the value is less than this number."""
        return _compare(self, "under", (number,))

    def at_most(self, number: Number) -> Condition:
        """Compare: the value is this number or less."""
        return _compare(self, "at_most", (number,))


class CustomField(ObjectField):
    """A custom attribute of a profile: a text, which may be a number or a date."""

    __slots__ = ()

    def contains_any(self, *values: Text) -> Condition:
        """Compare: the value is a list that has one of these."""
        return _compare(self, "contains_any", values)

    def contains_all(self, *values: Text) -> Condition:
        """Compare: the value is a list that has all of these."""
        return _compare(self, "contains_all", values)


class CalculatedField(Field[Any]):
    """A calculated attribute; `days` replaces the period of its definition."""

    __slots__ = ()

    def is_in(self, *values: Text | bool, days: Days | None = None) -> Condition:
        """Compare: the value is one of these; True and False are the values of a threshold."""
        return _compare(self, "is_in", values, days)

    def is_not_in(self, *values: Text | bool, days: Days | None = None) -> Condition:
        """Compare: the value is none of these; true where there is no value."""
        return _compare(self, "is_not_in", values, days)

    def contains(self, *parts: Text, days: Days | None = None) -> Condition:
        """Compare: the value contains one of these texts, case included."""
        return _compare(self, "contains", parts, days)

    def begins_with(self, *parts: Text, days: Days | None = None) -> Condition:
        """Compare: the value begins with one of these texts, case included."""
        return _compare(self, "begins_with", parts, days)

    def ends_with(self, *parts: Text, days: Days | None = None) -> Condition:
        """Compare: the value ends with one of these texts, case included."""
        return _compare(self, "ends_with", parts, days)

    def before(self, moment: Moment, *, days: Days | None = None) -> Condition:
        """Compare: the value is before this date."""
        return _compare(self, "before", (moment,), days)

    def after(self, moment: Moment, *, days: Days | None = None) -> Condition:
        """Compare: the value is after this date."""
        return _compare(self, "after", (moment,), days)

    def on(self, day: Moment, *, days: Days | None = None) -> Condition:
        """Compare: the value is on the same day in UTC."""
        return _compare(self, "on", (day,), days)

    def between(
        self, first: Number | Moment, last: Number | Moment, *, days: Days | None = None
    ) -> Condition:
        """Compare: the value is one of these numbers or dates, or between them."""
        return _compare(self, "between", (first, last), days)

    def not_between(
        self, first: Number | Moment, last: Number | Moment, *, days: Days | None = None
    ) -> Condition:
        """Compare: the value is outside of these numbers or dates; false where there is none."""
        return _compare(self, "not_between", (first, last), days)

    def equal_to(self, number: Number, *, days: Days | None = None) -> Condition:
        """Compare: the value is this number, however it is written."""
        return _compare(self, "equal_to", (number,), days)

    def over(self, number: Number, *, days: Days | None = None) -> Condition:
        """Compare: the value is greater than this number."""
        return _compare(self, "over", (number,), days)

    def at_least(self, number: Number, *, days: Days | None = None) -> Condition:
        """Compare: the value is this number or greater."""
        return _compare(self, "at_least", (number,), days)

    def under(self, number: Number, *, days: Days | None = None) -> Condition:
        """Compare: the value is less than this number."""
        return _compare(self, "under", (number,), days)

    def at_most(self, number: Number, *, days: Days | None = None) -> Condition:
        """Compare: the value is this number or less."""
        return _compare(self, "at_most", (number,), days)

    def contains_any(self, *values: Text, days: Days | None = None) -> Condition:
        """Compare: the value is a list that has one of these."""
        return _compare(self, "contains_any", values, days)

    def contains_all(self, *values: Text, days: Days | None = None) -> Condition:
        """Compare: the value is a list that has all of these."""
        return _compare(self, "contains_all", values, days)


class _Named:
    """An object whose misspelled names are refused with the nearest ones."""

    __slots__ = ()

    if not TYPE_CHECKING:  # Type checkers would accept any name.

        def __getattr__(self, name: str) -> object:
            if name.startswith("_"):
                raise AttributeError(name)
            known = [known for known in dir(self) if not known.startswith("_")]
            hint = _HINTS.get(name) or did_you_mean(name, known) or f"known are {listed(known)}"
            msg = f"{self!r} has no field {name!r}; {hint}"
            raise AttributeError(msg)


_HINTS = {
    "gender": "segments compare gender_string",
    "party_type": "segments compare party_type_string",
    "profile_id": "segments do not compare ids; segment.members(ids) returns who is a member",
    "engagement_preferences": "segments do not compare them",
    **dict.fromkeys(
        ("address1", "address2", "address3", "address4"),
        "segments compare city, country, county, postal_code, province and state of an address",
    ),
}


class AddressConditions(_Named):
    """The members of an address that segments compare."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.city: TextField = TextField("profile", f"{name}.City")
        """The city."""
        self.country: TextField = TextField("profile", f"{name}.Country")
        """The country."""
        self.county: TextField = TextField("profile", f"{name}.County")
        """The county."""
        self.postal_code: TextField = TextField("profile", f"{name}.PostalCode")
        """The postal or ZIP code."""
        self.province: TextField = TextField("profile", f"{name}.Province")
        """The province."""
        self.state: TextField = TextField("profile", f"{name}.State")
        """The state."""

    def __repr__(self) -> str:
        return f"where.{snake(self._name)}"


class CustomAttributes:
    """The custom attributes of a profile by their names, as in `where.attributes["tier"]`."""

    # Python would iterate over any object that has __getitem__, for ever.
    __iter__ = None

    def __getitem__(self, name: str) -> CustomField:
        """Return the attribute of a name; whether any profile has it is not checked.

        Raises:
            InvalidInputError: the service takes no such name.
        """
        _check_name(name, "where.attributes[...]", _ATTRIBUTE_NAME)
        return CustomField("attribute", name)

    def __repr__(self) -> str:
        return "where.attributes"


class Where(_Named):
    """The fields that conditions compare; `customer_profiles.where` is the only instance."""

    __slots__ = ()

    account_number: TextField = TextField("profile", "AccountNumber")
    """The customer's account number."""
    additional_information: TextField = TextField("profile", "AdditionalInformation")
    """Additional information; values have up to 1,000 characters."""
    first_name: TextField = TextField("profile", "FirstName")
    """The given name."""
    middle_name: TextField = TextField("profile", "MiddleName")
    """The middle name."""
    last_name: TextField = TextField("profile", "LastName")
    """The family name."""
    gender_string: TextField = TextField("profile", "GenderString")
    """The gender as free text; segments do not compare `gender`."""
    party_type_string: TextField = TextField("profile", "PartyTypeString")
    """The kind of party as free text; segments do not compare `party_type`."""
    birth_date: DateField = DateField("profile", "BirthDate")
    """The birth date."""
    business_name: TextField = TextField("profile", "BusinessName")
    """The name of the customer's business."""
    phone_number: TextField = TextField("profile", "PhoneNumber")
    """The main phone number, compared as text: write it as the profiles have it."""
    business_phone_number: TextField = TextField("profile", "BusinessPhoneNumber")
    """The business phone number, compared as text."""
    home_phone_number: TextField = TextField("profile", "HomePhoneNumber")
    """The home phone number, compared as text."""
    mobile_phone_number: TextField = TextField("profile", "MobilePhoneNumber")
    """The mobile phone number, compared as text."""
    email_address: TextField = TextField("profile", "EmailAddress")
    """The main e-mail address, compared as text, case included."""
    personal_email_address: TextField = TextField("profile", "PersonalEmailAddress")
    """The personal e-mail address, compared as text."""
    business_email_address: TextField = TextField("profile", "BusinessEmailAddress")
    """The business e-mail address, compared as text."""
    address: AddressConditions = AddressConditions("Address")
    """The main address."""
    shipping_address: AddressConditions = AddressConditions("ShippingAddress")
    """The address for deliveries."""
    mailing_address: AddressConditions = AddressConditions("MailingAddress")
    """The address for letters."""
    billing_address: AddressConditions = AddressConditions("BillingAddress")
    """The address for invoices."""
    profile_type: ChoiceField[ProfileType] = ChoiceField("profile", "ProfileType")
    """The kind of profile; where it has none, it is that of a customer."""
    attributes: CustomAttributes = CustomAttributes()
    """The custom attributes by name, as in `where.attributes["tier"]`."""
    everybody: Condition = EVERYBODY
    """Every profile of the domain."""

    def calculated(self, name: str) -> CalculatedField:
        """Return the calculated attribute of a name.

        Raises:
            InvalidInputError: the service takes no such name.
        """
        _check_name(name, "where.calculated()", _CALCULATED_NAME)
        return CalculatedField("calculated", name)

    def segment(self, name: str) -> Condition:
        """Return the condition that the members of another segment meet.

        Raises:
            InvalidInputError: the service takes no such name.
        """
        _check_name(name, "where.segment()", _SEGMENT_NAME)
        return InSegment(name)

    def field(self, name: str) -> ObjectField:
        """Return a field of the objects that a calculated attribute counts.

        Args:
            name: the name of a field of the object type's mapping, or a path in the object.

        Raises:
            InvalidInputError: the service takes no such name.
        """
        _check_name(name, "where.field()", _OBJECT_FIELD)
        return ObjectField("object", name)

    def __repr__(self) -> str:
        return "where"


where: Where = Where()
"""The fields that conditions compare."""


def _check_name(name: object, what: str, pattern: re.Pattern[str]) -> None:
    if not isinstance(name, str) or not pattern.fullmatch(name):
        msg = f"{what} takes a name that matches {pattern.pattern}"
        raise InvalidInputError(msg)


def _compare(
    field: object, method: str, values: tuple[object, ...], days: Days | None = None
) -> Condition:
    """Return a comparison with values that are checked, and written as the service reads them."""
    compared, operator = cast("Field[Any]", field), OPERATORS[method]
    caller = f"{compared!r}.{method}()"
    if not values:
        msg = f"{caller} needs at least one value: {_NO_VALUES}"
        raise InvalidInputError(msg)
    texts = tuple(_written(compared, operator, value, caller) for value in values)
    if operator in RANGES:
        _check_range(values, texts, caller)
        return Comparison(compared, operator, texts, _window(days, caller))
    return Comparison(compared, operator, tuple(dict.fromkeys(texts)), _window(days, caller))


def _written(field: Field[Any], operator: str, value: object, caller: str) -> str:
    """Return a value as the service reads it."""
    if isinstance(value, Field):
        return _reference(value, caller)
    expected, text = _expected_and_text(field, operator, value)
    if text is None:
        if isinstance(value, datetime):
            expected += ", with a zone as in datetime(2000, 1, 1, tzinfo=UTC)"
        elif isinstance(value, (list, tuple, set, frozenset)):
            expected += " one by one, as in is_in(*values)"
        msg = f"{caller} takes {expected}, not {type(value).__name__}"
        raise InvalidInputError(msg)
    longest = _LONGEST_INFORMATION if field.name == "AdditionalInformation" else _LONGEST_TEXT
    if not 1 <= len(text) <= longest:
        msg = f"{caller} takes values of 1 to {longest:,} characters, not of {len(text):,}"
        raise InvalidInputError(msg)
    return text


def _expected_and_text(field: Field[Any], operator: str, value: object) -> tuple[str, str | None]:
    """Return what an operator takes, and the text of a value; None if it is something else."""
    if operator in ORDERS:
        return "numbers", number_text(value)
    if operator in DATES or (operator in RANGES and field.kind == "profile"):
        return "dates", date_text(value)
    if operator in RANGES:
        return "numbers or dates", date_text(value) or number_text(value)
    if field.kind == "calculated" and isinstance(value, bool):
        return "texts", "true" if value else "false"
    return "texts", value if isinstance(value, str) else None


def _reference(field: Field[Any], caller: str) -> str:
    if field.kind == "object" or "{" in field.name or "}" in field.name:
        msg = f"{caller} cannot be compared with {field!r}"
        raise InvalidInputError(msg)
    if field.kind == "calculated":
        return f"{{{{_calculated_attribute.{field.name}}}}}"
    prefix = "Attributes." if field.kind == "attribute" else ""
    return f"{{{{_profile.{prefix}{field.name}}}}}"


def _check_range(values: tuple[object, ...], texts: tuple[str, ...], caller: str) -> None:
    """Refuse bounds of two kinds, or in the wrong order."""
    if any(isinstance(value, Field) for value in values):
        return
    dated = [isinstance(value, date) for value in values]
    if len(set(dated)) > 1:
        msg = f"{caller} takes two numbers or two dates, not one of each"
        raise InvalidInputError(msg)
    read = reader(is_date=dated[0])
    if read(texts[0]) > read(texts[1]):
        msg = f"{caller} takes the smaller value first"
        raise InvalidInputError(msg)


def _window(days: object, caller: str) -> tuple[int, int] | None:
    if days is None:
        return None
    window = (days, 0) if isinstance(days, int) else days
    if (
        not isinstance(window, tuple)
        or [type(day) for day in window] != [int, int]
        or window[0] < window[1]
    ):
        msg = (
            f"{caller} takes days=30 for the last 30 days, or days=(60, 30) for those from 60 to "
            "30 days ago"
        )
        raise InvalidInputError(msg)
    return window[0], window[1]


def referenced(value: str) -> Field[Any] | None:
    """Return the field that a value refers to, if it does."""
    found = REFERENCE.fullmatch(value)
    if found is None:
        return None
    if found[1] != "_profile":
        return CalculatedField("calculated", found[2])
    prefix, _, name = found[2].partition("Attributes.")
    return Field("profile", found[2]) if prefix else CustomField("attribute", name)
