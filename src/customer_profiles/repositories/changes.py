"""The changes of a domain on the embedded engine: read in order, or followed as they happen."""

from __future__ import annotations

import json
import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from customer_profiles.channels.embedded import embedded
from customer_profiles.errors import (
    FeedError,
    InvalidInputError,
    PositionExpiredError,
    WaitTimeoutError,
)
from customer_profiles.models.change_event import ChangeEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from customer_profiles._gateway import Gateway
    from customer_profiles.channels.embedded import EngineOnly

_PAGE = 500
_POLL_SECONDS = 0.5
_OTHERWISE = (
    "only the embedded engine has a change feed to read; on AWS create an event stream, and read "
    "its records from Kinesis with ChangeEvent.from_json"
)


class Changes:
    """The changes of one domain's profiles and objects, in order of commit; embedded only.

    ```python
    shop.changes.enable()  # once: changes are kept from now on
    for change in shop.changes():
        print(change.position, change.event_type, change.object_type_name, change.profile_id)
    ```

    Positions grow and are never used twice, not even after the domain was deleted and created
    again.
    """

    def __init__(self, gateway: Gateway, domain_name: str) -> None:
        self._gateway = gateway
        self.domain_name = domain_name

    def enable(self, *, keep_days: float = 7) -> None:
        """Keep the domain's changes from now on.

        Args:
            keep_days: how many days each change is kept; call this again to change it.

        Raises:
            InvalidInputError: the client is connected to AWS.
            ResourceNotFoundError: there is no such domain.
            BadRequestError: `keep_days` is not positive.
        """
        self._engine.enable_changes(self.domain_name, keep_days)

    def disable(self) -> None:
        """Keep changes no longer, and remove those that are kept and the positions of followers.

        Raises:
            InvalidInputError: the client is connected to AWS.
            ResourceNotFoundError: there is no such domain.
        """
        self._engine.disable_changes(self.domain_name)

    @property
    def position(self) -> int:
        """The position of the newest change.

        Raises:
            InvalidInputError: the client is connected to AWS.
            BadRequestError: the domain keeps no changes.
        """
        return self._read(None, limit=1).last

    @property
    def first_position(self) -> int:
        """The position from which reading is possible; changes up to it are no longer kept.

        Raises:
            InvalidInputError: the client is connected to AWS.
            BadRequestError: the domain keeps no changes.
        """
        return self._read(None, limit=1).first

    def __call__(self, since: int | None = None) -> Iterator[ChangeEvent]:
        """Read the changes beyond a position, up to the newest one; pages are read as you go.

        Args:
            since: the `position` of the last change that you have seen; None for all that are
                kept.

        Raises:
            PositionExpiredError: changes after `since` are no longer kept.
            InvalidInputError: the client is connected to AWS.
            BadRequestError: the domain keeps no changes.
        """
        page = self._read(since)
        return self._from(page, page.last)

    def follow(
        self,
        callback: Callable[[ChangeEvent], object],
        /,
        *,
        name: str | None = None,
        since: int | None = None,
    ) -> Follower:
        """Call a function with each change as it is stored, in a thread, until it is stopped.

        An exception of the function stops it, and is raised again by `wait` and `stop`.

        ```python
        with shop.changes.follow(index.update, name="search index") as follower:
            shop.profiles.create(first_name="Ada")
            follower.wait()  # until the function has seen all changes so far
        ```

        Args:
            callback: called with one change after the other.
            name: under which the position is stored after each change, so that a later follower
                of this name continues there. A process that is killed repeats one change at most.
            since: the position after which to begin, unless one is stored under the name; None
                begins with the next change.

        Raises:
            PositionExpiredError: changes after the position are no longer kept.
            InvalidInputError: the client is connected to AWS.
            BadRequestError: the domain keeps no changes.
        """
        stored = self._engine.follower_position(self.domain_name, name) if name else None
        begin = stored if stored is not None else since
        page = self._read(begin, limit=1)
        position = page.last if begin is None else begin
        return Follower(self, callback, name, position, stored)

    def _from(self, page: _Page, last: int) -> Iterator[ChangeEvent]:
        while True:
            yield from page.items
            if page.position >= last:
                return
            page = self._read(page.position)

    def _read(
        self, after: int | None, *, limit: int = _PAGE, wait: float = 0.0
    ) -> _Page:  # fmt: skip
        body = self._engine.changes(self.domain_name, after, limit=limit, wait=wait)
        page = _Page(json.loads(body))
        if after is not None and after < page.first:
            raise PositionExpiredError(self.domain_name, after, page.first)
        return page

    def _move(self, name: str, old: int | None, new: int) -> None:
        if not self._engine.move_follower(self.domain_name, name, old, new):
            msg = (
                f"another follower of the name {name!r} has moved its position in the changes of "
                f"domain {self.domain_name}; give each follower a name of its own"
            )
            raise FeedError(msg)

    @cached_property
    def _engine(self) -> EngineOnly:
        return embedded(self._gateway.channel, _OTHERWISE)


class _Page:
    """Some changes, and what is known of the feed."""

    def __init__(self, wire: dict[str, Any]) -> None:
        self.first: int = wire["First"]
        self.last: int = wire["Last"]
        self.position: int = wire["Position"]
        self.items = [ChangeEvent._from_wire(item) for item in wire["Items"]]


class Follower:
    """A thread that calls a function with each change of a domain: see `Changes.follow`."""

    def __init__(
        self,
        changes: Changes,
        callback: Callable[[ChangeEvent], object],
        name: str | None,
        position: int,
        stored: int | None,
    ) -> None:
        self._changes, self._callback = changes, callback
        self.name: str | None = name
        """The name under which the position is stored."""
        self._position, self._stored = position, stored
        self._error: BaseException | None = None
        self._stopping = threading.Event()
        self._moved = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
        self._thread.start()

    @property
    def position(self) -> int:
        """The position of the last change with which the function was called successfully."""
        return self._position

    @property
    def is_running(self) -> bool:
        """Whether further changes are followed."""
        return self._thread.is_alive() and not self._stopping.is_set()

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until the function was called with all changes that are stored now.

        Args:
            timeout: the most seconds to wait; None waits without a limit.

        Raises:
            WaitTimeoutError: it was not reached in time; the follower continues.
            InvalidInputError: the follower was stopped before.
            Exception: what the function raised.
        """
        self._check_thread("wait")
        last = self._changes.position
        end = None if timeout is None else time.monotonic() + timeout
        with self._moved:
            while self._position < last and self.is_running and self._error is None:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    msg = f"position {last} was not reached after {timeout} seconds"
                    raise WaitTimeoutError(msg)
                self._moved.wait(left)
        self._raise_again()
        if self._position < last:
            msg = "the follower was stopped before it reached the newest change"
            raise InvalidInputError(msg)
        return self

    def stop(self) -> None:
        """Stop after the call that is running, and wait for it to end.

        Raises:
            Exception: what the function raised, if that has stopped it before.
        """
        self._check_thread("stop")
        self._end()
        self._raise_again()

    def __enter__(self) -> Self:
        """Return the follower itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; an exception of the block is not replaced by one of the function."""
        self._end()
        if error is None:
            self._raise_again()

    def _check_thread(self, method: str) -> None:
        if threading.current_thread() is self._thread:
            msg = (
                f"{method}() would wait for itself: the followed function calls it; raise an "
                "exception to stop"
            )
            raise InvalidInputError(msg)

    def _end(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _raise_again(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                page = self._changes._read(self._position, wait=_POLL_SECONDS)
                for change in page.items:
                    if self._stopping.is_set():
                        return
                    self._callback(change)
                    self._move(change.position or 0)
                self._move(page.position)
        except BaseException as error:  # noqa: BLE001 - whatever it is, `stop` raises it again
            self._error = error
        finally:
            with self._moved:
                self._moved.notify_all()

    def _move(self, position: int) -> None:
        if position == self._position:
            return
        if self.name is not None:
            self._changes._move(self.name, self._stored, position)
            self._stored = position
        with self._moved:
            self._position = position
            self._moved.notify_all()
