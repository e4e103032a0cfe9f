"""Objects of other systems: put them into a domain, and list the objects of a profile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from pydantic import Field, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from customer_profiles import _wire
from customer_profiles._problems import refuse
from customer_profiles._results import Results
from customer_profiles.channels.embedded import embedded
from customer_profiles.channels.redaction import Redactor
from customer_profiles.errors import (
    BatchError,
    CustomerProfilesError,
    InvalidInputError,
    ServiceError,
    UnreadableAnswerError,
)
from customer_profiles.models.profile_object import StoredObject

from .base import Answer, Collection, Page, check_unchanged, name_of, reasons_of, source_of
from .bulk import chunks, engine_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire
    from customer_profiles.channels.embedded import EngineOnly
    from customer_profiles.mapping.profile_object import ProfileObject
    from customer_profiles.models.profile_object import JsonObject

_PUT = "PutProfileObject"
_BATCH_PUT = "BatchPutProfileObject"

_PAGE = Page[StoredObject]
_NO_LIST = (
    "the service has no operation that lists the objects of a domain, so only the embedded engine "
    "lists them all; on AWS, profile.objects() lists those of one profile, and only the sources of "
    "the objects, or the S3 files and streams that they came from, have them all"
)
_MOST_ITEMS = 10
# The service accepts requests of 10 MB, with JSON around the texts of the objects.
_MOST_BYTES = 9_000_000
# Ten objects of this many characters are smaller than that, however they are escaped.
_PLAIN = 100_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PutResult(Generic[T]):
    """The result of putting one object of many."""

    position: int
    """The object's position in the input, from 0."""
    item: T = field(repr=False)
    """The object from the input."""
    unique_key: str | None = field(repr=False)
    """The service's key of the stored object; None when it failed."""
    error: CustomerProfilesError | None
    """The error if it failed; None when it is stored."""

    @property
    def is_stored(self) -> bool:
        """Whether the service accepted the object."""
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


@dataclass(slots=True)
class _Waiting(Generic[T]):
    """An object that waits for its batch to be sent."""

    position: int
    item: T
    text: str
    size: int
    outcome: str | CustomerProfilesError


class ProfileObjects(Generic[T]):
    """Puts objects of one type into a domain, and deletes them.

    The unique key identifies an object: putting it again replaces it as a whole, so it is safe to
    put an object twice.

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
        """Put an object, and return the service's key of it.

        AWS accepts it at once and assigns it to a profile a little later.

        Raises:
            BadRequestError: the object is not a JSON object, or has no unique or profile key.
            InvalidInputError: the object is of another class or too large; nothing was sent.
            ResourceNotFoundError: there is no such domain or object type.
        """
        request = self._request({"Object": self._write(item)})
        answer, _ = self._gateway.read(_PUT, request, _Key.model_validate_json)
        return answer.unique_key

    def put_many(self, items: Iterable[T], /) -> list[str]:
        """Put many objects, and return the service's keys in their order.

        It puts them as `put_each` does.

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
        """Put objects, and yield a result for each.

        Items are read lazily, as you iterate over the results, so there may be any number of
        them. The embedded engine stores hundreds in a transaction. AWS is sent 10 with a request;
        objects that it rejects for the moment are sent again by the retry policy.

        Raises:
            CustomerProfilesError: a whole request failed. What was put before is stored.
        """
        engine = engine_of(self._gateway)
        if engine is not None:
            yield from self._put_in_calls(engine, items)
            return
        batch: list[_Waiting[T]] = []
        size = 0
        for position, item in enumerate(items):
            waiting = self._prepare(position, item)
            size += waiting.size
            if len(batch) == _MOST_ITEMS or (batch and size > _MOST_BYTES):
                yield from self._send(batch)
                batch, size = [], waiting.size
            batch.append(waiting)
        yield from self._send(batch)

    @overload
    def all(
        self: ProfileObjects[JsonObject],
        *,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> AllObjects[StoredObject]: ...

    @overload
    def all(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> AllObjects[T]: ...

    def all(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> AllObjects[Any]:
        """List all objects of the type in the domain, in the order of their storage; embedded only.

        Pages are read as you iterate, so memory stays small however many objects there are.

        Args:
            limit: the largest number of objects; None lists all.
            page_size: how many objects to read at a time, up to 100.
            start: a `next_token` to resume at.

        Raises:
            InvalidInputError: the client is not embedded; the message names the ways on AWS.
            ResourceNotFoundError: the domain has no such object type.
        """
        return AllObjects(
            self._gateway,
            self.domain_name,
            self._object_type,
            limit=limit,
            page_size=page_size,
            start=start,
        )

    def delete(self, profile_id: str, unique_key: str) -> None:
        """Delete an object of a profile, by the service's key of it.

        Raises:
            ResourceNotFoundError: the profile has no such object.
        """
        objects = _Objects(self._gateway, self.domain_name, profile_id, self.object_type_name)
        objects._delete_by_name(unique_key)

    def _prepare(self, position: int, item: T) -> _Waiting[T]:
        """Write an object as JSON; an error stays with its object, and the others are sent."""
        try:
            text = self._write(item)
            if not 0 < len(text) <= _PLAIN:
                refuse(_wire.request_check(_PUT)(self._request({"Object": text})), _PUT)
        except InvalidInputError as error:
            return _Waiting(position, item, "", 0, error)
        # Escaped in the JSON of the request, a character takes at most six.
        size = len(text) * 6 if len(text) <= _PLAIN else len(json.dumps(text))
        return _Waiting(position, item, text, size, "")

    def _put_in_calls(self, engine: EngineOnly, items: Iterable[T]) -> Iterator[PutResult[T]]:
        """Put objects by the embedded engine, as many with a call as it takes."""
        prepared = (self._prepare(position, item) for position, item in enumerate(items))
        for chunk in chunks(prepared, size=lambda waiting: len(waiting.text)):
            filled = [waiting for waiting in chunk if waiting.text]
            texts = [waiting.text for waiting in filled]
            sent = 0
            for waiting in chunk:
                if sent < len(filled) and waiting is filled[sent]:
                    outcomes = engine.put_objects(
                        _BATCH_PUT, self.domain_name, self.object_type_name, texts[sent:]
                    )
                    for outcome in outcomes:
                        filled[sent].outcome = outcome
                        sent += 1
                yield self._result(waiting)

    def _result(self, waiting: _Waiting[T]) -> PutResult[T]:
        outcome = waiting.outcome
        key, error = (outcome, None) if isinstance(outcome, str) else (None, outcome)
        return PutResult(waiting.position, waiting.item, key, error)

    def _send(self, batch: list[_Waiting[T]]) -> Iterator[PutResult[T]]:
        left = {str(number): waiting for number, waiting in enumerate(batch) if waiting.text}
        if left:
            for _ in self._gateway.rounds():
                self._send_once(left)
                left = {
                    number: waiting
                    for number, waiting in left.items()
                    if not isinstance(waiting.outcome, str) and waiting.outcome.retryable
                }
                if not left:
                    break
        for waiting in batch:
            yield self._result(waiting)

    def _send_once(self, batch: Mapping[str, _Waiting[T]]) -> None:
        items = [{"Id": number, "Object": waiting.text} for number, waiting in batch.items()]
        request = self._request({"Items": items})
        answer, _ = self._gateway.read(_BATCH_PUT, request, _Batch.model_validate_json)
        stored = {item.id: item.unique_key for item in answer.successful or []}
        failed = {item.id: item for item in answer.failed or []}
        for number, waiting in batch.items():
            waiting.outcome = stored.get(number) or _error_of(failed.get(number), waiting.text)

    def _write(self, item: Any) -> str:
        kind = self._object_type
        if not isinstance(kind, str):
            if isinstance(item, kind):
                return item.to_object()
            msg = f"expected objects of {kind.__name__}, not of {type(item).__name__}"
            raise InvalidInputError(msg)
        return write_object(item)

    def _request(self, members: Wire) -> Wire:
        named = {"DomainName": self.domain_name, "ObjectTypeName": self.object_type_name}
        return named | members


class ObjectsOfProfile(Results[T]):
    """The objects of one type of a profile; pages are fetched as you iterate.

    Source: ListProfileObjects and DeleteProfileObject of the service's API reference.
    """

    def __init__(  # noqa: PLR0913  (the filter and the options of the list)
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
        self._objects = _Objects(gateway, domain_name, profile_id, name_of(object_type))
        fetch = self._objects.fetch(_filter(keys), object_type)
        model = StoredObject if isinstance(object_type, str) else object_type
        super().__init__(fetch, limit=limit, page_size=page_size, start=start, model=model)

    def delete(self, item: T | str) -> None:
        """Delete an object of this list, by the object or by the service's key of it.

        The values that it set in the profile stay.

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
                "pass the key that put() returned, or an object from this list"
            )
            raise InvalidInputError(msg)
        self._objects._delete_by_name(key)


class AllObjects(Results[T]):
    """All objects of one type in a domain; pages are read as you iterate; embedded only.

    Tables of them begin with a column `profile_id`, unless the objects have a field of that name.
    """

    def __init__(  # noqa: PLR0913  (the options of the list)
        self,
        gateway: Gateway,
        domain_name: str,
        object_type: type[ProfileObject] | str,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> None:
        self._gateway, self._domain_name, self._object_type = gateway, domain_name, object_type
        self._engine = embedded(gateway.channel, _NO_LIST)
        self._owners: list[str] = []
        super().__init__(
            self._read_page,
            limit=limit,
            page_size=page_size,
            start=start,
            model=StoredObject if isinstance(object_type, str) else object_type,
        )

    def with_profile_ids(self) -> Iterator[tuple[str, T]]:
        """Iterate over pairs: the id of the profile that an object belongs to, and the object."""
        for item in self:
            yield _owner(item), item

    def _read_page(self, size: int, token: str | None) -> tuple[list[Any], str | None]:
        name = name_of(self._object_type)
        body = self._engine.list_objects(self._domain_name, name, limit=size, token=token)
        page = _PAGE.model_validate_json(body, extra="allow")
        stored, items = page.items or [], list[Any]()
        for position, item in enumerate(stored):
            owner = str((item.model_extra or {})["ProfileId"])
            home = _Objects(self._gateway, self._domain_name, owner, name)
            item._attach(home, body, ("Items", position))
            if isinstance(self._object_type, str):
                items.append(item)
            else:
                typed = _read(self._object_type, item)
                object.__setattr__(typed, "_owner", owner)
                items.append(typed)
        return items, page.next_token

    def _first_columns(self) -> Mapping[str, Callable[[T], str | None]]:
        return {"profile_id": _owner}


def _owner(item: Any) -> str:
    """Return the id of the profile to which a listed object belongs."""
    if isinstance(item, StoredObject):
        return item.profile_id or ""
    return str(object.__getattribute__(item, "_owner"))


class _Objects(Collection[StoredObject]):
    """The objects of one type and profile, as the records among them see it."""

    _model, _key, _noun = StoredObject, "profile_object_unique_key", "object"
    _LIST = "ListProfileObjects"
    _DELETE = "DeleteProfileObject"

    def __init__(self, gateway: Gateway, domain_name: str, profile_id: str, name: str) -> None:
        super().__init__(gateway, domain_name)
        self._scope |= {"ProfileId": profile_id, "ObjectTypeName": name}
        self.profile_id = profile_id

    def fetch(
        self, filters: Wire, object_type: type[ProfileObject] | str
    ) -> Callable[[int, str | None], tuple[list[Any], str | None]]:
        """Return the function that reads a page, as objects of the class if there is one."""
        read = self._fetch(filters)
        if isinstance(object_type, str):
            return read

        def fetch(size: int, token: str | None) -> tuple[list[Any], str | None]:
            items, token = read(size, token)
            return [_read(object_type, item) for item in items], token

        return fetch

    def save(self, record: StoredObject) -> None:
        """Put an object again, if it changed since it was read."""
        stored = StoredObject._from_wire(source_of(record))
        check_unchanged(record, source_of(record), self._noun, "object_type_name", self._key)
        if record.object != stored.object:
            name = stored.object_type_name
            objects = ProfileObjects[StoredObject](self._gateway, self.domain_name, name)
            record.profile_object_unique_key = objects.put(record)
            record._attach(self, record._to_wire())

    def _reread(self, record: StoredObject) -> StoredObject:
        """Find an object in the list of its profile; no operation reads a single object."""
        key = self._name_of(record)
        for stored in self._list({}):
            if stored.profile_object_unique_key == key:
                return stored
        msg = "the profile no longer has the object"
        raise ServiceError.of_status(404, msg, operation=self._LIST)


def write_object(item: Any) -> str:
    """Return the JSON text of an object without a class.

    Raises:
        InvalidInputError: it is neither a mapping nor a string, or contains a value that is not
            JSON.
    """
    if isinstance(item, StoredObject):
        return item.object
    if isinstance(item, str):
        return item
    if isinstance(item, Mapping):
        return _dump(item)
    msg = (
        f"an object is a mapping or JSON text here; for a {type(item).__name__} "
        "use domain.objects() with its class"
    )
    raise InvalidInputError(msg)


def _read(kind: type[ProfileObject], item: StoredObject) -> ProfileObject:
    try:
        return kind.from_object(item.object, unique_key=item.profile_object_unique_key)
    except ValueError as error:
        reason = reasons_of(error) if isinstance(error, ValidationError) else str(error)
    msg = (
        f"{_Objects._LIST}: an object does not fit {kind.__name__}: {reason}; "
        f'objects("{item.object_type_name}") reads it as it is'
    )
    # Raised without the reader's error, which contains the object.
    raise UnreadableAnswerError(msg)


_TEXT = frozenset((str,))
_TEXTS = frozenset((str, int, bool, type(None)))


def _dump(item: Mapping[str, Any]) -> str:
    if _TEXTS.issuperset(map(type, item.values())) and _TEXT.issuperset(map(type, item)):
        # All values are plain, so pydantic's faster writer gives the same JSON.
        with suppress(PydanticSerializationError):
            return to_json(dict(item)).decode()
    try:
        return json.dumps(
            dict(item), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse
        )
    except InvalidInputError:
        raise
    except ValueError:
        msg = "an object holds JSON values only: no infinite numbers and no circular references"
        raise InvalidInputError(msg) from None


def _refuse(value: Any) -> Any:
    msg = (
        f"an object holds JSON values only; convert each {type(value).__name__} to a string "
        "or a number"
    )
    raise InvalidInputError(msg)


def _error_of(failure: _Failure | None, text: str) -> ServiceError:
    if failure is None:
        msg = "the answer does not contain this object"
        return ServiceError.of_status(500, msg, operation=_BATCH_PUT)
    message = Redactor(_wire.all_texts(text)).text(failure.message or "no message")
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
