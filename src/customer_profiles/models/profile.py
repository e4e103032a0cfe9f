"""A customer's profile and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    Self,
    TypedDict,
    TypeVar,
    cast,
    overload,
)

from pydantic import Field

from .base import DateText, Identifier, Model, OpenEnum, Record

if TYPE_CHECKING:
    from customer_profiles.mapping.profile_object import ProfileObject
    from customer_profiles.repositories.calculated_attributes import AttributesOfProfile
    from customer_profiles.repositories.history import History
    from customer_profiles.repositories.profile_objects import ObjectsOfProfile
    from customer_profiles.repositories.profiles import Profiles

    from .history import ActionType, Provenance
    from .profile_object import StoredObject

ObjectT = TypeVar("ObjectT", bound="ProfileObject")
Gender = Literal["MALE", "FEMALE", "UNSPECIFIED"]
PartyType = Literal["INDIVIDUAL", "BUSINESS", "OTHER"]
ProfileType = Literal["ACCOUNT_PROFILE", "PROFILE"]
ContactType = Literal[
    "PhoneNumber",
    "MobilePhoneNumber",
    "HomePhoneNumber",
    "BusinessPhoneNumber",
    "EmailAddress",
    "PersonalEmailAddress",
    "BusinessEmailAddress",
]


class Address(Model):
    """A postal address; each member has up to 255 characters."""

    address1: str | None = None
    """The first line of the street address."""
    address2: str | None = None
    """The second line of the street address."""
    address3: str | None = None
    """The third line of the street address."""
    address4: str | None = None
    """The fourth line of the street address."""
    city: str | None = None
    """The city."""
    county: str | None = None
    """The county."""
    state: str | None = None
    """The state."""
    province: str | None = None
    """The province."""
    country: str | None = None
    """The country."""
    postal_code: str | None = None
    """The postal or ZIP code."""


class ContactPreference(Model):
    """A way to reach a customer, or the profile of a member of an account."""

    key_name: str | None = None
    """The key that finds the preferred profile; it must be a unique identifier."""
    key_value: str | None = None
    """The value of that key."""
    profile_id: str | None = None
    """The preferred profile's id, in place of a key."""
    contact_type: Annotated[ContactType, OpenEnum()] | None = None
    """The profile's member with the number or address."""


class EngagementPreferences(Model):
    """The ways in which a customer or an account wants to be contacted."""

    phone: list[ContactPreference] | None = None
    """The preferred phone numbers, best first."""
    email: list[ContactPreference] | None = None
    """The preferred e-mail addresses, best first."""


class FoundBy(Model):
    """A search key, and its values, by which a search found a profile."""

    _shown: ClassVar[frozenset[str]] = frozenset({"key_name"})

    key_name: str | None = None
    """The key's name, such as `_email`."""
    values: list[str] | None = None
    """The searched values that the profile has."""


class Profile(Record):
    """A customer: who they are and how to reach them.

    In memory an absent member is None. In an update, `""` and None clear a member, and an
    omitted one keeps its stored value. Texts have up to 255 characters; phone numbers, dates
    and e-mail addresses may have any format, because the service requires none.
    """

    _shown: ClassVar[frozenset[str]] = frozenset({"profile_id"})

    profile_id: Annotated[str, Identifier()] = ""
    """The service's id: 32 hexadecimal digits; empty before the profile is stored."""
    account_number: str | None = None
    """The customer's account number; key `_account`."""
    additional_information: str | None = None
    """Additional information, up to 1,000 characters."""
    party_type: Annotated[PartyType, OpenEnum()] | None = None
    """The kind of party; cannot be cleared (`party_type_string` can)."""
    business_name: str | None = None
    """The name of the customer's business."""
    first_name: str | None = None
    """The given name; part of key `_fullName`."""
    middle_name: str | None = None
    """The middle name; part of key `_fullName`."""
    last_name: str | None = None
    """The family name; part of key `_fullName`."""
    birth_date: Annotated[str, DateText()] | None = None
    """The birth date, in any format; a `date` or `datetime` becomes `YYYY-MM-DD`."""
    gender: Annotated[Gender, OpenEnum()] | None = None
    """The gender; cannot be cleared (`gender_string` can)."""
    phone_number: str | None = None
    """The main phone number; key `_phone`."""
    mobile_phone_number: str | None = None
    """The mobile phone number; key `_phone`."""
    home_phone_number: str | None = None
    """The home phone number; key `_phone`."""
    business_phone_number: str | None = None
    """The business phone number; key `_phone`."""
    email_address: str | None = None
    """The main e-mail address; key `_email`."""
    personal_email_address: str | None = None
    """The personal e-mail address; key `_email`."""
    business_email_address: str | None = None
    """The business e-mail address; key `_email`."""
    address: Address | None = None
    """The main address."""
    shipping_address: Address | None = None
    """The address for deliveries."""
    mailing_address: Address | None = None
    """The address for letters."""
    billing_address: Address | None = None
    """The address for invoices."""
    attributes: dict[str, str] | None = None
    """Custom attributes by name."""
    found_by: list[FoundBy] | None = Field(default=None, validation_alias="FoundByItems")
    """The search keys that found this profile; only in results of a search, and part of `==`."""
    party_type_string: str | None = None
    """The kind of party as free text."""
    gender_string: str | None = None
    """The gender as free text."""
    profile_type: Annotated[ProfileType, OpenEnum()] | None = None
    """The kind of profile, of a customer or of an account; cannot be cleared."""
    engagement_preferences: EngagementPreferences | None = None
    """The ways in which the customer wants to be contacted."""

    @overload
    def objects(
        self,
        object_type: type[ObjectT],
        /,
        *,
        keys: Mapping[str, str | list[str]] | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> ObjectsOfProfile[ObjectT]: ...

    @overload
    def objects(
        self,
        object_type: str,
        /,
        *,
        keys: Mapping[str, str | list[str]] | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> ObjectsOfProfile[StoredObject]: ...

    def objects(self, object_type: type[ProfileObject] | str, /, **options: Any) -> Any:
        """List the profile's objects of a type; pages are fetched as you iterate.

        Args:
            object_type: the class of the objects, or the name of any object type, such as
                `_order` for the standard objects.
            options: `keys` filters by the values of a single key, as in
                `keys={"_orderId": "1"}`; `limit`, `page_size` and `start` are as in searches.

        Raises:
            ResourceNotFoundError: the domain has no such object type.
            DetachedError: no repository returned this instance.
        """
        return self._home().objects(self.profile_id, object_type, **options)

    def history(  # noqa: PLR0913  (the filters of the list)
        self,
        *,
        action_type: ActionType | None = None,
        object_type_name: str | type[ProfileObject] | None = None,
        performed_by: str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> History:
        """List the events in the profile's history; pages are fetched as you iterate.

        Args:
            action_type: only events of this kind.
            object_type_name: only events of objects of this type, a name or a class.
            performed_by: only events that the person or service with this ARN caused.
            limit: the most records to yield.
            page_size: how many records to request at once, up to 100.
            start: the `next_token` to resume at.

        Raises:
            DetachedError: no repository returned this instance.
        """
        return self._home().history(
            self.profile_id,
            action_type=action_type,
            object_type_name=object_type_name,
            performed_by=performed_by,
            limit=limit,
            page_size=page_size,
            start=start,
        )

    @property
    def calculated_attributes(self) -> AttributesOfProfile:
        """The values of the domain's calculated attributes for this profile; nothing is sent yet.

        `profile.calculated_attributes["spend_90d"]` reads one of them, iteration lists all.

        Raises:
            DetachedError: no repository returned this instance.
        """
        return self._home().calculated_attributes(self.profile_id)

    def merge(
        self, *others: Profile | str, take: Mapping[str, Profile | str] | None = None
    ) -> Self:
        """Merge other profiles into this one, and refresh it; this cannot be undone.

        Args:
            others: the profiles, or their ids, at most 20; they are deleted.
            take: fields whose value comes from another of the profiles, as in
                `take={"email_address": other}`; all other values of this profile stay.

        Raises:
            ResourceNotFoundError: a profile does not exist; none is merged.
            InvalidInputError: a field cannot be chosen, there are more than 20 profiles, or a
                profile has changes that were not saved.
            AmbiguousWriteError: no answer came, and it is unknown whether the merge happened.
            DetachedError: no repository returned this instance.
        """
        self._home().merge(self, *others, take=take)
        return self.refresh()

    def provenance(self, field: str) -> Provenance:
        """Return which object set a field, and when.

        The embedded engine records it. On AWS it is inferred: the latest object in the profile's
        history whose type has the field as a target. The history does not show whether that
        object had a value for the field, or whether another source has priority over it.

        Args:
            field: the field's name, such as `email_address`, `address.city` or
                `attributes.tier`.

        Raises:
            InvalidInputError: a profile has no such field.
            DetachedError: no repository returned this instance.
        """
        return self._home().provenance(self.profile_id, field)

    def _home(self) -> Profiles:
        return cast("Profiles", self._origin().home)


class ProfileKey(Model):
    """A search key of a profile."""

    _shown: ClassVar[frozenset[str]] = frozenset({"key_name", "source"})

    key_name: str
    """The key's name, such as `_email`."""
    value: str
    """The value as the search compares it, without case, spaces and the like."""
    source: str
    """`_profile` for a key of the profile's own fields, `added` for one that `add_key` added, and
    otherwise the type of an object that provides it."""


class AddressFields(TypedDict, total=False):
    """The members of an address as keywords; None clears a member in an update."""

    address1: str | None
    address2: str | None
    address3: str | None
    address4: str | None
    city: str | None
    county: str | None
    state: str | None
    province: str | None
    country: str | None
    postal_code: str | None


class ProfileFields(TypedDict, total=False):
    """The members of a profile as keywords; None clears a member in an update."""

    account_number: str | None
    additional_information: str | None
    party_type: PartyType | None
    business_name: str | None
    first_name: str | None
    middle_name: str | None
    last_name: str | None
    birth_date: str | date | None
    gender: Gender | None
    phone_number: str | None
    mobile_phone_number: str | None
    home_phone_number: str | None
    business_phone_number: str | None
    email_address: str | None
    personal_email_address: str | None
    business_email_address: str | None
    address: Address | AddressFields | None
    shipping_address: Address | AddressFields | None
    mailing_address: Address | AddressFields | None
    billing_address: Address | AddressFields | None
    attributes: Mapping[str, str | None] | None
    party_type_string: str | None
    gender_string: str | None
    profile_type: ProfileType | None
    engagement_preferences: EngagementPreferences | None
