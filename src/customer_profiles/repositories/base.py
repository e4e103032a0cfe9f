"""What repositories share: reading records and their pages, and building models of keywords."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from functools import cache, partial
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    NoReturn,
    Protocol,
    TypeAlias,
    TypedDict,
    TypeVar,
)

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from customer_profiles import _wire
from customer_profiles._problems import unknown
from customer_profiles._results import Results
from customer_profiles.errors import InvalidInputError
from customer_profiles.models.base import Model, Record, attach_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Unpack

    from customer_profiles._gateway import Gateway
    from customer_profiles._problems import Names
    from customer_profiles._wire import Wire
    from customer_profiles.mapping.profile_object import ProfileObject
    from customer_profiles.models.object_type import ObjectType

M = TypeVar("M", bound=Model)
R = TypeVar("R", bound=Record)
T = TypeVar("T")

# Operations that several modules of this package call.
CREATE, UPDATE = "CreateProfile", "UpdateProfile"

pascal: Callable[[str], str] = cache(to_pascal)
"""Return the service's name of a field: `FirstName` for `first_name`."""


class Home(Protocol):
    """A repository, as the records that it returned see it."""

    def save(self, record: Any, /) -> None:
        """Send what changed since the record was read."""
        ...

    def _reread(self, record: Any, /) -> Any:
        """Read the record again."""
        ...

    def _erase(self, record: Any, /) -> None:
        """Delete the record."""
        ...


class Answer(BaseModel):
    """An answer of the service; members that AWS adds later are ignored."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="ignore", defer_build=True, hide_input_in_errors=True
    )


class Page(Answer, Generic[T]):
    """One page of a list, under any of the names that AWS uses for it."""

    items: list[T] | None = Field(
        default=None,
        validation_alias=AliasChoices(
            *("Items", "Matches", "MatchIds", "ProfileIds", "ProfileHistoryRecords"),
            "IdentityResolutionJobsList",
        ),
    )
    next_token: str | None = Field(default=None, validation_alias="NextToken")


class PageOptions(TypedDict, total=False):
    """The keywords of lists."""

    limit: int | None
    page_size: int | None
    start: str | None


PageT = TypeVar("PageT", bound=Page[Any])


def page_reader(  # noqa: PLR0913  (the request, and what to do with its answer)
    gateway: Gateway,
    operation: str,
    page: type[PageT],
    request: Wire,
    *,
    home: Home | None = None,
    names: Names | None = None,
    on_page: Callable[[PageT, bytes], object] | None = None,
) -> Callable[[int, str | None], tuple[list[Any], str | None]]:
    """Return the function with which `Results` reads the pages of a list.

    Args:
        gateway: where to send the requests.
        operation: the list operation.
        page: the model of its answers.
        request: what to send, without size and token.
        home: the repository to which the records belong.
        names: the caller's names for members of the request, for error messages.
        on_page: called with each answer, and with the JSON that it was read from.
    """
    reader = partial(page.model_validate_json, extra="allow")

    def fetch(size: int, token: str | None) -> tuple[list[Any], str | None]:
        paging = {"MaxResults": size} | ({"NextToken": token} if token else {})
        answer, body = gateway.read(operation, request | paging, reader, names)
        items = answer.items or []
        if home is not None:
            attach_all(items, home, body, _list_member(operation))
        if on_page is not None:
            on_page(answer, body)
        return items, answer.next_token

    return fetch


@cache
def _list_member(operation: str) -> str:
    """Return the member of an operation's answers that is their list."""
    answer: Any = _wire.operation(operation).output_shape
    return str(next(name for name, shape in answer.members.items() if shape.type_name == "list"))


class Collection(ABC, Generic[R]):
    """The records of one kind in a domain; what lists, reads and rereads them."""

    _model: type[R]
    _key: ClassVar[str]
    """The field that names a record."""
    _noun: ClassVar[str]
    """What messages call a record."""
    _arn: ClassVar[str]
    """The path before the name in ARNs."""
    _GET: ClassVar[str]
    _LIST: ClassVar[str]
    _DELETE: ClassVar[str]

    def __init__(self, gateway: Gateway, domain_name: str) -> None:
        self._gateway = gateway
        self._scope: Wire = {"DomainName": domain_name}
        self.domain_name = domain_name

    def all(
        self, *, limit: int | None = None, page_size: int | None = None, start: str | None = None
    ) -> Results[R]:
        """List all; pages are fetched as you iterate.

        Args:
            limit: the largest number of items; None lists all.
            page_size: how many items to request at a time, up to 100.
            start: a `next_token` to resume at.
        """
        return self._list({}, limit=limit, page_size=page_size, start=start)

    def _reread(self, record: R) -> R:
        """Read a record again."""
        return self._read_by_name(self._name_of(record))

    def arn_path(self, record: R) -> str:
        """Return the path of a record in ARNs, such as `shop/layouts/explorer`."""
        return f"{self.domain_name}/{self._arn}/{getattr(record, self._key)}"

    def _list(self, filters: Wire, **options: Unpack[PageOptions]) -> Results[R]:
        return Results(self._fetch(filters), model=self._model, **options)

    def _fetch(self, filters: Wire) -> Callable[[int, str | None], tuple[list[R], str | None]]:
        page: Any = Page[self._model]  # type: ignore[name-defined]
        return page_reader(self._gateway, self._LIST, page, self._request(filters), home=self)

    def _read_by_name(self, name: str) -> R:
        return self._read(self._GET, {pascal(self._key): name})

    def _delete_by_name(self, name: str) -> None:
        self._gateway.call(self._DELETE, self._request({pascal(self._key): name}))

    def _read(self, operation: str, members: Wire) -> R:
        record, body = self._gateway.read(operation, self._request(members), self._model._from_wire)
        key = pascal(self._key)
        if key in members and not getattr(record, self._key):
            # Some answers leave out the name that the request had.
            setattr(record, self._key, members[key])
            return record._attach(self, {**json.loads(body), key: members[key]})
        return record._attach(self, body)

    def _request(self, members: Wire) -> Wire:
        return {**self._scope, **members}

    def _name_of(self, record: R) -> str:
        """Return the name that a record had when it was read."""
        return str(source_of(record)[pascal(self._key)])

    def _before_and_after(self, record: R, operation: str, *names: str) -> tuple[Wire, Wire]:
        """Return what an operation takes of a record as it was read and as it is now.

        Raises:
            InvalidInputError: the record's name, or another of its `names`, or its tags changed.
        """
        stored = source_of(record)
        check_unchanged(record, stored, self._noun, *names, self._key)
        return before_and_after(record, stored, _wire.input_shape(operation))

    @abstractmethod
    def save(self, record: R, /) -> None:
        """Send what changed in a record since it was read, nothing else."""

    def _erase(self, record: R, /) -> None:
        """Delete a record."""
        self._delete_by_name(self._name_of(record))


class ReadOnlyCollection(Collection[R]):
    """Records that only the service changes and deletes."""

    _why_not_saved: ClassVar[str]
    _why_not_deleted: ClassVar[str]

    def save(self, _record: R, /) -> NoReturn:
        """Refuse to change a record."""
        raise InvalidInputError(self._why_not_saved)

    def _erase(self, _record: R, /) -> NoReturn:
        """Refuse to delete a record."""
        raise InvalidInputError(self._why_not_deleted)


def check_unchanged(record: Record, stored: Wire, noun: str, *fields: str) -> None:
    """Refuse to save a record whose name or tags were changed.

    Raises:
        InvalidInputError: one of the fields, or the tags, differ from what was read.
    """
    wire = record._to_wire()
    for field in fields:
        if wire.get(pascal(field)) != stored.get(pascal(field)):
            msg = f"{field} cannot be changed: it names the {noun} that is saved"
            raise InvalidInputError(msg)
    if (stored.get("Tags") or {}) != (wire.get("Tags") or {}):
        msg = f"save() does not change tags; use cp.tags.add() and cp.tags.remove() with the {noun}"
        raise InvalidInputError(msg)


def before_and_after(record: Record, stored: Wire, shape: Any) -> tuple[Wire, Wire]:
    """Return what `shape` takes of a record as it was read and as it is now, without tags."""
    before, after = (
        _wire.fit(wire, shape)
        for wire in (type(record)._from_wire(stored)._to_wire(), record._to_wire())
    )
    before.pop("Tags", None)
    after.pop("Tags", None)
    return before, after


def source_of(record: Record) -> Wire:
    """Return the wire form that a record was read from.

    Answers are decoded here, not when they are read, so that reading makes no copies.
    """
    origin = record._origin()
    wire: Any = origin.source
    if isinstance(wire, bytes):
        wire = json.loads(wire)
    for step in origin.path:
        wire = wire[step]
    return dict(wire)


def build(model: type[M], fields: Mapping[str, Any], known: frozenset[str]) -> M:
    """Build a model from keywords.

    Raises:
        InvalidInputError: a keyword is unknown or invalid; the message never holds its value.
    """
    for name in fields:
        if name not in known:
            raise InvalidInputError(unknown(name, sorted(known), model.__name__))
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        msg = f"{model.__name__}: {reasons_of(error)}"
        raise InvalidInputError(msg) from None


Extra: TypeAlias = "Mapping[str, Any] | None"
"""Members that the service has and this version does not, by their names on the wire."""


def with_extra(wire: Wire, extra: Extra, model: type[Model], operation: str) -> Wire:
    """Return a request with members that the service has and the model does not have yet.

    Raises:
        InvalidInputError: the model has such a field, or the operation has no such member.
    """
    if not extra:
        return wire
    fields = {pascal(name): name for name in model.model_fields}
    members = _wire.input_shape(operation).members
    for name in extra:
        if name in fields:
            msg = f"extra has {name}, which is the field {fields[name]}; give it as a keyword"
            raise InvalidInputError(msg)
        if name not in members:
            raise InvalidInputError(unknown(name, members, operation, "member"))
    return {**wire, **extra}


def reasons_of(error: ValidationError) -> str:
    """Describe each invalid field by its name and rule, never by its value."""
    return "; ".join(
        f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False)
    )


def name_of(object_type: type[ProfileObject] | ObjectType | str) -> str:
    """Return the name of an object type, of a class that declares one, or of a string.

    Raises:
        TypeError: the class declares no object type.
    """
    if isinstance(object_type, str):
        return object_type
    if isinstance(object_type, type) and not object_type.object_type_name:
        # This raises, and the error says what the declaration lacks.
        return object_type.object_type().object_type_name
    return object_type.object_type_name
