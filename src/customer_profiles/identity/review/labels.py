"""Labels: pairs of records, by their ids, that people say match or do not match."""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections import defaultdict, deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

import numpy as np
import pyarrow as pa

from customer_profiles.identity.preparing.normalize import pc

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from customer_profiles.identity.arrays import Mask, Rows

    LabelTuple: TypeAlias = "tuple[Hashable, Hashable, bool | None]"

_HEADER = ("left", "right", "match")
_WRITTEN = {True: "y", False: "n", None: "u"}
_READ = {
    **dict.fromkeys(("y", "yes", "1", "true", "match"), True),
    **dict.fromkeys(("n", "no", "0", "false", "distinct"), False),
    **dict.fromkeys(("u", "unsure", ""), None),
}


class Label(NamedTuple):
    """Two records, and whether they belong to one person."""

    left: str
    """The id of a record, as text."""
    right: str
    """The id of the other record, as text."""
    match: bool | None
    """Whether both belong to one person; None if that cannot be said."""


class LabelError(ValueError):
    """Labels that contradict each other or the sources, or that cannot be read."""


class Labels:
    """Labelled pairs; a label of a pair replaces an earlier one of the same pair.

    A label is also a link: `resolve` never separates records of a match, and never joins those of
    a label that says no match. Ids are compared as text, so that labels read from a file fit ids
    that are numbers.
    """

    def __init__(self, labels: Iterable[LabelTuple] = ()) -> None:
        """Make labels from tuples of two ids and whether the pair matches.

        Raises:
            LabelError: a label is not such a tuple, or labels a record with itself.
        """
        self._labels: dict[frozenset[str], Label] = {}
        for label in labels:
            self.add(*_checked(label))

    @classmethod
    def of(cls, labels: Labels | Iterable[LabelTuple]) -> Labels:
        """Return labels as they are, or made from tuples."""
        return labels if isinstance(labels, Labels) else cls(labels)

    def add(self, left: Hashable, right: Hashable, match: bool | None) -> None:  # noqa: FBT001
        """Add the label of a pair, which replaces an earlier one.

        Raises:
            LabelError: both ids are the same.
        """
        label = Label(str(left), str(right), match)
        if label.left == label.right:
            msg = f"labels: {label.left!r} is labelled with itself; a label names two records"
            raise LabelError(msg)
        self._labels.pop(frozenset(label[:2]), None)
        self._labels[frozenset(label[:2])] = label

    def __iter__(self) -> Iterator[Label]:
        return iter(list(self._labels.values()))

    def __len__(self) -> int:
        return len(self._labels)

    def __contains__(self, pair: tuple[Hashable, Hashable]) -> bool:
        return frozenset(map(str, pair)) in self._labels

    def __repr__(self) -> str:
        """Describe the labels without ids, which may be e-mail addresses."""
        matches = sum(label.match is True for label in self)
        others = sum(label.match is False for label in self)
        return f"Labels({matches} matches, {others} others, {len(self) - matches - others} unsure)"

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Labels:
        """Read a CSV file with the columns left, right and match (y, n or u).

        Raises:
            LabelError: the file has other columns or values.
            OSError: the file cannot be read.
        """
        labels = cls()
        with Path(path).open(encoding="utf-8-sig", newline="") as text:
            rows = csv.DictReader(text)
            if missing := set(_HEADER) - set(rows.fieldnames or _HEADER):
                msg = f"{path} has no column {min(missing)!r}; labels have {', '.join(_HEADER)}"
                raise LabelError(msg)
            for row in rows:
                answer = (row["match"] or "").strip().lower()
                if answer not in _READ or not row["left"] or not row["right"]:
                    msg = f"{path}, line {rows.line_num}: write two ids and y, n or u"
                    raise LabelError(msg)
                labels.add(row["left"], row["right"], _READ[answer])
        return labels

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file, which is complete or unchanged whatever happens meanwhile.

        Raises:
            OSError: the file cannot be written.
        """
        target = Path(path)
        part = target.with_name(f"{target.name}.part")
        try:
            with part.open("w", encoding="utf-8", newline="") as text:
                rows = csv.writer(text, lineterminator="\n")
                rows.writerow(_HEADER)
                rows.writerows((left, right, _WRITTEN[match]) for left, right, match in self)
                text.flush()
                os.fsync(text.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def check(self) -> Self:
        """Return these labels if they do not contradict each other.

        Raises:
            LabelError: a pair that is labelled as no match is joined by other labels.
        """
        joined: dict[str, list[str]] = defaultdict(list)
        for left, right, match in self:
            if match:
                joined[left].append(right)
                joined[right].append(left)
        people = _people(joined)
        for left, right, match in self:
            if match is False and left in people and people[left] == people.get(right):
                msg = (
                    f"labels contradict each other: {left!r} and {right!r} are no match, but "
                    f"{_chain(_path(joined, left, right))} match; correct one of these labels"
                )
                raise LabelError(msg)
        return self

    def rows(self, ids: pa.Array) -> tuple[Rows, Rows, Mask]:
        """Return the lower and the higher row of each pair of records, and whether it matches.

        Labels of records that are not there are left out, as are those that are unsure.

        Args:
            ids: the ids of the records.

        Raises:
            LabelError: labels contradict each other, or no label is of these records.
        """
        labels = [label for label in self.check() if label.match is not None]
        rows = _rows_of(labels, ids)
        is_there = (rows >= 0).all(axis=1)
        if labels and not is_there.any():
            msg = (
                f"labels: the records have no ids such as {labels[0].left!r} and "
                f"{labels[0].right!r}; labels name records by their id_column"
            )
            raise LabelError(msg)
        if not is_there.all():
            row = int(np.flatnonzero(~is_there)[0])
            unknown = labels[row].left if rows[row, 0] < 0 else labels[row].right
            warnings.warn(
                f"{int((~is_there).sum())} labels are not used, because the records have no such "
                f"ids as {unknown!r}",
                stacklevel=3,
            )
        is_match = np.array([label.match for label in labels], bool)[is_there]
        rows = np.sort(rows[is_there], axis=1)
        order = np.lexsort((rows[:, 1], rows[:, 0]))
        return rows[order, 0], rows[order, 1], is_match[order]

    def unsure_rows(self, ids: pa.Array) -> tuple[Rows, Rows]:
        """Return the lower and the higher row of each pair whose label is unsure."""
        rows = _rows_of([label for label in self if label.match is None], ids)
        rows = np.sort(rows[(rows >= 0).all(axis=1)], axis=1)
        return rows[:, 0], rows[:, 1]

    def consistent(self) -> Labels:
        """Return the labels without those that later ones contradict."""
        parent: dict[str, str] = {}
        apart: dict[str, set[str]] = defaultdict(set)

        def top(record: str) -> str:
            while record in parent:
                record = parent[record]
            return record

        kept = []
        for label in reversed(list(self)):
            left, right = top(label.left), top(label.right)
            if label.match is False and left != right:
                apart[left].add(right)
                apart[right].add(left)
            elif label.match and left != right and right not in apart[left]:
                parent[right] = left
                for other in apart.pop(right, ()):
                    apart[other].discard(right)
                    apart[other].add(left)
                    apart[left].add(other)
            elif not (label.match and left == right):
                continue
            kept.append(label)
        return Labels(reversed(kept))


def append(path: str | os.PathLike[str], label: Label) -> None:
    """Append a label to a file, which is created if it is missing, and wait until it is stored.

    Raises:
        OSError: the file cannot be written.
    """
    row = io.StringIO()
    rows = csv.writer(row, lineterminator="\n")
    with Path(path).open("a+b") as file:
        file.seek(0, os.SEEK_END)
        if not file.tell():
            rows.writerow(_HEADER)
        else:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                row.write("\n")
        rows.writerow((label.left, label.right, _WRITTEN[label.match]))
        file.write(row.getvalue().encode())
        file.flush()
        os.fsync(file.fileno())


def _rows_of(labels: Sequence[Label], ids: pa.Array) -> Rows:
    """Return the rows of both records of each label, -1 for records that are not there."""
    wanted = pa.array([record for label in labels for record in label[:2]], pa.string())
    found = pc.index_in(wanted, value_set=ids.cast(pa.string()))
    rows = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.asarray(rows.reshape(-1, 2))


def _checked(label: Any) -> LabelTuple:
    if isinstance(label, str) or not hasattr(label, "__len__") or len(label) != len(_HEADER):
        msg = f"labels: {label!r} is not a tuple of two ids and True, False or None"
        raise LabelError(msg)
    left, right, match = label
    if match is not None and type(match).__name__ not in {"bool", "bool_"}:
        msg = f"labels: whether {left!r} and {right!r} match is True, False or None, not {match!r}"
        raise LabelError(msg)
    return left, right, None if match is None else bool(match)


def _people(joined: dict[str, list[str]]) -> dict[str, str]:
    """Return one record of the person of each record that labels join."""
    people: dict[str, str] = {}
    for start in joined:
        if start not in people:
            people[start] = start
            left = [start]
            while left:
                fresh = [other for other in joined[left.pop()] if other not in people]
                people |= dict.fromkeys(fresh, start)
                left += fresh
    return people


def _path(joined: dict[str, list[str]], left: str, right: str) -> list[str]:
    """Return the shortest chain of joined records from one to the other."""
    before = {left: left}
    queue = deque([left])
    while right not in before:
        record = queue.popleft()
        for other in joined[record]:
            if other not in before:
                before[other] = record
                queue.append(other)
    path = [right]
    while path[-1] != left:
        path.append(before[path[-1]])
    return path[::-1]


def _chain(path: Sequence[str]) -> str:
    return " = ".join(map(repr, path))
