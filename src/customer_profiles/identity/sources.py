"""Records of several sources: which pairs are looked for, and which are impossible."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import pyarrow as pa

from .matching.known import Sources
from .preparing.normalize import pc
from .preparing.reading import read

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .preparing.reading import Records

Link: TypeAlias = Literal["link_and_dedupe", "link_only"]
LINKS: tuple[str, ...] = get_args(Link)
SOURCE, ID = "source", "source/id"
"""The columns that `joined` adds."""
_SHOWN = 5
_FEW, _MOST_SHARE = 20, 0.2


class SourceRules(NamedTuple):
    """Which pairs of sources are linked; stored with a model."""

    column: str
    """The column with the records' sources."""
    link: Link = "link_and_dedupe"
    unique: tuple[str, ...] = ()
    """The sources in which no person has two records."""

    def forbid(self, left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
        """Return whether two records, as mappings, cannot be linked because of their sources."""
        source = left.get(self.column)
        if source is None or source != right.get(self.column):
            return False
        return self.link == "link_only" or source in self.unique


def check(column: str | None, link: str, unique_sources: bool | Collection[str]) -> None:  # noqa: FBT001
    """Check the arguments of `resolve` that need no records.

    Raises:
        ValueError: an argument is wrong.
    """
    if link not in LINKS:
        msg = f"link is {link!r}; it is one of {', '.join(LINKS)}"
        raise ValueError(msg)
    if column is None and (link == "link_only" or unique_sources):
        msg = "link_only and unique_sources need source=, the column of the records' sources"
        raise ValueError(msg)


def read_sources(
    columns: Mapping[str, pa.ChunkedArray],
    column: str | None,
    link: Link,
    unique_sources: bool | Collection[str],  # noqa: FBT001
) -> tuple[SourceRules, Sources] | tuple[None, None]:
    """Read the sources of records, if a column has them.

    Args:
        columns: the records.
        column: the column of their sources.
        link: which pairs are linked.
        unique_sources: the sources in which no person has two records, or whether all are such.

    Raises:
        ValueError: there is no such column or source, or the column does not hold sources.
    """
    if column is None:
        return None, None
    if column not in columns:
        msg = f"source: the records have no column {column!r}"
        raise ValueError(msg)
    encoded = pc.dictionary_encode(pa.chunked_array(columns[column]).combine_chunks())
    names = tuple(encoded.dictionary.to_pylist())
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    if len(names) > max(_FEW, _MOST_SHARE * len(codes)):
        msg = (
            f"source: {column!r} has {len(names):,} values in {len(codes):,} records, so it does "
            "not hold sources; name another column"
        )
        raise ValueError(msg)
    if len(names) < 2 <= len(codes):  # noqa: PLR2004  (two sources make a pair)
        what = f"the column {column!r} has only one value" if names else f"{column!r} is empty"
        if link == "link_only":
            msg = f"source: {what}, so there is nothing to link; name another column"
            raise ValueError(msg)
        warnings.warn(f"source: {what}; name another column or leave it out", stacklevel=3)
    if isinstance(unique_sources, bool):
        unique = names if unique_sources else ()
    else:
        unique = (unique_sources,) if isinstance(unique_sources, str) else tuple(unique_sources)
    if unknown := [name for name in unique if name not in names]:
        shown = ", ".join(map(repr, names[:_SHOWN]))
        msg = f"unique_sources: {column!r} has no value {unknown[0]!r}; it has {shown}"
        raise ValueError(msg)
    is_unique = np.isin(np.array(names, object), np.array(unique, object)).astype(bool)
    sources = Sources(names=names, codes=codes, unique=is_unique, across_only=link == "link_only")
    return SourceRules(column, link, unique), sources


def joined(tables: Mapping[str, Records], id_column: str | None) -> pa.Table:
    """Return the records of several tables as one, with their sources and distinct ids.

    Raises:
        TypeError: tables are no mapping, or one of them cannot be read.
        ValueError: a table cannot be read; the message names it.
    """
    if not hasattr(tables, "items") or len(tables) < 2:  # noqa: PLR2004  (two sources make a pair)
        msg = "tables are a mapping of at least two tables by the names of their sources"
        raise TypeError(msg)
    parts = []
    for name, table in tables.items():
        try:
            ids, columns = read(table, id_column)
        except (TypeError, ValueError) as error:
            msg = f"table {name!r}: {error}"
            raise type(error)(msg) from error
        if taken := {SOURCE, ID} & columns.keys():
            msg = f"table {name!r} has a column {min(taken)!r}; rename it"
            raise ValueError(msg)
        prefixed = pc.binary_join_element_wise(f"{name}/", ids.cast(pa.string()), "")
        source = pa.array([name] * len(ids), pa.string())
        parts.append(pa.table({ID: prefixed, SOURCE: source, **columns}))
    return pa.concat_tables(parts, promote_options="default")
