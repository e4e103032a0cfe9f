"""Lazy lists: pages are fetched while the caller iterates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from .errors import InvalidInputError, MultipleResultsError, NoResultError, PaginationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_LARGEST_PAGE = 100


class Results(Generic[T]):
    """A lazy iterable over all pages of a list; each iteration starts at the beginning.

    Nothing is sent before the first item is needed, a page is fetched when the previous one
    is used up, and an abandoned iteration sends nothing more.

    Args:
        fetch: fetches a page of a size at a token; returns its items and the next token.
        limit: the most items to yield; None yields all.
        page_size: how many items to request at once, 1 to 100; the default is 100.
        start: the token to begin at, from `next_token` of an earlier iteration.

    Raises:
        InvalidInputError: `limit` or `page_size` is out of its range.
    """

    next_token: str | None
    """The token after the last page that was fetched; None before the first and after the last."""

    def __init__(
        self,
        fetch: Callable[[int, str | None], tuple[list[T], str | None]],
        *,
        limit: int | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> None:
        for name, value in (("limit", limit), ("page_size", page_size)):
            if value is not None and value < 1:
                msg = f"{name} must be 1 or more; it was {value}"
                raise InvalidInputError(msg)
        if page_size is not None and page_size > _LARGEST_PAGE:
            msg = f"page_size must be at most {_LARGEST_PAGE}; it was {page_size}"
            raise InvalidInputError(msg)
        self._fetch, self._limit, self._start = fetch, limit, start
        self._page_size = page_size or _LARGEST_PAGE
        self.next_token = start

    def __iter__(self) -> Iterator[T]:
        """Iterate over the items of all pages.

        Raises:
            PaginationError: the service repeated a page token.
        """
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[list[T]]:
        """Iterate over the pages as the service answers them, without empty ones.

        Raises:
            PaginationError: the service repeated a page token.
        """
        return self._pages(self._limit)

    def first(self) -> T | None:
        """Return the first item, or None if there is none; requests a single one."""
        return next((item for page in self._pages(1) for item in page), None)

    def one(self) -> T:
        """Return the only item.

        Raises:
            NoResultError: there is none.
            MultipleResultsError: there are several.
        """
        found = [item for page in self._pages(2) for item in page]
        if not found:
            msg = "one result was expected and there is none; first() returns None instead"
            raise NoResultError(msg)
        if len(found) > 1:
            msg = "one result was expected and there are several; iterate, or use first()"
            raise MultipleResultsError(msg)
        return found[0]

    def _pages(self, limit: int | None) -> Iterator[list[T]]:
        token, seen, left = self._start, set[str](), limit
        while True:
            size = self._page_size if left is None else min(left, self._page_size)
            items, token = self._fetch(size, token)
            self.next_token = token
            if left is not None:
                items = items[:left]
                left -= len(items)
            if items:
                yield items
            if token is None or left == 0:
                return
            if token in seen:
                msg = "the service repeated a page token, so its pages would never end"
                raise PaginationError(msg)
            seen.add(token)

    # Not bool, so that pyright reports `if results:`. mypy has no such check, and would not check
    # the rest of the function after NoReturn.
    def __bool__(self) -> str:
        """Refuse: a lazy list is neither true nor false.

        Raises:
            InvalidInputError: always.
        """
        msg = "results are lazy, so they are neither true nor false; test first() is not None"
        raise InvalidInputError(msg)

    def __repr__(self) -> str:
        """Describe the list without fetching anything."""
        return f"<{type(self).__name__}: lazy; iterate, or call first(), one() or pages()>"
