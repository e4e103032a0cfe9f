"""Objects of other systems: put them into a domain, and list those of a profile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from pydantic import Field, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from customer_profiles import _wire
from customer_profiles._problems import refuse
from customer_profiles._results import Results
from customer_profiles.channels.redaction import redact
from customer_profiles.errors import (
    BatchError,
    CustomerProfilesError,
    InvalidInputError,
    ServiceError,
    UnreadableAnswerError,
)
from customer_profiles.models.base import attach_all
from customer_profiles.models.profile_object import StoredObject

from .base import Answer, name_of, reasons_of, source_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire
    from customer_profiles.mapping.profile_object import ProfileObject

_PUT = "PutProfileObject"
_BATCH_PUT = "BatchPutProfileObject"
_LIST = "ListProfileObjects"
_DELETE = "DeleteProfileObject"

_MOST_ITEMS = 10
# What stands in front of the service takes 10 MB, the text of all objects and what is around it.
_MOST_BYTES = 9_000_000
# Ten objects of this many characters are within that, whatever they hold.
_PLAIN = 100_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PutResult(Generic[T]):
    """What became of one object of many."""

    position: int
    """The object's place among those that were given, from 0."""
    item: T = field(repr=False)
    """The object as it was given."""
    unique_key: str | None = field(repr=False)
    """The service's key of the stored object; None when it failed."""
    error: CustomerProfilesError | None
    """Why it failed; None when it is stored."""

    @property
    def is_stored(self) -> bool:
        """Whether the service took the object."""
        return self.error is None


class _Key(Answer):
    unique_key: str = Field(validation_alias="ProfileObjectUniqueKey", default="")


class _Stored(_Key):
    id: str = Field(validation_alias="Id")


class _Failure(Answer):
    id: str = Field(validation_alias="Id")
    code: int = Field(validation_alias="Code")
    message: str | None = Field(default=None, validation_alias="Message")


class _Batch(Answer):
    successful: list[_Stored] | None = Field(default=None, validation_alias="Successful")
    failed: list[_Failure] | None = Field(default=None, validation_alias="Failed")


class _Page(Answer):
    items: list[StoredObject] | None = Field(default=None, validation_alias="Items")
    next_token: str | None = Field(default=None, validation_alias="NextToken")


def _read_page(body: bytes) -> _Page:
    return _Page.model_validate_json(body, extra="allow")


@dataclass(slots=True)
class _Waiting(Generic[T]):
    """An object that waits for its batch."""

    position: int
    item: T
    text: str
    size: int
    outcome: str | CustomerProfilesError


class ProfileObjects(Generic[T]):
    """The way for objects of one type into a domain.

    An object is told from others by its unique key: putting it again replaces it as a whole,
    so whatever was put can be put again without harm.

    Source: PutProfileObject, BatchPutProfileObject and DeleteProfileObject of the service's
    API reference.
    """

    def __init__(
        self, gateway: Gateway, domain_name: str, object_type: type[ProfileObject] | str
    ) -> None:
        self._gateway = gateway
        self._object_type = object_type
        self.domain_name = domain_name
        self.object_type_name: str = name_of(object_type)

    def put(self, item: T, /) -> str:
        """Put an object, and give the service's key of it.

        AWS takes it now and ties it to a profile a little later.

        Raises:
            BadRequestError: the object is no JSON object, or has no unique or profile key.
            InvalidInputError: the object is of another class or too large; nothing was sent.
            ResourceNotFoundError: there is no such domain or object type.
        """
        request = self._request({"Object": self._write(item)})
        answer, _ = self._gateway.read(_PUT, request, _Key.model_validate_json)
        return answer.unique_key

    def put_many(self, items: Iterable[T], /) -> list[str]:
        """Put many objects, 10 with a request, and give the service's keys in their order.

        Raises:
            BatchError: some objects failed; `.failed` has the error of each by its position,
                and `.succeeded` the keys of the others, which are stored.
            CustomerProfilesError: a whole request failed. What was put before is stored.
        """
        keys: list[str] = []
        failed: dict[int, CustomerProfilesError] = {}
        for result in self.put_each(items):
            if result.error is not None:
                failed[result.position] = result.error
            else:
                keys.append(result.unique_key or "")
        if failed:
            raise BatchError(_BATCH_PUT, keys, failed)
        return keys

    def put_each(self, items: Iterable[T], /) -> Iterator[PutResult[T]]:
        """Put objects as they come, 10 with a request, and give what became of each.

        Items are taken as their results are asked for, so there may be any number of them.
        Those that the service says may succeed later are sent again by the retry policy.

        Raises:
            CustomerProfilesError: a whole request failed. What was put before is stored.
        """
        batch: list[_Waiting[T]] = []
        size = 0
        for position, item in enumerate(items):
            one = self._prepare(position, item)
            size += one.size
            if len(batch) == _MOST_ITEMS or (batch and size > _MOST_BYTES):
                yield from self._send(batch)
                batch, size = [], one.size
            batch.append(one)
        yield from self._send(batch)

    def delete(self, profile_id: str, unique_key: str) -> None:
        """Delete an object of a profile, by the service's key of it.

        Raises:
            ResourceNotFoundError: the profile has no such object.
        """
        home = _Home(self._gateway, self.domain_name, profile_id, self.object_type_name)
        home.delete(unique_key)

    def _prepare(self, position: int, item: T) -> _Waiting[T]:
        """Write an object; one that cannot be sent keeps no other from it."""
        try:
            text = self._write(item)
            if not 0 < len(text) <= _PLAIN:
                refuse(_wire.request_check(_PUT)(self._request({"Object": text})), _PUT)
        except InvalidInputError as error:
            return _Waiting(position, item, "", 0, error)
        # A character is six at most where JSON stands within JSON.
        size = len(text) * 6 if len(text) <= _PLAIN else len(json.dumps(text))
        return _Waiting(position, item, text, size, "")

    def _send(self, batch: list[_Waiting[T]]) -> Iterator[PutResult[T]]:
        left = {str(place): one for place, one in enumerate(batch) if one.text}
        if left:
            for _ in self._gateway.rounds():
                self._send_once(left)
                left = {place: one for place, one in left.items() if _may_succeed(one.outcome)}
                if not left:
                    break
        for one in batch:
            if isinstance(one.outcome, str):
                yield PutResult(one.position, one.item, one.outcome, None)
            else:
                yield PutResult(one.position, one.item, None, one.outcome)

    def _send_once(self, batch: Mapping[str, _Waiting[T]]) -> None:
        items = [{"Id": place, "Object": one.text} for place, one in batch.items()]
        request = self._request({"Items": items})
        answer, _ = self._gateway.read(_BATCH_PUT, request, _Batch.model_validate_json)
        stored = {item.id: item.unique_key for item in answer.successful or []}
        failed = {item.id: item for item in answer.failed or []}
        for place, one in batch.items():
            one.outcome = stored.get(place) or _error_of(failed.get(place), one.text)

    def _write(self, item: Any) -> str:
        kind = self._object_type
        if not isinstance(kind, str):
            if isinstance(item, kind):
                return item.to_object()
            msg = f"these objects are {kind.__name__}; this is a {type(item).__name__}"
            raise InvalidInputError(msg)
        return write_object(item)

    def _request(self, members: Wire) -> Wire:
        return {
            "DomainName": self.domain_name,
            "ObjectTypeName": self.object_type_name,
        } | members


class ObjectsOfProfile(Results[T]):
    """The objects of one type that a profile has; pages are fetched as you iterate.

    Source: ListProfileObjects and DeleteProfileObject of the service's API reference.
    """

    def __init__(  # noqa: PLR0913  (what a list is asked by)
        self,
        gateway: Gateway,
        domain_name: str,
        profile_id: str,
        object_type: type[ProfileObject] | str,
        *,
        keys: Mapping[str, str | list[str]] | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> None:
        self._object_type = object_type
        self._filter = _filter(keys)
        self._home = _Home(gateway, domain_name, profile_id, name_of(object_type))
        super().__init__(self._fetch_page, limit=limit, page_size=page_size, start=start)

    def delete(self, item: T | str) -> None:
        """Delete one of these objects, given as it was listed or by the service's key of it.

        What it filled in the profile is left as it is.

        Raises:
            ResourceNotFoundError: the profile has no such object.
            InvalidInputError: the object was not read from the service.
        """
        if isinstance(item, str):
            key: str | None = item
        else:
            key = cast("Any", item).profile_object_unique_key
        if not key:
            msg = (
                "this object was not read from the service, so its key is not known; "
                "give the key that put() gave, or an object out of this list"
            )
            raise InvalidInputError(msg)
        self._home.delete(key)

    def _fetch_page(self, size: int, token: str | None) -> tuple[list[T], str | None]:
        items, token, body = self._home.page(size, token, self._filter)
        if isinstance(self._object_type, str):
            attach_all(items, self._home, body, "Items")
            return cast("list[T]", items), token
        kind = self._object_type
        return [cast("T", _read(kind, item)) for item in items], token


class _Home:
    """The objects of one type and profile, as the records among them see it."""

    def __init__(self, gateway: Gateway, domain_name: str, profile_id: str, name: str) -> None:
        self._gateway = gateway
        self._place = {"DomainName": domain_name, "ProfileId": profile_id, "ObjectTypeName": name}

    def page(
        self, size: int, token: str | None, extra: Wire
    ) -> tuple[list[StoredObject], str | None, bytes]:
        """Read one page."""
        page = {"MaxResults": size} | ({"NextToken": token} if token else {})
        answer, body = self._gateway.read(_LIST, self._place | extra | page, _read_page)
        return answer.items or [], answer.next_token, body

    def delete(self, unique_key: str) -> None:
        """Delete an object."""
        self._gateway.call(_DELETE, self._place | {"ProfileObjectUniqueKey": unique_key})

    def save(self, record: StoredObject) -> None:
        """Put an object again, if it changed since it was read."""
        stored = StoredObject._from_wire(source_of(record))
        for name in ("object_type_name", "profile_object_unique_key"):
            if getattr(record, name) != getattr(stored, name):
                msg = f"{name} cannot be changed: it names the object that is saved"
                raise InvalidInputError(msg)
        if record.object != stored.object:
            objects = ProfileObjects[StoredObject](
                self._gateway, self._place["DomainName"], stored.object_type_name
            )
            record.profile_object_unique_key = objects.put(record)
            record._attach(self, record._to_wire())

    def _reread(self, record: StoredObject) -> StoredObject:
        """Look for an object among those of its profile, which is the only way to read one."""
        key = source_of(record)["ProfileObjectUniqueKey"]
        found = ObjectsOfProfile[StoredObject](
            self._gateway,
            self._place["DomainName"],
            self._place["ProfileId"],
            self._place["ObjectTypeName"],
        )
        for one in found:
            if one.profile_object_unique_key == key:
                return one
        msg = "the profile does not have the object any more"
        raise ServiceError.of_status(404, msg, operation=_LIST)

    def _erase(self, record: StoredObject) -> None:
        """Delete an object."""
        self.delete(str(source_of(record)["ProfileObjectUniqueKey"]))


def write_object(item: Any) -> str:
    """Give the JSON text of an object that has no class of its own.

    Raises:
        InvalidInputError: it is neither a mapping nor a text, or holds what is not JSON.
    """
    if isinstance(item, StoredObject):
        return item.object
    if isinstance(item, str):
        return item
    if isinstance(item, Mapping):
        return _dump(item)
    msg = (
        f"an object is a mapping or JSON text here; for a {type(item).__name__} "
        "ask for the objects of its class"
    )
    raise InvalidInputError(msg)


def _read(kind: type[ProfileObject], item: StoredObject) -> ProfileObject:
    try:
        return kind.from_object(item.object, unique_key=item.profile_object_unique_key)
    except ValueError as error:
        reason = reasons_of(error) if isinstance(error, ValidationError) else str(error)
        msg = (
            f"{_LIST}: an object does not fit {kind.__name__}: {reason}; "
            f'objects("{item.object_type_name}") reads it as it is'
        )
        raise UnreadableAnswerError(msg) from None


_TEXT = frozenset((str,))
_TEXTS = frozenset((str, int, bool, type(None)))


def _dump(item: Mapping[str, Any]) -> str:
    if _TEXTS.issuperset(map(type, item.values())) and _TEXT.issuperset(map(type, item)):
        # Nothing in it needs a second look, so the quicker writer may have it.
        with suppress(PydanticSerializationError):
            return to_json(dict(item)).decode()
    try:
        return json.dumps(
            dict(item), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse
        )
    except InvalidInputError:
        raise
    except ValueError:
        msg = "an object holds JSON values only: no infinite numbers, and nothing within itself"
        raise InvalidInputError(msg) from None


def _refuse(value: Any) -> Any:
    msg = (
        f"an object holds JSON values only; make a text or a number of each {type(value).__name__}"
    )
    raise InvalidInputError(msg)


def _may_succeed(outcome: str | CustomerProfilesError) -> bool:
    return not isinstance(outcome, str) and outcome.retryable


def _error_of(failure: _Failure | None, text: str) -> ServiceError:
    if failure is None:
        msg = "the answer says nothing of this object"
        return ServiceError.of_status(500, msg, operation=_BATCH_PUT)
    message = redact(failure.message or "no message", _wire.all_texts(text))
    return ServiceError.of_status(failure.code, message, operation=_BATCH_PUT)


def _filter(keys: Mapping[str, str | list[str]] | None) -> Wire:
    if not keys:
        return {}
    if len(keys) > 1:
        msg = f"a list of objects is filtered by one key; {len(keys)} were given"
        raise InvalidInputError(msg)
    ((name, values),) = keys.items()
    listed = [values] if isinstance(values, str) else list(values)
    return {"ObjectFilter": {"KeyName": name, "Values": listed}}
