"""Many profiles at once: an iterator of items in, an iterator of numbered results out.

The embedded engine stores thousands in a transaction. On AWS there is a request for each item, so
several are sent at a time; results come in the order of the items.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from customer_profiles import _wire
from customer_profiles._problems import refuse, unknown
from customer_profiles.channels.embedded import SEVERAL, EngineChannel
from customer_profiles.errors import (
    AccessDeniedError,
    AmbiguousWriteError,
    BadRequestError,
    CustomerProfilesError,
    InvalidInputError,
    MultipleResultsError,
    ResourceNotFoundError,
    StoreError,
)
from customer_profiles.models.profile import Address, Profile, ProfileFields

from .base import CREATE, UPDATE, build, pascal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire
    from customer_profiles.channels.embedded import EngineOnly, Stored

    from .profiles import Profiles

T = TypeVar("T")

_FIELDS = frozenset(ProfileFields.__annotations__)
CONCURRENCY = 8
"""How many creates are sent to AWS at a time."""
_MOST_ITEMS = 2_000
"""How many items are read before they are stored, if the engine does not take fewer."""
_MOST_BYTES = 8 << 20
_LONGEST_WAIT = 0.25
"""Seconds after which items that came slowly are stored, however few they are."""
Key = Literal["account_number", "email_address", "phone_number"]
KEYS: dict[Key, str] = {
    "account_number": "account",
    "email_address": "email",
    "phone_number": "phone",
}
"""The fields that can identify a customer, and the search key of each."""
_SEVERAL, _NATIONAL = 10, 10
_HOPELESS = (AccessDeniedError, ResourceNotFoundError, StoreError)
"""Errors that every other item would have, too."""
Outcome = Literal["created", "updated", "kept", "failed"]


@dataclass(frozen=True, slots=True)
class CreateResult(Generic[T]):
    """The result of storing one profile of many."""

    position: int
    """The item's position in the input, from 0."""
    item: T = field(repr=False)
    """The item from the input."""
    profile_id: str | None
    """The id of the profile; None when it failed."""
    error: CustomerProfilesError | None
    """The error if it failed, an `AmbiguousWriteError` if its answer was lost; else None."""
    outcome: Outcome
    """What became of the item."""

    @property
    def is_stored(self) -> bool:
        """Whether the profile is stored for certain."""
        return self.error is None

    @property
    def is_ambiguous(self) -> bool:
        """Whether the profile may be stored, because the answer to its request was lost."""
        return isinstance(self.error, AmbiguousWriteError)


def _itself(item: object) -> object:
    return item


class Checkpoint(NamedTuple):
    """How far a load is, stored by the embedded engine with the profiles themselves."""

    name: str
    """What identifies the load in its domain."""
    position: Callable[[list[CreateResult[Any]]], Wire]
    """Returns the position after these results, just before they are committed.

    It is called again if the transaction is repeated.
    """


def engine_of(gateway: Gateway) -> EngineOnly | None:
    """Return the embedded engine behind a gateway; None if there is none, or it injects faults."""
    channel = gateway.channel
    return channel.bulk if isinstance(channel, EngineChannel) else None


def create_many(
    profiles: Profiles,
    items: Iterable[T],
    concurrency: int = CONCURRENCY,
    *,
    fields_of: Callable[[T], object] = _itself,
    checkpoint: Checkpoint | None = None,
) -> Iterator[CreateResult[T]]:
    """Create a profile for each item; see `Profiles.create_many`.

    Args:
        profiles: the profiles of the domain.
        items: the items.
        concurrency: how many requests to send at a time.
        fields_of: returns the profile or the fields of an item, or raises why it has none.
        checkpoint: what to store about the progress; only the embedded engine does so.
    """
    engine = engine_of(profiles._gateway)
    if engine is not None:
        store = partial(engine.create_profiles, CREATE, profiles.domain_name)
        return _in_calls(items, lambda item: wire_of(fields_of(item)), store, checkpoint)

    def send(item: T) -> tuple[Outcome, str]:
        return "created", profiles.create(_profile_of(fields_of(item))).profile_id

    return _in_threads(items, send, concurrency)


def upsert_many(  # noqa: PLR0913  (all but three are options)
    profiles: Profiles,
    items: Iterable[T],
    key: Key,
    *,
    keep_stored: bool = False,
    fields_of: Callable[[T], object] = _itself,
    checkpoint: Checkpoint | None = None,
) -> Iterator[CreateResult[T]]:
    """Find, update or create a profile for each item; see `create_many`, `Profiles.upsert_many`.

    Raises:
        InvalidInputError: the key identifies no customers.
    """
    if key not in KEYS:
        raise InvalidInputError(unknown(key, KEYS, "upsert_many()", "key"))
    engine = engine_of(profiles._gateway)
    if engine is None:
        # One after the other: two items of one customer must not both create a profile.
        def send(item: T) -> tuple[Outcome, str]:
            return _upsert(profiles, key, fields_of(item), keep_stored=keep_stored)

        return _in_threads(items, send, 1)

    store = partial(
        engine.upsert_profiles,
        UPDATE,
        profiles.domain_name,
        key=pascal(key),
        keep_stored=keep_stored,
    )
    return _in_calls(items, lambda item: _keyed(key, fields_of(item)), store, checkpoint)


def load_position(profiles: Profiles, name: str) -> Wire | None:
    """Return the position of a load that was interrupted; None if there is none."""
    engine = engine_of(profiles._gateway)
    return engine.load_position(profiles.domain_name, name) if engine is not None else None


def end_load(profiles: Profiles, name: str) -> None:
    """Remove the position of a load that has ended."""
    engine = engine_of(profiles._gateway)
    if engine is not None:
        engine.end_load(profiles.domain_name, name)


def _in_calls(
    items: Iterable[T],
    write: Callable[[T], Wire],
    store: Callable[..., list[Stored]],
    checkpoint: Checkpoint | None,
) -> Iterator[CreateResult[T]]:
    """Store items by the embedded engine, as many with a call as it takes."""
    for chunk in chunks(enumerate(items)):
        written = [(item, _attempt(write, item[1])) for item in chunk]
        every = [wire for _, wire in written if isinstance(wire, dict)]
        done = sent = 0
        while done < len(written):
            # The engine may take one at a time, so nothing is computed again for those left.
            left, wires = written[done:], every[sent:]
            results: list[CreateResult[T]]
            if wires and checkpoint is not None:
                own = _checkpoint(checkpoint, left)
                results = _results(left, store(wires, checkpoint=own))
            else:
                results = _results(left, store(wires) if wires else [])
                if checkpoint is not None:
                    checkpoint.position(results)
            done += len(results)
            sent += sum(isinstance(wire, dict) for _, wire in left[: len(results)])
            yield from results


def _checkpoint(
    checkpoint: Checkpoint, left: Sequence[tuple[tuple[int, T], Wire | CustomerProfilesError]]
) -> tuple[str, Callable[[list[Stored]], Wire]]:
    return checkpoint.name, lambda stored: checkpoint.position(_results(left, stored))


def _results(
    left: Sequence[tuple[tuple[int, T], Wire | CustomerProfilesError]], stored: Sequence[Stored]
) -> list[CreateResult[T]]:
    """Return the results of the first items, up to the first one that was not stored yet."""
    found: list[CreateResult[T]] = []
    outcomes = iter(stored)
    for (position, item), wire in left:
        if isinstance(wire, CustomerProfilesError):
            found.append(CreateResult(position, item, None, wire, "failed"))
            continue
        result = next(outcomes, None)
        if result is None:
            break
        outcome, profile_id, error = result
        if error is not None:
            error = _own_error(wire, error)
        found.append(CreateResult(position, item, profile_id, error, outcome))
    return found


def chunks(
    items: Iterable[T], most: int = _MOST_ITEMS, size: Callable[[T], int] = lambda _item: 0
) -> Iterator[list[T]]:
    """Cut items into lists: of many items, of a few megabytes, or of what came in a short time."""
    chunk: list[T] = []
    began, total = 0.0, 0
    for item in items:
        if not chunk:
            began, total = time.monotonic(), 0
        chunk.append(item)
        total += size(item)
        if len(chunk) == most or total > _MOST_BYTES or time.monotonic() - began > _LONGEST_WAIT:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _in_threads(
    items: Iterable[T], send: Callable[[T], tuple[Outcome, str]], concurrency: int
) -> Iterator[CreateResult[T]]:
    """Send a request for each item, several at a time, and yield the results in order.

    An error that every other item would have, and an interrupt, end the sending: the results of
    the requests that were sent already come first, so that none is lost.
    """
    if concurrency < 1:
        msg = "concurrency must be a whole number of 1 or more"
        raise InvalidInputError(msg)
    numbered, most = enumerate(items), 2 * concurrency
    waiting: _Waiting[T] = deque()
    end: BaseException | None = None
    with ThreadPoolExecutor(concurrency) as workers:
        try:
            while True:
                if end is None:
                    end = _fill(waiting, numbered, lambda item: workers.submit(send, item), most)
                if not waiting:
                    break
                try:
                    result = _result(*waiting[0])
                except KeyboardInterrupt as interrupt:
                    end = interrupt
                    _cancel(waiting)
                    continue
                waiting.popleft()
                if isinstance(result.error, _HOPELESS):
                    end = result.error
                yield result
        finally:
            _cancel(waiting)
    if end is not None and not isinstance(end, StopIteration):
        raise end


_Waiting: TypeAlias = "deque[tuple[int, T, Future[tuple[Outcome, str]]]]"


def _fill(
    waiting: _Waiting[T],
    numbered: Iterator[tuple[int, T]],
    submit: Callable[[T], Future[tuple[Outcome, str]]],
    most: int,
) -> BaseException | None:
    """Send requests until so many are waiting; return why there are no more items, if so."""
    try:
        while len(waiting) < most:
            position, item = next(numbered)
            waiting.append((position, item, submit(item)))
    except BaseException as error:  # noqa: BLE001  (raised once the results are yielded)
        return error
    return None


def _cancel(waiting: _Waiting[T]) -> None:
    """Remove the requests that were not sent yet."""
    while waiting and waiting[-1][2].cancel():
        waiting.pop()


def _result(position: int, item: T, future: Future[tuple[Outcome, str]]) -> CreateResult[T]:
    try:
        outcome, profile_id = future.result()
    except CustomerProfilesError as error:
        return CreateResult(position, item, None, error, "failed")
    return CreateResult(position, item, profile_id, None, outcome)


def _upsert(profiles: Profiles, key: Key, item: Any, *, keep_stored: bool) -> tuple[Outcome, str]:
    """Search by the key, then update the profile that has it, or create one."""
    wire = _keyed(key, item)
    value = wire[pascal(key)]
    keys: Any = {KEYS[key]: value}
    found = list(profiles.search(**keys, limit=_SEVERAL))
    same = [profile for profile in found if _has_value(profile, key, value)]
    if found and len(same) != 1:
        raise MultipleResultsError(SEVERAL.format(len(found), key))
    if not same:
        return "created", profiles.create(Profile._from_wire(wire)).profile_id
    if not keep_stored:
        profiles.update(same[0].profile_id, Profile._from_wire(wire))
    return ("kept" if keep_stored else "updated"), same[0].profile_id


def _has_value(profile: Profile, field: str, value: str) -> bool:
    """Return whether the field itself has the value: a search key covers related fields too."""
    stored = getattr(profile, field)
    return bool(stored) and _normalized(field, stored) == _normalized(field, value)


def _normalized(field: str, value: str) -> str:
    if field == "phone_number":
        return "".join(filter(str.isdigit, value))[-_NATIONAL:]
    return value.strip().casefold() if field == "email_address" else value


def _attempt(write: Callable[[T], Wire], item: T) -> Wire | CustomerProfilesError:
    try:
        return write(item)
    except CustomerProfilesError as error:
        return error


def _profile_of(item: object) -> Profile:
    if isinstance(item, Profile):
        return item
    if not isinstance(item, Mapping):
        msg = f"an item is a Profile or a mapping of its fields, not a {type(item).__name__}"
        raise InvalidInputError(msg)
    fields = dict(item)
    if isinstance(fields.get("attributes"), Mapping):
        fields["attributes"] = {
            name: value for name, value in fields["attributes"].items() if value is not None
        }
    return build(Profile, fields, _FIELDS)


def wire_of(item: object) -> Wire:
    """Return the members of the request that creates a profile."""
    if isinstance(item, dict) and (wire := _plain(item)) is not None:
        return wire
    return _wire.fit(_profile_of(item)._to_wire(), _wire.input_shape(CREATE))


def _keyed(key: Key, item: object) -> Wire:
    """Return the members of an item that are not empty, which must have the key."""
    wire = _filled(wire_of(item))
    if not wire.get(pascal(key)):
        msg = f"{key} is empty, but it is the key of the profiles"
        raise InvalidInputError(msg)
    return wire


def _filled(wire: Wire) -> Wire:
    filled = {}
    for name, value in wire.items():
        kept = _filled(value) if isinstance(value, dict) else value
        if kept not in ("", {}):
            filled[name] = kept
    return filled


@cache
def _plain_members() -> tuple[tuple[str, str, Mapping[str, str] | None], ...]:
    """Return the fields of texts and of addresses, in the model's order, with their members."""
    address = {name: pascal(name) for name in Address.model_fields}
    members = _wire.input_shape(CREATE).members
    return tuple(
        (name, pascal(name), None if info.annotation == str | None else address)
        for name, info in Profile.model_fields.items()
        if name in _FIELDS
        and pascal(name) in members
        and info.annotation in (str | None, Address | None)
        and not info.metadata
    )


def _plain(fields: dict[Any, Any]) -> Wire | None:
    """Return the wire form of fields that are plain texts; None if a model must validate them.

    It gives what the model gives, in a tenth of the time.
    """
    wire: Wire = {}
    left = len(fields)
    for name, member, parts in _plain_members():
        value = fields.get(name)
        if value is None:
            continue
        if parts is None:
            if type(value) is not str or not (value.isascii() or _wire.is_unicode(value)):
                return None
            wire[member] = value
        else:
            if type(value) is not dict:
                return None
            inner: Wire = {}
            for part, name_of_part in parts.items():
                if (text := value.get(part)) is not None:
                    if type(text) is not str or not (text.isascii() or _wire.is_unicode(text)):
                        return None
                    inner[name_of_part] = text
            if len(inner) < len(value):
                return None
            wire[member] = inner
        left -= 1
    return None if left else wire


def _own_error(wire: Wire, error: CustomerProfilesError) -> CustomerProfilesError:
    """Return the error of a request that breaks the service's description, as the gateway does."""
    if isinstance(error, BadRequestError):
        request = {"DomainName": "domain", **wire}
        if problems := _wire.request_check(CREATE)(request):
            try:
                refuse(problems, CREATE)
            except InvalidInputError as own:
                return own
    return error
