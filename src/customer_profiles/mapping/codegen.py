"""Source code of the class that declares an object type."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pydantic.alias_generators import to_pascal, to_snake

from customer_profiles._timestamps import timestamp_format
from customer_profiles.errors import InvalidInputError

from . import rules
from .layout import Group, Item, lay_out, quote
from .profile_object import ProfileObject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles.models.object_type import ObjectType, ObjectTypeField, ObjectTypeKey

_PLAIN = re.compile(r"_source((?:\.[^.\[\]{}]+)+)")
_LISTED = re.compile(r"_source((?:\.[^.\[\]{}]+)+)\[\]\.([^.\[\]{}]+)")
_FLAGS = ("UNIQUE", "PROFILE", "SECONDARY", "LOOKUP_ONLY", "NEW_ONLY")
_CONTENT_OF_KEYS = {"_email": "EMAIL_ADDRESS", "_phone": "PHONE_NUMBER", "_fullName": "NAME"}
_TAKEN = frozenset(
    {"datetime", "list", "str", *dir(ProfileObject), *keyword.kwlist, *keyword.softkwlist}
)
_CLASSES = ("Annotated", "Content", "Decimal", "Field", "Key", "ProfileObject", "Source", "Target")
_SETTINGS = (
    "allow_profile_creation",
    "expiration_days",
    "source_last_updated_timestamp_format",
    "max_profile_object_count",
    "source_priority",
    "encryption_key",
)


def codegen(*object_types: ObjectType) -> str:
    """Give Python source of a module with a class for each object type.

    The class declares what the object type has; what a class cannot say, as an order of fields
    or read-only members, is not in it. Fields may be absent, but for those of the UNIQUE key.

    Raises:
        InvalidInputError: an object type has no fields and keys, or breaks a rule.
    """
    module = _Module()
    for object_type in object_types:
        _check(object_type)
        _Class(module, object_type).write()
    return module.text()


def _check(object_type: ObjectType) -> None:
    name = object_type.object_type_name

    def wrong(where: str | None, rule: str) -> Exception:
        return InvalidInputError(f"object type {name}{f', {where}' if where else ''}: {rule}")

    if not object_type.fields or not object_type.keys:
        rule = "it has no fields and keys; read it by get(), or its template"
        raise wrong(None, rule)
    described = object_type.model_copy(update={"description": object_type.description or name})
    rules.check(described, wrong)


@dataclass(slots=True)
class _Module:
    classes: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=lambda: set(_CLASSES))
    used: set[str] = field(default_factory=set)

    def class_name(self, text: str) -> str:
        """Give a free name for a class."""
        wanted = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9a-zA-Z]+", text))
        name = _free(wanted or "Object", self.names)
        self.names.add(name)
        return name

    def text(self) -> str:
        """Give the module."""
        libraries = {
            "datetime": ("datetime",),
            "decimal": ("Decimal",),
            "typing": ("Annotated",),
            "pydantic": ("Field",),
            "customer_profiles.mapping": ("Content", "Key", "ProfileObject", "Source", "Target"),
        }
        lines = {
            module: f"from {module} import {', '.join(found)}"
            for module, names in libraries.items()
            if (found := [name for name in names if name in self.used])
        }
        ours = [line for module, line in lines.items() if module.startswith("customer_profiles")]
        theirs = [line for module, line in lines.items() if module == "pydantic"]
        python = [line for line in lines.values() if line not in ours + theirs]
        blocks = ["\n".join(block) for block in (python, theirs, ours) if block]
        return "\n\n".join(blocks) + "".join(f"\n\n\n{one}" for one in self.classes) + "\n"


class _Class:
    def __init__(self, module: _Module, object_type: ObjectType) -> None:
        self._module = module
        self._type = object_type
        self._fields = object_type.fields or {}
        self._names: dict[str, str] = {}
        self._members: set[str] = set()
        self._lists: dict[str, list[str]] = {}
        self._values = self._choose_values()
        for name in [*self._values, *(name for name in self._fields if name not in self._values)]:
            self._names[name] = _identifier(name, self._names.values())
        self._joined = self._choose_joined()

    def write(self) -> None:
        """Add the class, and before it those of its lists."""
        self._module.used.add("ProfileObject")
        name = self._module.class_name(self._type.object_type_name)
        body = [self._value(one) for one in self._values]
        body += self._list_lines(name)
        body += [self._computed(one) for one in self._fields if one not in self._values]
        head = Group(f"class {name}(", ("ProfileObject", *self._settings()), ")")
        self._module.classes.append("\n".join([lay_out(head, 0, ":"), *body]))

    def _choose_values(self) -> list[str]:
        """Give the fields that hold a value: the first of each place in the object."""
        taken: list[list[str]] = []
        chosen: list[str] = []
        members: set[str] = set()
        for name, one in self._fields.items():
            found = _PLAIN.fullmatch(one.source or "")
            path = found[1][1:].split(".") if found else []
            inside = any(path[: len(other)] == other[: len(path)] for other in taken)
            if found and not inside and "." not in name and name not in members:
                taken.append(path)
                chosen.append(name)
                members.add(name)
        self._members, self._places = members, taken
        return chosen

    def _settings(self) -> list[Item]:
        name = self._type.object_type_name
        settings: list[Item] = [f"name={quote(name)}"]
        if self._type.description and self._type.description != name:
            settings.append(f"description={quote(self._type.description)}")
        for setting in _SETTINGS:
            value = getattr(self._type, setting)
            if value is not None:
                settings.append(f"{setting}={quote(value) if isinstance(value, str) else value}")
        if self._type.tags:
            pairs = [f"{quote(key)}: {quote(value)}" for key, value in self._type.tags.items()]
            settings.append(Group("tags={", tuple(pairs), "}"))
        if self._joined:
            keys = [self._key(key, one, joined=True) for key, one in self._joined]
            settings.append(Group("keys=[", tuple(keys), "]"))
        return settings

    def _definitions(self) -> list[tuple[str, ObjectTypeKey]]:
        return [(name, one) for name, ones in (self._type.keys or {}).items() for one in ones]

    def _choose_joined(self) -> list[tuple[str, ObjectTypeKey]]:
        """Give the keys for the class's keyword: the joined ones, or all if order asks for it."""
        wanted = self._definitions()
        single = [item for item in wanted if len(item[1].field_names or ()) == 1]
        joined = [item for item in wanted if item not in single]
        order = list(self._names)
        single.sort(key=lambda item: order.index((item[1].field_names or [""])[0]))
        made = [*single, *joined]
        return joined if _in_order(made) == _in_order(wanted) else wanted

    def _key(self, name: str, key: ObjectTypeKey, *, joined: bool = False) -> Group:
        self._module.used.add("Key")
        given = [*(key.standard_identifiers or ())]
        items: list[Item] = [quote(name)]
        if joined:
            names = [quote(self._names[one]) for one in key.field_names or ()]
            items.append(Group("fields=[", tuple(names), "]"))
        items += [f"{flag.lower()}=True" for flag in _FLAGS if flag in given]
        standard = [quote(one) for one in given if one not in _FLAGS]
        if standard:
            several = Group("standard=[", tuple(standard), "]")
            items.append(f"standard={standard[0]}" if len(standard) == 1 else several)
        return Group("Key(", tuple(items), ")")

    def _keys_of(self, name: str) -> list[tuple[str, ObjectTypeKey]]:
        return [item for item in self._definitions() if item[1].field_names == [name]]

    def _markers(self, name: str, implied: str) -> list[Item]:
        one = self._fields[name]
        keys = self._keys_of(name)
        markers: list[Item] = []
        markers += [self._key(*item) for item in keys if item not in self._joined]
        if one.target:
            self._module.used.add("Target")
            markers.append(_call("Target", quote(one.target)))
        of_keys = [_CONTENT_OF_KEYS[key] for key, _ in keys if key in _CONTENT_OF_KEYS]
        if (one.content_type or "STRING") != (of_keys[0] if of_keys else implied):
            self._module.used.add("Content")
            markers.append(_call("Content", quote(one.content_type or "STRING")))
        return markers

    def _value(self, name: str) -> str:
        one, python = self._fields[name], self._names[name]
        kind, implied = self._kind(one)
        needed = self._is_needed(name)
        markers = [*self._place(name, python), *self._markers(name, implied)]
        written = kind if needed else f"{kind} | None"
        end = "" if needed else " = None"
        if not markers:
            return f"    {python}: {written}{end}"
        self._module.used.add("Annotated")
        return lay_out(Group(f"{python}: Annotated[", (written, *markers), f"]{end}"), 4)

    def _kind(self, one: ObjectTypeField) -> tuple[str, str]:
        if one.target == rules.TIMESTAMP and _is_written(self._type):
            self._module.used.add("datetime")
            return "datetime", "STRING"
        if one.content_type == "NUMBER":
            self._module.used.add("Decimal")
            return "Decimal", "NUMBER"
        return "str", "STRING"

    def _is_needed(self, name: str) -> bool:
        return any(
            name in (one.field_names or ()) and "UNIQUE" in (one.standard_identifiers or ())
            for _, one in self._definitions()
        )

    def _place(self, name: str, python: str) -> list[Item]:
        """Give what says the field's name and place, where the name in Python does not."""
        markers: list[Item] = []
        if to_pascal(python) != name:
            self._module.used.add("Field")
            markers.append(_call("Field", f"alias={quote(name)}"))
        source = cast("str", self._fields[name].source)
        if source != f"_source.{name}":
            self._module.used.add("Source")
            markers.append(_call("Source", quote(source)))
        return markers

    def _computed(self, name: str) -> str:
        self._module.used.add("Source")
        one, python = self._fields[name], self._names[name]
        items: list[Item] = [quote(one.source or ""), *self._markers(name, "STRING")]
        if to_pascal(python) != name:
            items.append(f"name={quote(name)}")
        return lay_out(Group(f"{python} = Source(", tuple(items), ")"), 4)

    def _list_lines(self, class_name: str) -> list[str]:
        """Give a field for each list whose items have plain members, after their classes."""
        lists: dict[str, list[str]] = {}
        for one in self._fields.values():
            if found := _LISTED.fullmatch(one.source or ""):
                members = lists.setdefault(found[1][1:], [])
                members += [found[2]] if found[2] not in members else []
        return [self._list(class_name, place, members) for place, members in lists.items()]

    def _list(self, class_name: str, place: str, members: list[str]) -> str:
        path = place.split(".")
        if any(path[: len(other)] == other[: len(path)] for other in self._places):
            # Its place is another field's, which carries it.
            return f"    # _source.{place}[] is part of another field."
        self._places.append(path)
        name = path[-1]
        item = self._module.class_name(f"{class_name} {name} Item")
        self._module.used |= {"Annotated"}
        self._module.classes.append(
            "\n".join([f"class {item}(ProfileObject):", *self._items(members)])
        )
        python = _identifier(name, self._names.values())
        self._names[f"{name}[]"] = python
        markers: list[Item] = []
        member = to_pascal(python)
        if len(path) > 1 or member != name:
            self._module.used.add("Source")
            markers.append(_call("Source", quote(f"_source.{place}")))
        if member in self._members:
            self._module.used.add("Field")
            member = f"{member}List"
            markers.insert(0, _call("Field", f"alias={quote(member)}"))
        self._members.add(member)
        written = f"list[{item}] | None"
        if not markers:
            return f"    {python}: {written} = None"
        return lay_out(Group(f"{python}: Annotated[", (written, *markers), "] = None"), 4)

    def _items(self, members: list[str]) -> list[str]:
        names: list[str] = []
        lines: list[str] = []
        for member in members:
            python = _identifier(member, names)
            names.append(python)
            if to_pascal(python) == member:
                lines.append(f"    {python}: str | None = None")
                continue
            self._module.used |= {"Field", "Annotated"}
            items = ("str | None", _call("Field", f"alias={quote(member)}"))
            lines.append(lay_out(Group(f"{python}: Annotated[", items, "] = None"), 4))
        return lines


def _call(name: str, argument: str) -> Group:
    return Group(f"{name}(", (argument,), ")")


def _in_order(keys: list[tuple[str, ObjectTypeKey]]) -> Any:
    """Give what matters in the order of keys: PROFILE keys are tried one after the other."""
    ours = [(name, one) for name, one in keys if "PROFILE" in (one.standard_identifiers or ())]
    return ours, {name: [one for key, one in keys if key == name] for name, _ in keys}


def _is_written(object_type: ObjectType) -> bool:
    try:
        timestamp_format(object_type.source_last_updated_timestamp_format or "")
    except ValueError:
        return False
    return True


def _identifier(name: str, taken: Iterable[str]) -> str:
    """Give a name of a class's field that is free, no keyword, and begins with a letter."""
    words = re.sub(r"[^0-9a-zA-Z]+", "_", name)
    wanted = re.sub(r"_+", "_", to_snake(words)).strip("_") or "field"
    if not wanted[0].isalpha() or wanted.startswith("model_"):
        wanted = f"field_{wanted}"
    return _free(wanted, {*_TAKEN, *taken})


def _free(wanted: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    if wanted not in taken:
        return wanted
    if f"{wanted}_" not in taken:
        return f"{wanted}_"
    number: Any = next(n for n in range(2, len(taken) + 3) if f"{wanted}_{n}" not in taken)
    return f"{wanted}_{number}"
