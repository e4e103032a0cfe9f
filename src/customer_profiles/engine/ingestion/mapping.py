"""Mappings: an object type's fields and keys, compiled to read values from objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from customer_profiles import _standard_objects as standard
from customer_profiles import _timestamps
from customer_profiles._standard_objects import PROFILE
from customer_profiles.engine.profiles import keys
from customer_profiles.engine.service.refusals import bad_request

from .sources import Source, compile_source
from .targets import Target, compile_target, writer
from .values import MOST_VALUES, Counted, TooManyValuesError, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Mapping as Table

    from customer_profiles._wire import Wire

    from .targets import Put

    Values = list[str | None]
    # The position of a value, the member that it is written to, and that member's length limit.
    _Cell = tuple[int, str, int]
    Write = Callable[[Wire, Values, Wire], None]

T = TypeVar("T")

# AG:inferred-profiles: fields of these types fill a profile that an object creates.
_INFERRED = {"EMAIL_ADDRESS": "EmailAddress", "PHONE_NUMBER": "PhoneNumber"}
_LONGEST_INFERRED = 255


class KeyValue(NamedTuple):
    """One value of a key that an object holds."""

    name: str
    value: str
    normal: str
    """The normalised value, by which keys are compared."""
    identifiers: frozenset[str]


@dataclass(slots=True)
class Reading:
    """The values that a mapping reads from one object."""

    standard: dict[str, Wire] = field(default_factory=dict)
    """The values to write, by standard object; none is empty."""
    keys: list[KeyValue] = field(default_factory=list)
    """The keys of which every field has a value, in the order of their declaration."""
    timestamp: float | None = None
    """When the object was changed in its source, in epoch seconds."""
    inferred: dict[str, str] = field(default_factory=dict)
    """The members of a new profile that are filled by content type."""

    @property
    def own_key(self) -> tuple[str, str] | None:
        """The UNIQUE key, by which the object itself is found."""
        for key in self.keys:
            if "UNIQUE" in key.identifiers:
                return key.name, key.normal
        return None

    @property
    def has_profile_key(self) -> bool:
        """Whether there is a key that finds a profile."""
        for key in self.keys:  # noqa: SIM110  (`any` takes twice as long)
            if "PROFILE" in key.identifiers:
                return True
        return False


class _Field(NamedTuple):
    position: int
    name: str
    source: Source
    target: Target | None
    content_type: str


class _Key(NamedTuple):
    name: str
    identifiers: frozenset[str]
    parts: tuple[tuple[int, Callable[[str], str]], ...]


@dataclass(slots=True)
class _StandardObject:
    """The cells and writes that fill a standard object."""

    plain: list[_Cell] = field(default_factory=list)
    nested: dict[str, list[_Cell]] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)


class Mapping:
    """A compiled object type; it reads objects."""

    __slots__ = ("_inferred", "_keys", "_members", "_objects", "_reads", "_timestamp")

    def __init__(self, definition: Wire) -> None:
        """Compile a valid object type."""
        fields = list(_fields(definition.get("Fields") or {}))
        # Most sources are a member of the object itself, which is read without a call.
        self._members = tuple(item.source.member for item in fields)
        self._reads = tuple(
            (item.position, item.source.read) for item in fields if item.source.member is None
        )
        self._objects = tuple(_objects(fields).items())
        self._keys = tuple(_keys(definition.get("Keys") or {}, fields))
        self._timestamp = _timestamp(definition, fields)
        self._inferred = tuple(
            (item.position, _INFERRED[item.content_type])
            for item in fields
            if item.content_type in _INFERRED
        )

    def read(self, source: Wire) -> Reading:
        """Read an object's values; missing, null and empty ones are left out.

        Raises:
            Refusal: the loops of its fields produce too many values.
        """
        source = Counted(source) if self._reads else source
        values = self._values(source)
        reading = Reading()
        for name, fill in self._objects:
            members = _filled(fill.plain, values)
            for parent, cells in fill.nested.items():
                if inner := _filled(cells, values):
                    members[parent] = inner
            for write in fill.writes:
                write(source, values, members)
            if members:
                reading.standard[name] = members
        self._read_keys(values, reading)
        for position, member in self._inferred:
            value = values[position]
            if value is not None:
                reading.inferred.setdefault(member, value[:_LONGEST_INFERRED])
        if self._timestamp is not None:
            reading.timestamp = _read_time(self._timestamp, values)
        return reading

    def _values(self, source: Wire) -> Values:
        get: Any = source.get
        values: Values = [get(name) for name in self._members]
        for position, value in enumerate(values):
            if value.__class__ is not str or not value:
                values[position] = text(value)
        for position, read in self._reads:
            values[position] = read(source)
        return values

    def _read_keys(self, values: Values, reading: Reading) -> None:
        for key in self._keys:
            found = _read_key(key, values)
            if found is not None:
                reading.keys.append(found)


def _filled(cells: list[_Cell], values: Values) -> Wire:
    members: Wire = {}
    for position, member, longest in cells:
        value = values[position]
        if value is not None:
            # Assumed: of several fields with one target the last that is not empty wins.
            members[member] = value if len(value) <= longest else value[:longest]
    return members


def _fields(definitions: Table[str, Wire]) -> Iterable[_Field]:
    for position, (name, definition) in enumerate(definitions.items()):
        target = definition.get("Target")
        # Assumed: a field without a source is always empty.
        source = compile_source(definition["Source"]) if definition.get("Source") else _NOTHING
        yield _Field(
            position,
            name,
            source if source.member else _naming(name, source),
            compile_target(target) if target else None,
            definition.get("ContentType") or "STRING",
        )


def _naming(name: str, source: Source) -> Source:
    """Return a source that is refused by the name of its field."""

    def naming(read: Callable[[Wire], T]) -> Callable[[Wire], T]:
        def named(item: Wire) -> T:
            try:
                return read(item)
            except TooManyValuesError:
                raise bad_request(
                    f"Field {name} brings the values of the object's [] paths and #each blocks to "
                    f"more than {MOST_VALUES}; put a smaller object, or use fewer loops"
                ) from None

        return named

    return source._replace(read=naming(source.read), read_all=naming(source.read_all))


_NOTHING = Source(lambda _source: None, lambda _source: [], many=False)


def _objects(fields: Iterable[_Field]) -> dict[str, _StandardObject]:
    objects: dict[str, _StandardObject] = {}
    lists: dict[tuple[str, tuple[str, ...]], list[_Field]] = {}
    for item in fields:
        target = item.target
        if target is None or _is_time_of_profile(target):
            continue
        fill = objects.setdefault(target.object, _StandardObject())
        if target.text_path is not None:
            parent, member = target.text_path
            cells = fill.nested.setdefault(parent, []) if parent else fill.plain
            cells.append((item.position, member, target.node.longest))
        elif target.item is None:
            fill.writes.append(_write(item, target))
        else:
            # A list is never inside a map, so members alone lead to it.
            names = tuple(key for key in target.keys if isinstance(key, str))
            lists.setdefault((target.object, names), []).append(item)
    for (name, names), columns in lists.items():
        objects[name].writes.append(_write_list(names, columns))
    return objects


def _write(item: _Field, target: Target) -> Write:
    position, put = item.position, writer(target.node)
    names = tuple(key for key in target.keys if isinstance(key, str))
    if len(names) == len(target.keys):
        return lambda _source, values, members: _put(put, members, names, values[position])
    keys_of = target.keys

    def write(source: Wire, values: Values, members: Wire) -> None:
        found = [key if isinstance(key, str) else key(source) for key in keys_of]
        names = tuple(name[:_LONGEST_INFERRED] for name in found if name is not None)
        # Assumed: a value is dropped if its target is named by an empty value of the source.
        if len(names) == len(found):
            _put(put, members, names, values[position])

    return write


def _put(put: Put, members: Wire, names: tuple[str, ...], value: str | None) -> None:
    if value is not None:
        put(members, names, value)


def _write_list(names: tuple[str, ...], columns: list[_Field]) -> Write:
    """Return what fills a list: the first values of all fields make the first item, and so on."""
    puts = [
        (item.source.read_all, item.target.item, writer(item.target.node))
        for item in columns
        if item.target is not None and item.target.item is not None
    ]

    def write(source: Wire, _values: Values, members: Wire) -> None:
        items: list[Wire] = []
        for read_all, path, put in puts:
            found = read_all(source)
            items.extend({} for _ in range(len(found) - len(items)))
            for value, item in zip(found, items, strict=False):
                _put(put, item, path, value)
        # Assumed: a list's items that have no value are left out.
        if filled := [item for item in items if item]:
            inner = members
            for name in names[:-1]:
                inner = inner.setdefault(name, {})
            inner[names[-1]] = filled

    return write


def _keys(definitions: Table[str, list[Wire]], fields: Iterable[_Field]) -> Iterable[_Key]:
    by_name = {item.name: item for item in fields}
    for name, variants in definitions.items():
        for definition in variants:
            parts = [by_name[field] for field in definition.get("FieldNames") or ()]
            yield _Key(
                name,
                frozenset(definition.get("StandardIdentifiers") or ()),
                tuple((part.position, _normalizer(name, part.content_type)) for part in parts),
            )


def _normalizer(name: str, content_type: str) -> Callable[[str], str]:
    if name.startswith("_"):
        # Assumed: the fields' content types do not matter to how a predefined key is compared.
        return keys.rule_of(name)
    return keys.rule_as(content_type)


def _read_key(key: _Key, values: Values) -> KeyValue | None:
    if len(key.parts) == 1:
        position, normalize = key.parts[0]
        value = values[position]
        normal = normalize(value) if value is not None else ""
        return KeyValue(key.name, value, normal, key.identifiers) if value and normal else None
    found, normals = [], []
    for position, normalize in key.parts:
        value = values[position]
        normal = normalize(value) if value is not None else ""
        if value is None or not normal:
            return None
        found.append(value)
        normals.append(normal)
    # Assumed: the value of a key of several fields is their values, separated by one space.
    return KeyValue(key.name, " ".join(found), " ".join(normals), key.identifiers)


def _is_time_of_profile(target: Target) -> bool:
    # A profile has no such member; the field contains the time at which the object was changed.
    return target.object == PROFILE and target.keys == (standard.TIMESTAMP,)


def _timestamp(
    definition: Wire, fields: Iterable[_Field]
) -> tuple[int, Callable[[str], float]] | None:
    pattern = definition.get("SourceLastUpdatedTimestampFormat")
    times = [item for item in fields if item.target and item.target.keys == (standard.TIMESTAMP,)]
    if not pattern or not times:
        return None
    # Assumed: without a timestamp of the profile, that of another standard object is used.
    chosen = next((item for item in times if item.target and item.target.object == PROFILE), None)
    try:
        return (chosen or times[0]).position, _timestamps.timestamp_format(pattern).seconds
    except ValueError:
        # Earlier versions stored formats that are refused now, such as uuuu-MM-dd.
        return None


def _read_time(timestamp: tuple[int, Callable[[str], float]], values: Values) -> float | None:
    position, reader = timestamp
    value = values[position]
    try:
        return None if value is None else reader(value)
    except ValueError:
        # Assumed: a timestamp that does not match its format is ignored.
        return None
