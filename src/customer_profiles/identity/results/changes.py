"""Group ids that last from run to run, and what changed between two runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar, get_args

import numpy as np
import pyarrow as pa

from customer_profiles.identity.matching.clusters import components

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from customer_profiles.identity.arrays import Integers

ChangeKind: TypeAlias = Literal[
    "created", "grown", "shrunk", "merged", "split", "regrouped", "removed"
]
KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)
_UNCHANGED = len(KINDS)
_ID_BYTES = 10
_SHOWN = 5
_Item = TypeVar("_Item")


def group_id(records: Iterable[Hashable]) -> str:
    """Return the id of a group: a hash of its smallest record id, as text."""
    return _hashed(min(map(str, records)))


def _hashed(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_ID_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one group, or of several groups that exchanged records."""

    kind: ChangeKind
    groups: tuple[str, ...]
    """The ids of the groups that result."""
    before: tuple[str, ...]
    """The ids of the groups that there were."""
    joined: tuple[Any, ...] = ()
    """The ids of records that were in no group, and are in one now."""
    left: tuple[Any, ...] = ()
    """The ids of records that were in a group, and are in none now."""

    def __str__(self) -> str:
        sides = [" and ".join(ids) for ids in (self.before, self.groups) if ids]
        parts = [f"{self.kind}: {' -> '.join(dict.fromkeys(sides))}"]
        for sign, records in (("+", self.joined), ("-", self.left)):
            if records:
                parts.append(sign + f" {sign}".join(map(str, records)))
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Changes:
    """How the groups of two or more records differ from those of an earlier run."""

    created: tuple[Change, ...] = ()
    """Groups of records that were in no group."""
    grown: tuple[Change, ...] = ()
    """Groups that only gained records."""
    shrunk: tuple[Change, ...] = ()
    """Groups that only lost records, which are alone now or no longer exist."""
    merged: tuple[Change, ...] = ()
    """Several groups that are one now."""
    split: tuple[Change, ...] = ()
    """Groups that are several now."""
    regrouped: tuple[Change, ...] = ()
    """Groups that exchanged records, or that gained records and lost others."""
    removed: tuple[Change, ...] = ()
    """Groups none of whose records are in a group now."""
    unchanged: int = 0
    """The number of groups that are as they were."""

    def __bool__(self) -> bool:
        return any(self.counts.values())

    def __iter__(self) -> Iterator[Change]:
        for kind in KINDS:
            yield from getattr(self, kind)

    @property
    def counts(self) -> dict[ChangeKind, int]:
        """The number of changes of each kind."""
        return {kind: len(getattr(self, kind)) for kind in KINDS}

    def text(self, most: int = _SHOWN) -> str:
        """Return the changes as lines of text.

        Args:
            most: the greatest number of changes of each kind to list.
        """
        lines = [counted(self.counts, self.unchanged)]
        for kind in KINDS:
            changes = getattr(self, kind)
            lines += [f"  {change}" for change in changes[:most]]
            if len(changes) > most:
                lines.append(f"  {kind}: {len(changes) - most:,} more")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


def counted(counts: Mapping[ChangeKind, int], unchanged: int) -> str:
    """Return the numbers of changes in words, such as `2 created, 1 grown, 40 unchanged`."""
    parts = [f"{count:,} {kind}" for kind, count in counts.items() if count]
    return ", ".join([*parts, f"{unchanged:,} unchanged"])


@dataclass(frozen=True, slots=True, repr=False)
class Membership(Mapping[Hashable, str]):
    """The group id of each record, by record id; records that are alone have an id, too.

    Store it with `to_json` or `to_arrow`, and pass it to the next run: `changes_since` compares
    with it, and groups keep their ids.
    """

    _group_of: Mapping[Hashable, str] = field(default_factory=dict)

    def __getitem__(self, record: Hashable) -> str:
        return self._group_of[record]

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._group_of)

    def __len__(self) -> int:
        return len(self._group_of)

    def __repr__(self) -> str:
        return f"Membership(records={len(self)}, groups={len(set(self.values()))})"

    def changes_since(self, previous: Mapping[Hashable, Hashable]) -> Changes:
        """Return how the groups differ from those of an earlier run.

        Args:
            previous: the group id of each record in the earlier run.

        Raises:
            ValueError: both have records, but none in common.
        """
        _check_common(self, previous)
        records = list(dict.fromkeys([*self, *previous]))
        now, now_ids = _numbered([self._group_of.get(record) for record in records])
        before, before_ids = _numbered([previous.get(record) for record in records])
        found = compare(before, now)
        changed = [number for number, kind in enumerate(found.kind) if kind != _UNCHANGED]
        old, new = _by_change(found.of_before, before_ids), _by_change(found.of_now, now_ids)

        def moved(inside: Integers, outside: Integers, of: Integers) -> dict[int, list[Hashable]]:
            """Return by change the records that are in a group on one side only."""
            rows = np.flatnonzero((inside >= 0) & (outside < 0))
            return _by_change(of[inside[rows]], [records[row] for row in rows.tolist()])

        joined = moved(now, before, found.of_now)
        left = moved(before, now, found.of_before)
        by_kind: dict[str, list[Change]] = {kind: [] for kind in KINDS}
        for number in changed:
            kind = KINDS[found.kind[number]]
            change = Change(
                kind,
                tuple(new.get(number, ())),
                tuple(old.get(number, ())),
                tuple(joined.get(number, ())),
                tuple(left.get(number, ())),
            )
            by_kind[kind].append(change)
        made = {kind: tuple(changes) for kind, changes in by_kind.items()}
        return Changes(**made, unchanged=int((found.kind == _UNCHANGED).sum()))

    def to_json(self) -> str:
        """Return the membership as JSON: the record ids of each group.

        Raises:
            TypeError: record ids are neither text nor numbers; use `to_arrow`.
        """
        groups: dict[str, list[Hashable]] = {}
        for record, group in self.items():
            groups.setdefault(group, []).append(record)
        return json.dumps({"groups": groups}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Membership:
        """Read what `to_json` wrote.

        Raises:
            ValueError: the text is something else.
        """
        stored = json.loads(text)
        groups = stored.get("groups") if isinstance(stored, dict) else None
        if not isinstance(groups, dict) or not all(
            isinstance(ids, list) for ids in groups.values()
        ):
            msg = "this is not a membership; write it with to_json()"
            raise ValueError(msg)
        return cls({record: group for group, records in groups.items() for record in records})

    def to_arrow(self) -> pa.Table:
        """Return the membership as a table with the columns `record` and `group`."""
        return pa.table({
            "record": pa.array(list(self)),
            "group": pa.array(list(self.values()), pa.string()),
        })  # fmt: skip

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Membership:
        """Read what `to_arrow` returned, or another table with these columns.

        Raises:
            ValueError: the table lacks a column.
        """
        if missing := {"record", "group"} - set(table.column_names):
            msg = f"the table has no column {min(missing)!r}"
            raise ValueError(msg)
        groups = map(str, table["group"].to_pylist())
        return cls(dict(zip(table["record"].to_pylist(), groups, strict=True)))


def membership(
    ids: Sequence[Hashable],
    label: Integers,
    previous: Mapping[Hashable, Hashable] | None = None,
) -> Membership:
    """Return the group id of each record.

    A group is named by its smallest record id. With a previous run, it keeps the id of the
    previous group with which it has the most records in common, unless another group has more.

    Args:
        ids: the records' ids.
        label: the number of each record's group.
        previous: the group id of each record in the previous run.

    Raises:
        ValueError: `previous` has records, but none of these.
    """
    texts, labels = list(map(str, ids)), label.tolist()
    smallest: dict[int, str] = {}
    for group, text in zip(labels, texts, strict=True):
        if group not in smallest or text < smallest[group]:
            smallest[group] = text
    names = {group: _hashed(text) for group, text in smallest.items()}
    if previous:
        _check_common(dict.fromkeys(ids), previous)
        # Groups are numbered by name, so that the same ones win ties in any order of the records.
        used = sorted(set(map(str, previous.values())))
        old = {name: number for number, name in enumerate(used)}
        groups = sorted(smallest, key=smallest.__getitem__)
        new = {group: number for number, group in enumerate(groups)}
        before = [old[str(previous[record])] if record in previous else -1 for record in ids]
        kept = continued(np.array(before, np.int64), np.array([new[group] for group in labels]))
        for group, number in zip(groups, kept, strict=True):
            if number >= 0:
                names[group] = used[number]
                continue
            # An id of the previous run never names a group of other records.
            while names[group] in old:
                names[group] = _hashed(names[group] + smallest[group])
    return Membership({record: names[group] for record, group in zip(ids, labels, strict=True)})


def continued(before: Integers, now: Integers) -> list[int]:
    """Return for each group of a grouping the previous group that it continues, or -1.

    That is the one with which it has the most records in common, unless another group has more.

    Args:
        before: the number of each record's previous group, or -1; lower numbers win ties.
        now: the number of each record's group, counted from 0 without gaps, or -1.
    """
    size = int(now.max(initial=-1)) + 1
    both = (before >= 0) & (now >= 0)
    pairs, shared = np.unique(before[both] * size + now[both], return_counts=True)
    pairs = pairs[np.argsort(-shared, kind="stable")]
    kept, taken = [-1] * size, set()
    for pair in pairs.tolist():
        old, new = divmod(pair, size)
        if kept[new] < 0 and old not in taken:
            kept[new] = old
            taken.add(old)
    return kept


def _by_change(changes: Integers, items: Sequence[_Item]) -> dict[int, list[_Item]]:
    found: dict[int, list[_Item]] = {}
    for change, item in zip(changes.tolist(), items, strict=True):
        found.setdefault(change, []).append(item)
    return found


def _check_common(records: Mapping[Hashable, object], previous: Mapping[Hashable, object]) -> None:
    if records and previous and records.keys().isdisjoint(previous):
        types = [type(next(iter(ids))).__name__ for ids in (previous, records)]
        msg = (
            "previous has none of these records; compare results of the same records with the "
            f"same id_column (ids are {types[0]} there, and {types[1]} here)"
        )
        raise ValueError(msg)


def _numbered(groups: Sequence[Hashable | None]) -> tuple[NDArray[np.int64], list[str]]:
    """Number the groups of two or more records; return each record's number, or -1, and the ids."""
    sizes = Counter(group for group in groups if group is not None)
    several = [group for group, size in sizes.items() if size > 1]
    number = {group: position for position, group in enumerate(several)}
    rows = np.array([-1 if group is None else number.get(group, -1) for group in groups], np.int64)
    return rows, list(map(str, number))


class Regrouping(NamedTuple):
    """Two groupings of the same records, compared: groups that share records change together."""

    kind: NDArray[np.int64]
    """The position in `KINDS` of each change, or their number for what is unchanged."""
    of_before: NDArray[np.int64]
    """The change of each group of the first grouping."""
    of_now: NDArray[np.int64]
    """The change of each group of the second grouping."""

    @property
    def counts(self) -> dict[ChangeKind, int]:
        """The number of changes of each kind."""
        numbers = np.bincount(self.kind, minlength=_UNCHANGED + 1).tolist()
        return dict(zip(KINDS, numbers, strict=False))

    @property
    def unchanged(self) -> int:
        """The number of groups that both groupings have."""
        return int((self.kind == _UNCHANGED).sum())


def compare(before: Integers, now: Integers) -> Regrouping:
    """Compare two groupings of the same records.

    Args:
        before: the number of each record's group, counted from 0 without gaps; -1 if it is alone.
        now: the same of the second grouping.
    """
    old, new = int(before.max(initial=-1)) + 1, int(now.max(initial=-1)) + 1
    both = (before >= 0) & (now >= 0)
    component = components(old + new, before[both], now[both] + old)
    roots, of = np.unique(component, return_inverse=True)
    of_before, of_now = of[:old], of[old:]
    size = len(roots)

    def count(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(numbers, minlength=size)

    olds, news = count(of_before), count(of_now)
    joined = count(of_now[now[(now >= 0) & (before < 0)]]) > 0
    left = count(of_before[before[(before >= 0) & (now < 0)]]) > 0
    conditions: list[tuple[ChangeKind, NDArray[np.bool_]]] = [
        ("created", olds == 0), ("removed", news == 0),
        ("merged", (olds > 1) & (news == 1)), ("split", (olds == 1) & (news > 1)),
        ("regrouped", ((olds > 1) & (news > 1)) | (joined & left)),
        ("grown", joined), ("shrunk", left),
    ]  # fmt: skip
    kind = np.select([rows for _, rows in conditions],
                     [KINDS.index(name) for name, _ in conditions], _UNCHANGED)  # fmt: skip
    return Regrouping(kind, of_before, of_now)
