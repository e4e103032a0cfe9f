"""Read customers from the rows of a table: columns become fields, and values are cleaned."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from customer_profiles import AddressFields, InvalidInputError, ProfileFields, _wire
from customer_profiles._hints.nearest import listed, nearest
from customer_profiles.engine.ingestion.profile_members import Plan, member_named, plan
from customer_profiles.identity.preparing import headers

from . import values
from .values import DAMAGED, PLACEHOLDER, clean, enum_of, is_plain, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Mapping as Dictionary

    from customer_profiles.files import Row

    from .values import Kind

_ADDRESSES = ("address", "shipping_address", "mailing_address", "billing_address")
_MEMBERS = tuple(AddressFields.__annotations__)
_TEXTS = tuple(
    name
    for name in ProfileFields.__annotations__
    if name not in (*_ADDRESSES, "attributes", "engagement_preferences")
)
_FIELDS = (*_TEXTS, *(f"{address}.{member}" for address in _ADDRESSES for member in _MEMBERS))
_EMAILS = ("email_address", "personal_email_address", "business_email_address")
_PHONES = ("phone_number", "mobile_phone_number", "home_phone_number", "business_phone_number")
_CONTACTS = {"email": _EMAILS, "phone": _PHONES}
_OF_LABELS = {
    "email": {"home": _EMAILS[1], "work": _EMAILS[2]},
    "phone": {"mobile": _PHONES[1], "home": _PHONES[2], "work": _PHONES[3]},
}
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(_EMAILS, "email"),
    **dict.fromkeys(_PHONES, "phone"),
    "account_number": "identifier",
    "birth_date": "date",
    "first_name": "name",
    "middle_name": "name",
    "last_name": "name",
    "full_name": "name",
    "business_name": "name",
    "address1": "street",
    "postal_code": "postal",
}
_ENUMS = {"gender": "gender", "gender_string": "gender", "party_type": "party_type"}
_LONGEST = 255
_CLOSEST, _GUESSES = 0.4, 3
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,200}\.\w{1,20}")
_HELD = "{} is in another column"


class Left(NamedTuple):
    """A value that is not loaded."""

    column: str
    value: str
    reason: str
    field: str = ""
    """The field that the value would have been in."""


class Record(NamedTuple):
    """A row as a customer."""

    line: int
    fields: ProfileFields
    """The customer's fields; empty if the row is rejected."""
    problem: str
    """The reason why the row is rejected."""
    cells: Sequence[str]
    """The row as it is in the file."""
    left: Sequence[Left] = ()
    """The values that are not loaded although their columns are."""


class _Column(NamedTuple):
    position: int
    name: str
    field: str
    """The field, such as `email_address` or `address.city`; `full_name` is split."""
    kind: Kind
    is_strict: bool
    """Whether `--map` names it, so that a wrong value is the row's fault."""
    is_named: bool
    """Whether the column has the field's name, so that the service judges its values."""


_Parts: TypeAlias = dict[str, tuple[_Column, str]]
"""The parts of an address by member, each with its column."""


class _Contact(NamedTuple):
    column: _Column
    label: int
    """The index of the column with the value's kind; -1 if there is none."""
    is_main: bool
    """Whether the column belongs to the main field."""


class _Value(NamedTuple):
    column: _Column
    text: str
    target: str
    is_labelled: bool
    """Whether another column says its kind."""


class _Address(NamedTuple):
    kind: str
    """The address that the columns name; empty if they name none."""
    columns: list[_Column]
    label: int


@dataclass(frozen=True)
class Mapping:
    """What to do with the columns of a table."""

    columns: dict[str, str]
    """The fields of columns by their names; where several have one field, the first."""
    header: list[str]
    """All columns, in the order of the file."""
    strict: frozenset[str] = frozenset()
    """The columns that `--map` names."""
    excluded: frozenset[str] = frozenset()
    """The columns that `--map` leaves out."""
    named: frozenset[str] = frozenset()
    """The columns that have the name of their field."""
    plan: Plan = field(default_factory=lambda: Plan({}))
    seen: set[str] = field(default_factory=set)
    """The columns without a field that have a value in a row that was read."""

    @property
    def further(self) -> dict[str, str]:
        """The fields of columns that stand in for others or have further values, by name."""
        return {
            name: _field_name(member)
            for name, member in self.plan.further.items()
            if name not in self.excluded and name not in self.columns
        }

    @property
    def used(self) -> dict[str, str]:
        """The fields of all columns that are loaded, in the order of the file."""
        further = self.further
        return {
            name: found
            for name in self.header
            if (found := self.columns.get(name) or further.get(name))
        }

    @property
    def unmapped(self) -> list[str]:
        """The columns that are not loaded."""
        used, labels = self.used, set(self.plan.labels.values())
        return [name for name in self.header if name not in used and name not in labels]

    def reason(self, column: str) -> str:
        """Return why a column is not loaded."""
        if column in self.excluded:
            return "left out by --map"
        if column in self.plan.fax_numbers:
            return "a profile has no field for fax numbers"
        if column in self.plan.ids:
            return f"an id; --map '{column}=account_number' loads it"
        noun = headers.read(column).noun
        return "it says nothing about the person" if noun == "other" else "it is not recognised"

    def records(self, rows: Iterable[Row]) -> Iterator[Record]:
        """Yield each row as a customer, or with the reason why it is rejected."""
        reader = _Reader(self)
        unseen = [
            (index, name)
            for index, name in enumerate(self.header)
            if name not in reader.names and name not in self.seen
        ]
        for line, cells, problem, extra in rows:
            if problem:
                yield Record(line, {}, problem, cells)
                continue
            if unseen and (new := {name for index, name in unseen if cells[index]}):
                self.seen.update(new)
                unseen = [item for item in unseen if item[1] not in new]
            yield reader.read(line, cells, extra)

    def in_columns(self, reason: str) -> str:
        """Return an error message with the column of each field that it names."""
        reason = reason.rpartition(" was not sent: ")[2]
        for column, name in self.columns.items():
            if name in reason:
                label = f"{column!r} ({name})".replace("\\", r"\\")
                reason = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", label, reason)
        return reason


class _Wrong(Exception):  # noqa: N818  (it never leaves this module)
    """A value of a strict column is wrong."""


class _Reader:
    """Reads rows by one mapping, whose columns it has found once."""

    def __init__(self, mapping: Mapping) -> None:
        index = {name: number for number, name in enumerate(mapping.header)}
        used, layout = mapping.used, mapping.plan
        labels = {name: index[label] for name, label in layout.labels.items()}
        rank = {name: number for number, name in enumerate([*mapping.columns, *layout.further])}
        self.names = set(used) | set(layout.labels.values())
        self._width = len(mapping.header)
        self._contacts: dict[str, list[_Contact]] = {"email": [], "phone": []}
        self._texts: dict[str, list[_Column]] = {}
        self._addresses: list[_Address] = []
        self._fixed: list[_Column] = []
        groups: dict[tuple[str, str], _Address] = {}
        for name in sorted(used, key=lambda name: rank[name]):
            path = used[name]
            top, _, member = path.partition(".")
            column = _Column(
                index[name],
                name,
                path,
                _KINDS.get(member or top, "text"),
                name in mapping.strict,
                name in mapping.named,
            )
            label = labels.get(name, -1)
            if name in mapping.strict and path not in _EMAILS + _PHONES:
                self._fixed.append(column)
            elif path in _EMAILS + _PHONES:
                kind = "email" if path in _EMAILS else "phone"
                is_main = path in {_EMAILS[0], _PHONES[0]}
                self._contacts[kind].append(_Contact(column, label, is_main))
            elif top in _ADDRESSES:
                group = (top, layout.groups.get(name, ""))
                found = groups.setdefault(
                    group, _Address("" if top == "address" else top, [], label)
                )
                found.columns.append(column)
            else:
                self._texts.setdefault(path, []).append(column)
        self._addresses = list(groups.values())
        for address in self._addresses:
            # A street and its house number are joined in the order of the file.
            address.columns.sort(key=lambda column: column.position)
        self._houses = {index[name] for name in layout.house_numbers if name in index}

    def read(self, line: int, cells: list[str], extra: Sequence[tuple[str, str]]) -> Record:
        left: list[Left] = []
        if extra and any(name.startswith("cell ") for name, _ in extra):
            # Its values may be in wrong columns, as after a delimiter that is not quoted.
            count = self._width + len(extra)
            reason = f"the row has {count} columns, the header has {self._width}"
            return Record(line, {}, reason, [*cells, *(value for _, value in extra)])
        left += [Left(name, value, "the header has no such column") for name, value in extra]
        found: dict[str, Any] = {}
        try:
            self._put_all(found, cells, left)
        except _Wrong as error:
            return Record(line, {}, str(error), cells, left)
        problem = "" if found else "the row has no value in any mapped column"
        if left and not found:
            problem += f" ({left[0].column}: {left[0].reason})"
        return Record(line, cast("ProfileFields", found), problem, cells, left)

    def _put_all(self, found: dict[str, Any], cells: list[str], left: list[Left]) -> None:
        for column in self._fixed:
            self._put_fixed(found, column, cells, left)
        for name, columns in self._texts.items():
            if name != "full_name":
                self._put_text(found, name, columns, cells, left)
        if "full_name" in self._texts:
            self._put_full_name(found, cells, left)
        for kind, contacts in self._contacts.items():
            if contacts:
                self._put_contacts(found, kind, contacts, cells, left)
        if self._addresses:
            self._put_addresses(found, cells, left)

    def _cleaned(
        self, column: _Column, text: str, left: list[Left], kind: Kind | None = None
    ) -> str:
        """Return a cleaned value; empty if it cannot be used, which is then said."""
        if is_plain(text, kind or column.kind):
            return text
        value, problem = clean(text, kind or column.kind)
        if not problem and len(value) > _LONGEST and not (column.is_strict or column.is_named):
            value, problem = "", f"it has more than {_LONGEST} characters"
        if problem and column.is_named and problem not in {DAMAGED, PLACEHOLDER}:
            return text.strip()
        if problem:
            if column.is_strict and problem != PLACEHOLDER:
                msg = f"{column.name!r} ({column.field}): {problem}"
                raise _Wrong(msg)
            left.append(Left(column.name, text.strip(), problem, column.field))
        return value

    def _put_fixed(
        self, found: dict[str, Any], column: _Column, cells: list[str], left: list[Left]
    ) -> None:
        top, _, member = column.field.partition(".")
        text = cells[column.position]
        is_free = top == "attributes"
        value = values.unguarded_cell(text) if is_free else self._cleaned(column, text, left)
        if not value:
            return
        if member:
            found.setdefault(top, {})[member] = value
        elif column.field in _ENUMS:
            self._put_enum(found, column.field, value)
        else:
            found[top] = value

    def _put_text(
        self,
        found: dict[str, Any],
        name: str,
        columns: list[_Column],
        cells: list[str],
        left: list[Left],
    ) -> None:
        for column in columns:
            text = cells[column.position]
            if not text or not (value := self._cleaned(column, text, left)):
                continue
            if name in _ENUMS:
                if name in found or f"{_ENUMS[name]}_string" in found:
                    continue
                self._put_enum(found, name, value)
            elif name == "profile_type" and not column.is_strict:
                left.append(Left(column.name, value, "it is set by --map alone"))
            elif name not in found:
                found[name] = value
            elif name == "last_name" and _SECOND.search(headers.fold(column.name)):
                found[name] += f" {value}"
            elif found[name].casefold() != value.casefold():
                left.append(Left(column.name, value, _HELD.format(name)))

    def _put_enum(self, found: dict[str, Any], name: str, value: str) -> None:
        kind = _ENUMS[name]
        if (known := enum_of(kind, value)) is not None:
            found[kind] = known
        else:
            found[f"{kind}_string"] = value

    def _put_full_name(self, found: dict[str, Any], cells: list[str], left: list[Left]) -> None:
        columns = self._texts["full_name"]
        has_parts = "first_name" in found or "last_name" in found
        first = ""
        for column in columns:
            text = cells[column.position]
            if not text or not (value := self._cleaned(column, text, left)):
                continue
            if not first and not has_parts:
                first = value
                rest = self._second_name(columns, cells, value)
                if values.is_company(value):
                    found.setdefault("business_name", value)
                elif rest:
                    found["first_name"], found["last_name"] = rest, value
                else:
                    parts = zip(_NAMES, values.split_name(value), strict=True)
                    found.update({name: part for name, part in parts if part})
                if rest:
                    return
                continue
            if values.is_company(value) and "business_name" not in found:
                found["business_name"] = value
            elif not _is_same_name(value, found):
                left.append(Left(column.name, value, _HELD.format("the name")))

    def _second_name(self, columns: list[_Column], cells: list[str], value: str) -> str:
        """Return the given name where `Name 1` and `Name 2` hold the parts of one."""
        if len(columns) < 2 or not columns[0].name.rstrip().endswith("1"):  # noqa: PLR2004  (both)
            return ""
        second = cells[columns[1].position].strip()
        is_pair = second and not any(" " in text for text in (value, second))
        return second if is_pair and columns[1].name.rstrip().endswith("2") else ""

    def _put_contacts(
        self,
        found: dict[str, Any],
        kind: str,
        contacts: list[_Contact],
        cells: list[str],
        left: list[Left],
    ) -> None:
        filled = [contact for contact in contacts if cells[contact.column.position]]
        if len(filled) == 1 and filled[0].label < 0:
            column = filled[0].column
            text = cells[column.position]
            if column.field not in found and is_plain(text, column.kind):
                found[column.field] = text
                return
        main = _CONTACTS[kind][0]
        waiting: list[_Value] = []
        labelled: list[tuple[str, str]] = []
        taken: set[str] = set()
        for value in self._values(kind, filled, cells, left):
            key = _same(kind, value.text)
            if key in taken:
                # A number that the file has in two columns is in both fields.
                if not value.is_labelled:
                    found.setdefault(value.target, value.text)
                continue
            taken.add(key)
            if value.is_labelled and value.target != main:
                labelled.append((value.target, value.text))
            # The first of numbered values is the main one, whatever its kind.
            is_first = value.is_labelled and main not in found
            target = main if is_first else value.target
            if target in found:
                waiting.append(value._replace(target=target))
            else:
                found[target] = value.text
        self._put_further(found, kind, waiting, left)
        for name, text in labelled:
            found.setdefault(name, text)

    def _values(
        self, kind: str, contacts: list[_Contact], cells: list[str], left: list[Left]
    ) -> Iterator[_Value]:
        """Yield the e-mail addresses or phone numbers of a row, each with its field."""
        by_label = _OF_LABELS[kind]
        for column, label_index, is_main in contacts:
            cell = cells[column.position]
            label = cells[label_index] if label_index >= 0 and is_main else ""
            if label and "fax" in headers.fold(label):
                reason = "a profile has no field for fax numbers"
                left.append(Left(column.name, cell.strip(), reason))
                continue
            words = headers.read(label).qualifiers if label else frozenset[str]()
            own = next((by_label[word] for word in by_label if word in words), column.field)
            for part in [cell] if is_plain(cell, column.kind) else split(cell, column.kind):
                if text := self._cleaned(column, part, left):
                    yield _Value(column, text, own, label_index >= 0 and is_main)

    def _put_further(
        self, found: dict[str, Any], kind: str, waiting: list[_Value], left: list[Left]
    ) -> None:
        """Put values whose field is taken: those of no kind into any free one, others the main."""
        names = _CONTACTS[kind]
        for column, text, target, _ in waiting:
            possible = names if target == names[0] else names[:1]
            free = next((name for name in possible if name not in found), "")
            if free:
                found[free] = text
            else:
                reason = "the fields for such values are taken"
                left.append(Left(column.name, text, reason, column.field))

    def _put_addresses(self, found: dict[str, Any], cells: list[str], left: list[Left]) -> None:
        used: set[str] = set()
        for kind, columns, label_index in self._addresses:
            parts = self._parts(columns, cells, left)
            if not parts:
                continue
            words = headers.read(cells[label_index]).qualifiers if label_index >= 0 else ()
            named = next((f"{word}_address" for word in _KINDS_OF_ADDRESS if word in words), "")
            target = kind or named or "address"
            address = found.setdefault(target, {})
            if address and (target in used or any(member in address for member in parts)):
                texts = {value.casefold() for _, value in parts.values()}
                if not texts <= {value.casefold() for value in address.values()}:
                    reason = _HELD.format(target.replace("_", " "))
                    left += [Left(column.name, value, reason) for column, value in parts.values()]
                continue
            used.add(target)
            address.update({member: value for member, (_, value) in parts.items()})

    def _parts(self, columns: list[_Column], cells: list[str], left: list[Left]) -> _Parts:
        """Return the parts of an address by member, each with its column."""
        parts: _Parts = {}
        house: tuple[_Column, str] | None = None
        for column in columns:
            text = cells[column.position]
            if not text or not (value := self._cleaned(column, text, left)):
                continue
            member = column.field.partition(".")[2]
            if column.position in self._houses:
                house = column, value
            elif member not in parts:
                parts[member] = column, value
            elif parts[member][1].casefold() != value.casefold():
                left.append(Left(column.name, value, _HELD.format(member.replace("_", " "))))
        if "city" not in parts and "postal_code" in parts:
            column, text = parts["postal_code"]
            if match := _CODE_AND_CITY.fullmatch(text):
                parts["postal_code"], parts["city"] = (column, match[1]), (column, match[2])
        if house is not None:
            _add_house_number(parts, house)
        if "address1" in parts and "\n" in parts["address1"][1]:
            _split_lines(parts)
        return parts


def _add_house_number(parts: _Parts, house: tuple[_Column, str]) -> None:
    """Put a house number beside its street, in the order of the file."""
    street = parts.get("address1")
    if street is None:
        parts["address1"] = house
        return
    first, last = sorted((street, house), key=lambda part: part[0].position)
    parts["address1"] = street[0], f"{first[1]} {last[1]}"


def _split_lines(parts: _Parts) -> None:
    """Put the lines of a street into the lines of the address that are free."""
    column, text = parts["address1"]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    free = [name for name in _LINES if name == "address1" or name not in parts]
    if len(lines) > len(free):
        lines = [*lines[: len(free) - 1], ", ".join(lines[len(free) - 1 :])]
    parts.update({name: (column, line) for name, line in zip(free, lines, strict=False)})


_NAMES = ("first_name", "middle_name", "last_name")
# The second of two family names, such as `Apellido materno`.
_SECOND = re.compile("matern|segund|second")
_LINES = ("address1", "address2", "address3", "address4")
# Such as `12345 Berlin` in a column `PLZ/Ort`, but not the Dutch `1012 AB`.
_CODE_AND_CITY = re.compile(r"((?:[A-Z]{1,2}[- ])?\d{4,6}) +([^\W\d_]{3,}.{0,200})")
_KINDS_OF_ADDRESS = ("billing", "shipping", "mailing")


def _same(kind: str, value: str) -> str:
    """Return what two values of one address or number have in common."""
    if kind == "email":
        return value.casefold()
    return re.sub(r"\D", "", value).lstrip("0") or value


def _is_same_name(value: str, found: Dictionary[str, Any]) -> bool:
    """Return whether a whole name says nothing that the loaded name does not."""
    texts = [found.get(name, "") for name in (*_NAMES, "business_name")]
    words = set(re.findall(r"\w+", headers.fold(" ".join(texts))))
    name = values.split_name(value)
    return set(re.findall(r"\w+", headers.fold(" ".join(name)))) <= words


def map_columns(header: list[str], pairs: list[str]) -> Mapping:
    """Return the mapping of a header, extended by `Column=field` pairs.

    Raises:
        InvalidInputError: a pair names a column or a field that does not exist, or no column is
            mapped.
    """
    if any(map(_ADDRESS.fullmatch, header)):
        # The message quotes none of them.
        msg = "the first row holds values, not the names of columns; add a row with their names"
        raise InvalidInputError(msg)
    chosen: dict[str, str] = {}
    known = set(header)
    for pair in pairs:
        column, equals, name = pair.rpartition("=")
        if not equals:
            msg = f"--map takes Column=field; it was {pair!r}"
            raise InvalidInputError(msg)
        if column not in known:
            raise _unknown(column, header, what="column", hint=_hint(header))
        if name and name not in _FIELDS and not re.fullmatch(r"attributes\..+", name):
            raise InvalidInputError(_unknown_field(name))
        chosen[column] = name
    mapping = _mapping(header, chosen)
    counts = Counter(mapping.columns.values())
    if twice := sorted(name for name, count in counts.items() if count > 1):
        msg = f"two columns go into one field: {', '.join(twice)}; choose with --map"
        raise InvalidInputError(msg)
    if not mapping.used:
        hint = _hint(header) or (
            "name them with --map Column=field; if the first row is no header, add one"
        )
        msg = f"no column is mapped to a field; {hint}"
        raise InvalidInputError(msg)
    return mapping


def _mapping(header: list[str], chosen: dict[str, str]) -> Mapping:
    """Return the mapping by what the user chose, by names of fields, and by meaning."""
    named: dict[str, str] = {}
    for column in header:
        name = _field_of(column)
        if name and column not in chosen and name not in named.values():
            named[column] = name
    known = {
        column: _member_of(name)
        for column, name in {**named, **chosen}.items()
        if name and not name.startswith("attributes.")
    }
    layout = plan([column for column in header if column not in chosen or chosen[column]], known)
    columns = {
        column: chosen.get(column) or named.get(column) or _field_name(layout.members[column])
        for column in header
        if chosen.get(column) or (column in layout.members and column not in chosen)
    }
    return Mapping(
        columns,
        header,
        strict=frozenset(column for column, name in chosen.items() if name),
        excluded=frozenset(column for column, name in chosen.items() if not name),
        named=frozenset(named),
        plan=layout,
    )


def _field_name(member: str) -> str:
    return ".".join(map(_wire.field_name, member.split(".")))


def _member_of(name: str) -> str:
    return ".".join(part.title().replace("_", "") for part in name.split("."))


def _field_of(column: str) -> str | None:
    """Return the field that a header names, in any case and with any separators."""
    member = member_named(column)
    return member and _field_name(member)


def _hint(header: list[str]) -> str:
    """Return a hint at the delimiter, if the header is one column."""
    if len(header) == 1:
        return "the header is one column; if it should be several, give their --delimiter"
    return ""


def _unknown_field(name: str) -> str:
    """Describe a field that does not exist, with those that may be meant, and attributes."""
    top, _, member = name.rpartition(".")
    if top in _ADDRESSES:
        close = [f"{top}.{other}" for other in nearest(member, _MEMBERS)]
    elif top and nearest(top, ["attributes"]):
        close = [f"attributes.{member}"]
    else:
        close = nearest(name, _TEXTS)
        close = close or [f"{_ADDRESSES[0]}.{other}" for other in nearest(name, _MEMBERS)]
    names = f"{_ADDRESSES[0]}.{_MEMBERS[0]}", *_TEXTS
    hint = f"did you mean {' or '.join(close)}?" if close else f"fields are {listed(names)};"
    free = re.sub(r"\W+", "_", name).strip("_") or "name"
    return (
        f"there is no field {name!r}; {hint} attributes.<name>, such as attributes.{free}, takes "
        "any other value"
    )


def _unknown(name: str, known: list[str], *, what: str, hint: str = "") -> InvalidInputError:
    close = difflib.get_close_matches(name, known, n=_GUESSES, cutoff=_CLOSEST)
    guess = f"did you mean {' or '.join(close)}?" if close else f"known are {listed(known)}"
    return InvalidInputError(f"there is no {what} {name!r}; {hint or guess}")
