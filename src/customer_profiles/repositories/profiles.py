"""The profiles of a domain: create, read, change, delete and search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, TypeVar, Unpack, cast

from pydantic import Field

from customer_profiles import _wire
from customer_profiles._problems import describe, refuse, unknown
from customer_profiles._results import Results
from customer_profiles.channels.embedded import embedded
from customer_profiles.errors import (
    BatchError,
    InvalidInputError,
    MalformedIdError,
    MultipleResultsError,
    ServiceError,
)
from customer_profiles.models.base import attach_all
from customer_profiles.models.profile import Profile, ProfileFields, ProfileKey

from .base import (
    CREATE,
    UPDATE,
    Answer,
    Page,
    before_and_after,
    build,
    page_reader,
    source_of,
    with_extra,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from customer_profiles._gateway import Gateway
    from customer_profiles._problems import Names
    from customer_profiles._wire import Path, Wire
    from customer_profiles.mapping.profile_object import ProfileObject
    from customer_profiles.models.history import Provenance
    from customer_profiles.models.person import ErasureReceipt, PersonData

    from .base import Extra, PageOptions
    from .bulk import CreateResult, Key
    from .calculated_attributes import AttributesOfProfile
    from .history import History
    from .profile_objects import ObjectsOfProfile

ItemT = TypeVar("ItemT")
M = TypeVar("M", bound=Callable[..., Any])

_BATCH_GET = "BatchGetProfile"
_DELETE = "DeleteProfile"
_SEARCH = "SearchProfiles"
_ADD_KEY = "AddProfileKey"
_DELETE_KEY = "DeleteProfileKey"

_PAGE = Page[Profile]
_NO_LIST = (
    "the service has no operation that lists the profiles of a domain, so only the embedded engine "
    "lists them at once; on AWS, search() finds profiles by their keys, get_many() by their ids, "
    "and all(snapshot='s3://bucket/folder', role_arn=...) lists them by way of a segment's "
    "snapshot in S3"
)
_MOST_KEYS = 5
_MOST_IDS = 20
_FIELDS = frozenset(ProfileFields.__annotations__)
_KEY_NAMES = {
    "email": "_email",
    "phone": "_phone",
    "full_name": "_fullName",
    "account": "_account",
    "profile_id": "_profileId",
}
_KINDS_OF_KEYS: dict[str, Literal["email", "phone", "identifier"]] = {
    "email": "email",
    "phone": "phone",
    "account": "identifier",
}
_KEY_FIELDS = {"email": "email_address", "phone": "phone_number", "account": "account_number"}


class SearchKeys(TypedDict, total=False):
    """The search keys as keywords; a list of values means any of them."""

    email: str | list[str]
    """Any of the e-mail fields, in any case; key `_email`."""
    phone: str | list[str]
    """Any of the phone fields, in any format; key `_phone`."""
    full_name: str | list[str]
    """First, middle and last name joined by spaces, in any case; key `_fullName`."""
    account: str | list[str]
    """The account number; key `_account`."""
    profile_id: str | list[str]
    """The profile's id; key `_profileId`."""
    keys: Mapping[str, str | list[str]]
    """Any other key by its name."""


class CreateKeys(TypedDict, total=False):
    """The search keys that also are fields of a new profile."""

    email: str
    """The e-mail address; key `_email`, field `email_address`."""
    phone: str
    """The phone number; key `_phone`, field `phone_number`."""
    account: str
    """The account number; key `_account`, field `account_number`."""


class Lookup(NamedTuple):
    """The profile that a lookup found, and the key that found it."""

    profile: Profile
    """The first profile that the key found."""
    key: str
    """The keyword that found it, such as `email`, or the key's name."""
    unique: bool
    """Whether the key found no other profile."""


class FindOrCreate(NamedTuple):
    """The profile that was found or created."""

    profile: Profile
    """The profile."""
    created: bool
    """Whether it was created by this call."""


class _Failure(Answer):
    code: str = Field(validation_alias="Code")
    message: str = Field(validation_alias="Message")
    profile_id: str = Field(validation_alias="ProfileId")


class _Batch(Answer):
    profiles: list[Profile] | None = Field(default=None, validation_alias="Profiles")
    errors: list[_Failure] | None = Field(default=None, validation_alias="Errors")


class _Created(Answer):
    profile_id: str = Field(validation_alias="ProfileId")


_read_batch = partial(_Batch.model_validate_json, extra="allow")


def keys_by_name(method: M) -> M:
    """Make a method that takes search keys say so to callers who pass a bare value."""

    @wraps(method)
    def call(self: object, *values: object, **keys: Any) -> Any:
        if values:
            name = method.__name__
            msg = (
                f"{name}() takes the value with the name of its key, such as {name}(email=...); "
                f"the keys are {', '.join(_KEY_FIELDS if 'create' in name else _KEY_NAMES)}"
            )
            raise TypeError(msg)
        return method(self, **keys)

    return cast("M", call)


class Profiles:
    """The profiles of one domain.

    Source: CreateProfile, BatchGetProfile, UpdateProfile, DeleteProfile, SearchProfiles,
    AddProfileKey and DeleteProfileKey of the service's API reference.
    """

    def __init__(self, gateway: Gateway, domain_name: str) -> None:
        self._gateway = gateway
        self.domain_name = domain_name

    def create(
        self,
        profile: Profile | None = None,
        /,
        *,
        extra: Extra = None,
        **fields: Unpack[ProfileFields],
    ) -> Profile:
        """Create a profile from a `Profile` or from keywords, and return it with its id.

        None is not sent; `""` is an error, as there is nothing to clear yet.

        Args:
            profile: the profile, or keywords.
            extra: members that only the service has, by their wire names, such as
                `{"NewMember": "x"}`.
            fields: the fields of the profile.

        Raises:
            InvalidInputError: a field breaks the service's rules; nothing was sent.
            AmbiguousWriteError: the answer was lost; the profile may exist. The request is not
                sent again.
            ResourceNotFoundError: the domain does not exist.
        """
        wire = profile_of(profile, fields, unset=without_none)._to_wire()
        wire = with_extra(_wire.fit(wire, _wire.input_shape(CREATE)), extra, Profile, CREATE)
        request = self._request(wire)
        answer, _ = self._gateway.read(CREATE, request, _Created.model_validate_json)
        stored = {**request, "ProfileId": answer.profile_id}
        del stored["DomainName"]
        return Profile.model_validate(stored, extra="allow")._attach(self, stored)

    def create_many(
        self, items: Iterable[ItemT], /, *, concurrency: int = 8
    ) -> Iterator[CreateResult[ItemT]]:
        """Create a profile for each item, and yield a result for each, in their order.

        Items are read as you iterate over the results, so there may be any number of them. The
        embedded engine stores thousands in a transaction. On AWS, there is a request for each
        item, which is retried as those of `create`: a request whose answer was lost is not sent
        again, and its result has an `AmbiguousWriteError`.

        Args:
            items: profiles, or mappings of their fields, such as
                `{"first_name": "Ada", "address": {"city": "London"}}`.
            concurrency: how many requests to send at a time; the embedded engine needs none.

        Raises:
            ResourceNotFoundError: the domain does not exist. What was created before is stored.
            CustomerProfilesError: access is denied, or the database failed. The results of all
                that was sent come before the error.
        """
        from .bulk import create_many

        return create_many(self, items, concurrency)

    def upsert_many(
        self, items: Iterable[ItemT], /, *, key: Key, keep_stored: bool = False
    ) -> Iterator[CreateResult[ItemT]]:
        """Find the profile of each item by a key, update it or create one, and yield the results.

        It is like `create_many`, except that AWS is sent one request after the other. Empty
        values of an item change nothing. Where several profiles have the key, or only a related
        field has its value, nothing is changed and the result has a `MultipleResultsError`.

        Args:
            items: profiles, or mappings of their fields.
            key: the field that identifies a customer: `account_number`, `email_address` or
                `phone_number`.
            keep_stored: keep stored profiles as they are.

        Raises:
            InvalidInputError: the key is none of these fields.
            ResourceNotFoundError: the domain does not exist. What was stored before stays.
        """
        from .bulk import upsert_many

        return upsert_many(self, items, key, keep_stored=keep_stored)

    def get(self, profile_id: str) -> Profile:
        """Read one profile by its id.

        Raises:
            ResourceNotFoundError: the domain has no such profile; a `MalformedIdError`, without
                sending anything, if the text cannot be the id of one.
        """
        ids: Any = _wire.input_shape(_BATCH_GET).members["ProfileIds"]
        problems = [p for p in _wire.problems(profile_id, ids.member) if p.kind == "pattern"]
        if problems:
            msg = describe(problems[0]._replace(path=("ProfileId",)), _BATCH_GET)
            raise MalformedIdError(msg, operation=_BATCH_GET)
        found, failed = self._get_batch([profile_id], {("ProfileIds", 0): "profile_id"})
        if profile_id in failed:
            raise failed[profile_id]
        return found[profile_id]

    def get_many(self, profile_ids: Iterable[str]) -> list[Profile]:
        """Read many profiles by their ids, in the order of the ids, 20 with a request.

        Raises:
            BatchError: some ids failed; `.failed` has the error of each and `.succeeded` the
                profiles that were read.
        """
        if isinstance(profile_ids, str):
            msg = "profile_ids must be several ids, not one string; get() reads one"
            raise InvalidInputError(msg)
        positions: dict[str, int] = {}
        for position, profile_id in enumerate(profile_ids):
            positions.setdefault(profile_id, position)
        wanted = list(positions)
        found: dict[str, Profile] = {}
        failed: dict[str, ServiceError] = {}
        for start in range(0, len(wanted), _MOST_IDS):
            batch = wanted[start : start + _MOST_IDS]
            names: Names = {
                ("ProfileIds", number): f"profile_ids[{positions[profile_id]}]"
                for number, profile_id in enumerate(batch)
            }
            profiles, errors = self._get_batch(batch, names)
            found |= profiles
            failed |= errors
        ordered = [found[profile_id] for profile_id in wanted if profile_id in found]
        if failed:
            raise BatchError(_BATCH_GET, ordered, failed)
        return ordered

    def update(
        self,
        profile_id: str,
        patch: Profile | None = None,
        /,
        *,
        extra: Extra = None,
        **fields: Unpack[ProfileFields],
    ) -> None:
        """Change fields of a profile without reading it first.

        Fields that you set are sent; `""` and None clear; fields that you leave out are kept. The
        same holds inside addresses and `attributes`. Without fields, nothing is sent.

        Args:
            profile_id: the id of the profile.
            patch: the changes as a profile, or keywords.
            extra: members that only the service has, by their wire names, such as
                `{"NewMember": "x"}`.
            fields: the changes as keywords.

        Raises:
            InvalidInputError: a field breaks the service's rules or cannot be cleared.
            ResourceNotFoundError: the domain has no such profile.
        """
        _check_id(profile_id)
        shape = _wire.input_shape(UPDATE)
        wire = profile_of(patch, fields, unset=_none_as_empty)._to_wire(keep_none=True)
        wire.pop("ProfileId", None)
        changes, problems = _wire.patch(_wire.fit(wire, shape), shape)
        refuse(problems, UPDATE)
        self._update(profile_id, with_extra(changes, extra, Profile, UPDATE))

    def delete(self, profile_id: str) -> None:
        """Delete a profile with its objects and search keys.

        Raises:
            ResourceNotFoundError: the domain has no such profile.
        """
        self._gateway.call(_DELETE, self._request({"ProfileId": profile_id}))

    def all(
        self,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
        snapshot: str | None = None,
        role_arn: str | None = None,
    ) -> Results[Profile]:
        """List all profiles: on the embedded engine at once, on AWS by way of a snapshot in S3.

        The embedded engine lists them in the order of their creation. Pages are read as you
        iterate, so memory stays small however many profiles there are.

        AWS has no operation that lists profiles. With `snapshot`, each iteration creates a segment
        of everybody and its snapshot, waits for it, reads its files as you iterate, and then
        deletes files and segment, also if you stop early. Both have names like
        `all-profiles-4b1f…`, by which you find them if the process was killed.

        Args:
            limit: the largest number of profiles; None lists all.
            page_size: how many profiles to read at a time, up to 100.
            start: a `next_token` to resume at; not with `snapshot`.
            snapshot: a folder for the files, such as `s3://bucket/folder`. Your credentials need
                access to it: s3:ListBucket, s3:GetObject and s3:DeleteObject.
            role_arn: the role with which the service writes to the folder.

        Raises:
            InvalidInputError: the client is not embedded and `snapshot` is missing; the message
                names the ways on AWS.
            ResourceNotFoundError: the domain does not exist.
            JobFailedError: the snapshot failed; the message is the service's reason.
        """
        if snapshot is not None or role_arn is not None:
            if snapshot is None or role_arn is None or start is not None:
                msg = "snapshot needs role_arn, the role that may write to it, and excludes start"
                raise InvalidInputError(msg)
            from .segments import Segments

            segments = Segments(self._gateway, self.domain_name)
            return segments._every_profile(snapshot, role_arn, limit, page_size)
        channel = embedded(self._gateway.channel, _NO_LIST)
        read = partial(channel.list_profiles, self.domain_name)
        return self._listed(read, limit=limit, page_size=page_size, start=start)

    def _listed(
        self, read: Callable[..., bytes], **options: Unpack[PageOptions]
    ) -> Results[Profile]:
        """Return the profiles of a list that only the embedded engine has."""

        def fetch(size: int, token: str | None) -> tuple[list[Profile], str | None]:
            body = read(limit=size, token=token)
            answer = _PAGE.model_validate_json(body, extra="allow")
            profiles = answer.items or []
            attach_all(profiles, self, body, "Items")
            return profiles, answer.next_token

        return Results(fetch, model=Profile, **options)

    @keys_by_name
    def search(
        self,
        *,
        match: Literal["all", "any"] = "all",
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
        **keys: Unpack[SearchKeys],
    ) -> Results[Profile]:
        """Search by one to five keys; pages are fetched as you iterate.

        Values are compared as the service normalises them: phone numbers in any format, e-mail
        addresses and names in any case, account numbers and custom keys exactly.

        Args:
            match: whether a profile must have all of the keys, or any of them.
            limit: the largest number of profiles; None finds all.
            page_size: how many profiles to request at a time, up to 100.
            start: a `next_token` to resume at.
            keys: `email`, `phone`, `full_name`, `account`, `profile_id`, and `keys` for others
                by name; a list of values means any of them.

        Raises:
            InvalidInputError: no key, or more than five; nothing was sent.
            ResourceNotFoundError: the domain does not exist, or has no such key.
            BadRequestError: the token is not valid.
        """
        named = _named_keys(keys)
        request, names = self._request(_search_request(named, match)), _search_names(named)
        fetch = page_reader(self._gateway, _SEARCH, _PAGE, request, home=self, names=names)
        return Results(fetch, limit=limit, page_size=page_size, start=start, model=Profile)

    def keys(self, profile_id: str) -> list[ProfileKey]:
        """Return the search keys by which a profile is found; embedded only.

        Raises:
            InvalidInputError: the client is not embedded: AWS does not return keys.
            ResourceNotFoundError: the domain has no such profile.
        """
        channel = embedded(
            self._gateway.channel,
            "only the embedded engine returns the search keys of a profile; on AWS, search() "
            "shows in found_by which keys found a profile, and history() which were added",
        )
        return [
            ProfileKey._from_wire(k) for k in channel.profile_keys(self.domain_name, profile_id)
        ]

    def export(self, profile_id: str) -> PersonData:
        """Read all that the domain stores about one person, as for a request of that person.

        Args:
            profile_id: the profile.

        Returns:
            The profile with its keys, objects, history and decisions; `not_included` says what AWS
            does not return. `to_json()` writes it in the clear.

        Raises:
            ResourceNotFoundError: the domain has no such profile.
        """
        found: PersonData = _person().read_person(self._gateway, self.domain_name, profile_id)
        return found

    def forget(
        self,
        profile_id: str,
        *,
        compact: bool = True,
        undo: str | os.PathLike[str] | None = None,
    ) -> ErasureReceipt:
        """Erase a person, and return a receipt without values. This cannot be undone.

        The profile, its objects, keys, history, decisions and matches are removed; on the embedded
        engine also rejected and pending objects with values of the person, and every byte of them
        in the database file.

        Args:
            profile_id: the profile, or on the embedded engine one that was merged into it.
            compact: rewrite the database file, so that no bytes of deleted rows remain. To erase
                many, pass False but for the last.
            undo: the folder with undo files of merges; those with this profile are removed.

        Raises:
            ResourceNotFoundError: the domain has no such profile, or no longer.
        """
        receipt: ErasureReceipt = _person().forget_person(
            self._gateway, self.domain_name, profile_id, compact=compact, undo=undo
        )
        return receipt

    @keys_by_name
    def lookup(self, **keys: Unpack[SearchKeys]) -> Lookup | None:
        """Search by one key after the other, in your order, until one finds a profile.

        Returns:
            What that key found; None when no key finds a profile.
        """
        for name, values in _named_keys(keys):
            key: Any = {name: values} if name in _KEY_NAMES else {"keys": {name: values}}
            found = list(self.search(**key, limit=2))
            if found:
                return Lookup(found[0], name, unique=len(found) == 1)
        return None

    @keys_by_name
    def find_or_create(
        self, *, defaults: ProfileFields | None = None, **keys: Unpack[CreateKeys]
    ) -> FindOrCreate:
        """Find the only profile that has all of these keys, or create it.

        A new profile gets the keys as its fields, and `defaults`; where both set a field, the key
        wins, so that the next call finds the profile. Two concurrent callers can both create a
        profile: the service does not enforce unique keys.

        Raises:
            MultipleResultsError: several profiles have these keys.
            InvalidInputError: no key was given, or one is a placeholder such as
                `test@test.com`, which would find other customers.
        """
        from customer_profiles.identity.placeholders import is_placeholder

        for name, value in keys.items():
            if name not in _KEY_FIELDS:
                raise InvalidInputError(unknown(name, _KEY_FIELDS, "find_or_create()", "key"))
            if isinstance(value, str) and value and is_placeholder(value, _KINDS_OF_KEYS[name]):
                msg = (
                    f"{name}={value!r} is a placeholder that many customers share, so it "
                    "identifies nobody; leave it out, and create() the profile without it"
                )
                raise InvalidInputError(msg)
        found = list(self.search(**keys, limit=2))
        if len(found) > 1:
            msg = "several profiles have these keys; search() lists them, merge or choose one"
            raise MultipleResultsError(msg)
        if found:
            return FindOrCreate(found[0], created=False)
        fields: Any = {_KEY_FIELDS[key]: value for key, value in keys.items()}
        fields = {**(defaults or {}), **fields}
        return FindOrCreate(self.create(**fields), created=True)

    def add_key(self, profile_id: str, key_name: str, *values: str) -> None:
        """Add values of a search key to a profile, such as a contact's id.

        Raises:
            ResourceNotFoundError: the domain has no such profile.
        """
        self._gateway.call(_ADD_KEY, self._key_request(profile_id, key_name, values))

    def remove_key(self, profile_id: str, key_name: str, *values: str) -> None:
        """Remove values of a search key from a profile.

        Raises:
            ResourceNotFoundError: the domain has no such profile.
        """
        self._gateway.call(_DELETE_KEY, self._key_request(profile_id, key_name, values))

    def merge(
        self,
        main: Profile | str,
        *others: Profile | str,
        take: Mapping[str, Profile | str] | None = None,
    ) -> None:
        """Merge profiles into one; this cannot be undone.

        Objects and search keys move to the main profile, its empty fields are filled from the
        others, and the others are deleted. Where values differ, the main profile keeps its own.
        After a lost answer the profiles are read: if the main one exists and the others are
        gone, they were merged; otherwise the merge is sent again.

        Args:
            main: the profile that stays, or its id; `refresh()` reads its new values.
            others: the profiles that are merged into it, or their ids, at most 20.
            take: the profile from which to take a field, such as `{"email_address": other}` or
                `{"attributes.tier": other}`, even if the field is empty there.

        Raises:
            ResourceNotFoundError: one of the profiles does not exist; none is merged.
            InvalidInputError: a field cannot be chosen, there are more than 20 profiles, or a
                profile has unsaved changes.
            AmbiguousWriteError: the answers were lost, and the profiles do not look merged.
        """
        from .merging import merge

        merge(self._gateway, self.domain_name, main, others, take)

    def objects(
        self, profile_id: str, object_type: type[ProfileObject] | str, **options: Any
    ) -> ObjectsOfProfile[Any]:
        """Return the objects of one type of a profile; nothing is sent before you iterate."""
        from .profile_objects import ObjectsOfProfile

        return ObjectsOfProfile(self._gateway, self.domain_name, profile_id, object_type, **options)

    def history(self, profile_id: str, **options: Any) -> History:
        """Return the history of a profile; nothing is sent before you iterate."""
        from .history import History

        return History(self._gateway, self.domain_name, profile_id, **options)

    def calculated_attributes(self, profile_id: str) -> AttributesOfProfile:
        """Return the calculated attributes of a profile; nothing is sent before you read one."""
        from .calculated_attributes import AttributesOfProfile

        return AttributesOfProfile(self._gateway, self.domain_name, profile_id)

    def provenance(self, profile_id: str, field: str) -> Provenance:
        """Return which object set a field of a profile, and when."""
        from .provenance import provenance

        return provenance(self._gateway, self.domain_name, profile_id, field)

    def save(self, record: Profile) -> None:
        """Send what changed in a profile since it was read, nothing else."""
        stored, shape = source_of(record), _wire.input_shape(UPDATE)
        profile_id = stored["ProfileId"]
        if record.profile_id != profile_id:
            msg = "profile_id cannot be changed: it names the profile that is saved"
            raise InvalidInputError(msg)
        changes, problems = _wire.difference(*before_and_after(record, stored, shape), shape)
        refuse(problems, UPDATE)
        self._update(profile_id, changes)
        record._attach(self, record._to_wire())

    def _is_changed(self, record: Profile) -> bool:
        """Return whether a profile has unsaved changes."""
        shape = _wire.input_shape(UPDATE)
        return any(_wire.difference(*before_and_after(record, source_of(record), shape), shape))

    def _reread(self, record: Profile) -> Profile:
        """Read a profile again."""
        return self.get(_id_of(record))

    def _erase(self, record: Profile) -> None:
        """Delete a profile."""
        self.delete(_id_of(record))

    def _update(self, profile_id: str, changes: Wire) -> None:
        if changes:
            request = self._request({"ProfileId": profile_id} | changes)
            self._gateway.call(UPDATE, request)

    def _get_batch(
        self, profile_ids: list[str], names: Names
    ) -> tuple[dict[str, Profile], dict[str, ServiceError]]:
        request = self._request({"ProfileIds": profile_ids})
        batch, body = self._gateway.read(_BATCH_GET, request, _read_batch, names)
        profiles = batch.profiles or []
        attach_all(profiles, self, body, "Profiles")
        found = {item.profile_id: item for item in profiles}
        failed = {
            item.profile_id: ServiceError.of(item.code, item.message, operation=_BATCH_GET)
            for item in batch.errors or []
        }
        for profile_id in profile_ids:
            if profile_id not in found and profile_id not in failed:
                failed[profile_id] = ServiceError.of(
                    "ResourceNotFoundException",
                    f"the answer has no profile {profile_id}",
                    operation=_BATCH_GET,
                )
        return found, failed

    def _key_request(self, profile_id: str, key_name: str, values: tuple[str, ...]) -> Wire:
        if not values:
            msg = "give at least one value of the key"
            raise InvalidInputError(msg)
        return self._request({"ProfileId": profile_id, "KeyName": key_name, "Values": list(values)})

    def _request(self, members: Wire) -> Wire:
        return {"DomainName": self.domain_name} | members


def _check_id(profile_id: object) -> None:
    if not isinstance(profile_id, str):
        msg = "the first argument must be a profile's id; to save a Profile call its save()"
        raise InvalidInputError(msg)


def profile_of(
    profile: object,
    fields: Mapping[str, Any],
    *,
    unset: Callable[[Mapping[str, str | None]], dict[str, str]],
) -> Profile:
    """Return the `Profile` of a call that takes a `Profile` or keywords.

    Raises:
        InvalidInputError: both or neither were passed, or a keyword is unknown or invalid.
    """
    if profile is not None:
        if fields or not isinstance(profile, Profile):
            msg = "give either a Profile or keywords such as first_name=..."
            raise InvalidInputError(msg)
        return profile
    fields = dict(fields)
    if isinstance(fields.get("attributes"), Mapping):
        fields["attributes"] = unset(fields["attributes"])
    return build(Profile, fields, _FIELDS)


def without_none(attributes: Mapping[str, str | None]) -> dict[str, str]:
    """Return the attributes that are not None, for creating a profile."""
    return {name: value for name, value in attributes.items() if value is not None}


def _none_as_empty(attributes: Mapping[str, str | None]) -> dict[str, str]:
    return {name: "" if value is None else value for name, value in attributes.items()}


def creatable(wire: Wire) -> Wire:
    """Return what CreateProfile takes of a stored profile."""
    known: Wire = _wire.fit(wire, _wire.input_shape(CREATE))
    known.pop("ProfileId", None)
    return known


def _person() -> Any:
    """Import what reads and erases persons when it is needed; it needs this module."""
    return import_module(".person", __package__)


def _id_of(record: Profile) -> str:
    return str(source_of(record)["ProfileId"])


def _named_keys(keys: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return the keys in the caller's order, by keyword or name, each with a list of values."""
    named: list[tuple[str, list[str]]] = []
    for name, value in keys.items():
        if name == "keys":
            named += [(other, _values(other, values)) for other, values in dict(value).items()]
        elif name in _KEY_NAMES:
            named.append((name, _values(name, value)))
        else:
            raise InvalidInputError(unknown(name, [*_KEY_NAMES, "keys"], "a search", "key"))
    if not named:
        msg = f"give at least one key to search by: {', '.join(_KEY_NAMES)}, or keys={{...}}"
        raise InvalidInputError(msg)
    return named


def _values(name: str, value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, (list, tuple, set, frozenset)) or not values:
        msg = f"{name} must be a string, or a list of at least one string"
        raise InvalidInputError(msg)
    return list(values)


def _search_request(named: list[tuple[str, list[str]]], match: str) -> Wire:
    if len(named) > _MOST_KEYS:
        msg = f"a search takes at most {_MOST_KEYS} keys; {len(named)} were given"
        raise InvalidInputError(msg)
    if match not in ("all", "any"):
        msg = 'match must be "all" or "any"'
        raise InvalidInputError(msg)
    first, *others = (
        {"KeyName": _KEY_NAMES.get(name, name), "Values": values} for name, values in named
    )
    if not others:
        return first
    return first | {
        "AdditionalSearchKeys": others,
        "LogicalOperator": "AND" if match == "all" else "OR",
    }


def _search_names(named: list[tuple[str, list[str]]]) -> Names:
    """Return the caller's names for the keys and values of a search request."""
    names: dict[Path, str] = {}
    for number, (name, values) in enumerate(named):
        path: Path = ("AdditionalSearchKeys", number - 1) if number else ()
        written = name if name in _KEY_NAMES else f"keys[{name!r}]"
        names[*path, "KeyName"] = "a name in keys"
        names[*path, "Values"] = written
        if len(values) == 1:
            names[*path, "Values", 0] = written
    return names
