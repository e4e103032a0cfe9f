"""Lazy lists: pages are fetched while the caller iterates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from .errors import InvalidInputError, MultipleResultsError, NoResultError, PaginationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from pydantic import BaseModel

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
        model: the class of the items, whose fields are the columns of tables.

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
        model: type[BaseModel] | None = None,
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
        self._model = model
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

    def to_arrow(self) -> pa.Table:
        """Fetch all items, and return them as an Arrow table, personal data in the clear.

        A column is a field, or a member of a nested one with its dotted name, such as
        `address.city`. Types come from the model, so an empty list has the same columns: dates,
        times (UTC), integers and decimal numbers as such, lists as lists. The members of mappings
        such as `attributes` are columns in the order of their first occurrence.

        Raises:
            ModuleNotFoundError: pyarrow is not installed; the message says how to install it.
            InvalidInputError: the items have no fields, or a value does not fit its column.
        """
        return self._table("to_arrow", "pyarrow")

    def to_pandas(self) -> pd.DataFrame:
        """Fetch all items, and return them as a pandas data frame, personal data in the clear.

        The columns are those of `to_arrow`, with nullable types: a missing integer is `<NA>`,
        dates and decimal numbers keep their types.

        Raises:
            ModuleNotFoundError: pandas or pyarrow is not installed.
            InvalidInputError: the items have no fields, or a value does not fit its column.
        """
        from .models import tables

        return tables.to_pandas(self._table("to_pandas", "pandas", "pyarrow"))

    def to_polars(self) -> pl.DataFrame:
        """Fetch all items, and return them as a polars data frame, personal data in the clear.

        The columns are those of `to_arrow`.

        Raises:
            ModuleNotFoundError: polars or pyarrow is not installed.
            InvalidInputError: the items have no fields, or a value does not fit its column.
        """
        from .models import tables

        return tables.to_polars(self._table("to_polars", "polars", "pyarrow"))

    def _table(self, method: str, *libraries: str) -> pa.Table:
        from .models import tables

        tables.check_installed(method, *libraries)
        if self._model is None:
            msg = f"{method}() needs items with fields; iterate over this list instead"
            raise InvalidInputError(msg)
        return tables.to_arrow(self._model, self, self._first_columns())

    def _first_columns(self) -> Mapping[str, Callable[[T], str | None]]:
        """Return further columns of tables, which are not fields of the items."""
        return {}

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
