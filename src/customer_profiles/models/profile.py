"""A customer's profile and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
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

from .base import Identifier, Model, OpenEnum, Record

if TYPE_CHECKING:
    from customer_profiles.mapping.profile_object import ProfileObject
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
    """A postal address; each member holds up to 255 characters."""

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
    """One way to reach a customer, or a member of an account by its profile."""

    key_name: str | None = None
    """The key that finds the preferred profile; it must be a unique identifier."""
    key_value: str | None = None
    """The value of that key."""
    profile_id: str | None = None
    """The preferred profile's id, in place of a key."""
    contact_type: Annotated[ContactType, OpenEnum()] | None = None
    """The profile's member that holds the number or address."""


class EngagementPreferences(Model):
    """How a customer or an account wants to be contacted."""

    phone: list[ContactPreference] | None = None
    """The preferred phones, best first."""
    email: list[ContactPreference] | None = None
    """The preferred e-mail addresses, best first."""


class FoundBy(Model):
    """A search key, and its values, that a search found a profile by."""

    _shown: ClassVar[frozenset[str]] = frozenset({"key_name"})

    key_name: str | None = None
    """The key's name, such as `_email`."""
    values: list[str] | None = None
    """The values that were searched for and hit."""


class Profile(Record):
    """A customer: who they are and how to reach them.

    In memory an absent member is None. In an update, `""` and None clear a member and an
    omitted one keeps what is stored. Texts hold up to 255 characters, and no format is
    demanded of phones, dates or e-mail addresses, as the service demands none.
    """

    _shown: ClassVar[frozenset[str]] = frozenset({"profile_id"})

    profile_id: Annotated[str, Identifier()] = ""
    """The service's id: 32 hexadecimal digits; empty before the profile is stored."""
    account_number: str | None = None
    """The customer's account number; key `_account`."""
    additional_information: str | None = None
    """Anything else worth knowing, up to 1,000 characters."""
    party_type: Annotated[PartyType, OpenEnum()] | None = None
    """Person or organisation; cannot be cleared (`party_type_string` can)."""
    business_name: str | None = None
    """The name of the customer's business."""
    first_name: str | None = None
    """The given name; part of key `_fullName`."""
    middle_name: str | None = None
    """The middle name; part of key `_fullName`."""
    last_name: str | None = None
    """The family name; part of key `_fullName`."""
    birth_date: str | None = None
    """The birth date, in any form."""
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
    """Where goods go."""
    mailing_address: Address | None = None
    """Where letters go."""
    billing_address: Address | None = None
    """Where bills go."""
    attributes: dict[str, str] | None = None
    """Custom attributes by name."""
    found_by: list[FoundBy] | None = Field(
        default=None, validation_alias="FoundByItems", serialization_alias="FoundByItems"
    )
    """The search keys that found this profile; only on results of a search, and part of `==`."""
    party_type_string: str | None = None
    """The kind of party in free text."""
    gender_string: str | None = None
    """The gender in free text."""
    profile_type: Annotated[ProfileType, OpenEnum()] | None = None
    """A customer's profile or an account's; cannot be cleared."""
    engagement_preferences: EngagementPreferences | None = None
    """How the customer wants to be contacted."""

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
        """List the profile's objects of one type; pages are fetched as you iterate.

        Args:
            object_type: the class of the objects, or the name of any object type, such as
                `_order` for the standard objects.
            options: `keys` filters by the values of one key, as in
                `keys={"_orderId": "1"}`; `limit`, `page_size` and `start` are as in searches.

        Raises:
            ResourceNotFoundError: the domain has no such object type.
        """
        return self._home().objects(self.profile_id, object_type, **options)

    def history(  # noqa: PLR0913  (what a list is asked by)
        self,
        *,
        action_type: ActionType | None = None,
        object_type_name: str | type[ProfileObject] | None = None,
        performed_by: str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> History:
        """List what happened to the profile; pages are fetched as you iterate.

        Args:
            action_type: only what happened in this way.
            object_type_name: only what happened to objects of this type.
            performed_by: only what the person or service of this ARN did.
            limit: how many records to give at the most.
            page_size: how many to ask for at once, up to 100.
            start: a `next_token` to resume at.
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

    def merge(
        self, *others: Profile | str, take: Mapping[str, Profile | str] | None = None
    ) -> Self:
        """Merge other profiles into this one, and read what it is then; it cannot be undone.

        Args:
            others: the profiles, or their ids, 20 at the most; they are deleted.
            take: from which profile to take a field; else this one's value stays.

        Raises:
            ResourceNotFoundError: one of the profiles does not exist; none is merged.
            InvalidInputError: a field cannot be chosen, there are more than 20 profiles, or a
                profile has changes that were not saved.
        """
        self._home().merge(self, *others, take=take)
        return self.refresh()

    def provenance(self, field: str) -> Provenance:
        """Say which object set a field, and when.

        The embedded engine knows it exactly. On AWS it is the latest object in the profile's
        history whose type has the field as a target: whether that object had a value for it,
        and whether another source's value was protected from it, the history does not tell.

        Args:
            field: its name, such as `email_address`, `address.city` or `attributes.tier`.

        Raises:
            InvalidInputError: a profile has no such field.
        """
        return self._home().provenance(self.profile_id, field)

    def _home(self) -> Profiles:
        return cast("Profiles", self._origin().home)


class AddressFields(TypedDict, total=False):
    """The members of an address as keywords; None clears one in an update."""

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
    """The members of a profile as keywords; None clears one in an update."""

    account_number: str | None
    additional_information: str | None
    party_type: PartyType | None
    business_name: str | None
    first_name: str | None
    middle_name: str | None
    last_name: str | None
    birth_date: str | None
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
