"""Source code of the classes that declare object types."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic.alias_generators import to_pascal, to_snake

from customer_profiles._type_rules import TIMESTAMP
from customer_profiles.errors import InvalidInputError

from . import rules
from .declaration import CONTENT_OF_KEYS, overlaps, path_groups, plain_path
from .layout import Group, Item, lay_out, quote
from .plan import SETTINGS
from .profile_object import ProfileObject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customer_profiles.models.object_type import ObjectType, ObjectTypeField, ObjectTypeKey

_FLAGS = ("UNIQUE", "PROFILE", "SECONDARY", "LOOKUP_ONLY", "NEW_ONLY")
_RESERVED = frozenset(
    {"datetime", "list", "str", *dir(ProfileObject), *keyword.kwlist, *keyword.softkwlist}
)
_IMPORTS = {
    "datetime": ("datetime",),
    "decimal": ("Decimal",),
    "typing": ("Annotated",),
    "pydantic": ("Field",),
    "customer_profiles.mapping": ("Content", "Key", "ProfileObject", "Source", "Target"),
}

_UNKNOWN = """\
# An object type has no dates, no truth values and no required fields but its keys. Where it does
# not tell, a field is `str | None`: replace it by `str`, `datetime`, `int` or `bool` as you know.
"""


def codegen(*object_types: ObjectType) -> str:
    """Return the Python source of a module that declares object types, one class for each.

    A field may be None, unless it is part of the UNIQUE key. What a class cannot declare, such
    as the order of the fields or read-only members, is left out. The source is laid out as
    `ruff format` lays it out.

    Args:
        object_types: object types with fields and keys, as `get` returns them.

    Returns:
        The source, from the imports to the last class.

    Raises:
        InvalidInputError: an object type has no fields and keys, or breaks a rule.
    """
    module = _Module()
    for object_type in object_types:
        _check(object_type)
        _ClassWriter(module, object_type).write()
    return module.text()


def _check(object_type: ObjectType) -> None:
    name = object_type.object_type_name

    def wrong(where: str | None, rule: str) -> Exception:
        return InvalidInputError(f"object type {name}{f', {where}' if where else ''}: {rule}")

    if not object_type.fields or not object_type.keys:
        raise wrong(None, "it has no fields and keys; read it by get(), or its template")
    described = object_type.model_copy(update={"description": object_type.description or name})
    rules.check(described, wrong)


@dataclass(slots=True)
class _Module:
    """The source that is written."""

    classes: list[str] = field(default_factory=list)
    names: set[str] = field(
        default_factory=lambda: {name for names in _IMPORTS.values() for name in names}
    )
    used: set[str] = field(default_factory=set)
    """The names to import."""

    def class_name(self, text: str) -> str:
        """Return a new name for a class."""
        words = re.split(r"[^0-9a-zA-Z]+", text)
        name = "".join(word[:1].upper() + word[1:] for word in words) or "Object"
        unused = _unused(name, self.names)
        self.names.add(unused)
        return unused

    def call(self, name: str, argument: str) -> Group:
        """Return a call of an imported name with one argument."""
        self.used.add(name)
        return Group(f"{name}(", (argument,), ")")

    def annotated(self, name: str, python_type: str, markers: list[Item], end: str) -> str:
        """Return the lines of a field, whose type is annotated if it has markers."""
        if not markers:
            return f"    {name}: {python_type}{end}"
        self.used.add("Annotated")
        return lay_out(Group(f"{name}: Annotated[", (python_type, *markers), f"]{end}"), 4)

    def text(self) -> str:
        """Return the source."""
        lines = {
            module: f"from {module} import {', '.join(used)}"
            for module, names in _IMPORTS.items()
            if (used := [name for name in names if name in self.used])
        }
        standard = [lines.pop(name) for name in ("datetime", "decimal", "typing") if name in lines]
        blocks = ["\n".join(standard)] if standard else []
        blocks += lines.values()
        source = "\n\n".join(blocks) + "".join(f"\n\n\n{text}" for text in self.classes) + "\n"
        return _UNKNOWN + source if "str | None" in source else source


class _ClassWriter:
    """Writes the class of one object type."""

    def __init__(self, module: _Module, object_type: ObjectType) -> None:
        self._module = module
        self._type = object_type
        self._fields = object_type.fields or {}
        self._definitions = [
            (name, key) for name, keys in (object_type.keys or {}).items() for key in keys
        ]
        self._paths: list[tuple[str, ...]] = []
        """The paths in the object that fields of the class have."""
        self._values = self._choose_values()
        self._members = set(self._values)
        self._names: dict[str, str] = {}
        """The attribute of each field."""
        for name in [*self._values, *(name for name in self._fields if name not in self._values)]:
            self._names[name] = _identifier(name, self._names.values())
        self._class_keys = self._choose_class_keys()

    def write(self) -> None:
        """Add the class to the module, after those of its lists."""
        self._module.used.add("ProfileObject")
        name = self._module.class_name(self._type.object_type_name)
        body = [self._value(field_name) for field_name in self._values]
        body += self._lists(name)
        body += [self._computed(other) for other in self._fields if other not in self._values]
        head = Group(f"class {name}(", ("ProfileObject", *self._keywords()), ")")
        self._module.classes.append("\n".join([lay_out(head, 0, ":"), *body]))

    def _choose_values(self) -> list[str]:
        """Return the fields that have a value in the class: the first of each path."""
        chosen: list[str] = []
        for name, item in self._fields.items():
            path = plain_path(item.source or "")
            if path and "." not in name and not overlaps(path, self._paths):
                self._paths.append(path)
                chosen.append(name)
        return chosen

    def _keywords(self) -> list[Item]:
        name = self._type.object_type_name
        keywords: list[Item] = [f"name={quote(name)}"]
        if self._type.description and self._type.description != name:
            keywords.append(f"description={quote(self._type.description)}")
        for setting in SETTINGS:
            value = getattr(self._type, setting)
            if value is not None:
                keywords.append(f"{setting}={quote(value) if isinstance(value, str) else value}")
        if self._type.tags:
            pairs = [f"{quote(key)}: {quote(value)}" for key, value in self._type.tags.items()]
            keywords.append(Group("tags={", tuple(pairs), "}"))
        if self._class_keys:
            keys = [self._key(name, key, joined=True) for name, key in self._class_keys]
            keywords.append(Group("keys=[", tuple(keys), "]"))
        return keywords

    def _choose_class_keys(self) -> list[tuple[str, ObjectTypeKey]]:
        """Return the keys for the class keyword: joined ones, or all if their order matters."""
        single = [item for item in self._definitions if len(item[1].field_names or ()) == 1]
        joined = [item for item in self._definitions if item not in single]
        order = list(self._names)
        single.sort(key=lambda item: order.index((item[1].field_names or [""])[0]))
        declared = [*single, *joined]
        return joined if _order(declared) == _order(self._definitions) else self._definitions

    def _key(self, name: str, key: ObjectTypeKey, *, joined: bool = False) -> Group:
        self._module.used.add("Key")
        identifiers = [*(key.standard_identifiers or ())]
        items: list[Item] = [quote(name)]
        if joined:
            names = [quote(self._names[field_name]) for field_name in key.field_names or ()]
            items.append(Group("fields=[", tuple(names), "]"))
        items += [f"{flag.lower()}=True" for flag in _FLAGS if flag in identifiers]
        standard = [quote(identifier) for identifier in identifiers if identifier not in _FLAGS]
        if len(standard) == 1:
            items.append(f"standard={standard[0]}")
        elif standard:
            items.append(Group("standard=[", tuple(standard), "]"))
        return Group("Key(", tuple(items), ")")

    def _markers(self, name: str, implied: str) -> list[Item]:
        """Return the markers of a field, whose Python type implies a content type."""
        item = self._fields[name]
        keys = [found for found in self._definitions if found[1].field_names == [name]]
        markers: list[Item] = [self._key(*key) for key in keys if key not in self._class_keys]
        if item.target:
            markers.append(self._module.call("Target", quote(item.target)))
        of_keys = [CONTENT_OF_KEYS[key] for key, _ in keys if key in CONTENT_OF_KEYS]
        content_type = item.content_type or "STRING"
        if content_type != (of_keys[0] if of_keys else implied):
            markers.append(self._module.call("Content", quote(content_type)))
        return markers

    def _value(self, name: str) -> str:
        """Return the lines of a field that has a value in the class."""
        item, attribute = self._fields[name], self._names[name]
        python_type, implied = self._python_type(item)
        markers: list[Item] = []
        if to_pascal(attribute) != name:
            markers.append(self._module.call("Field", f"alias={quote(name)}"))
        if item.source and item.source != f"_source.{name}":
            markers.append(self._module.call("Source", quote(item.source)))
        markers += self._markers(name, implied)
        end = ""
        if not self._is_required(name):
            python_type, end = f"{python_type} | None", " = None"
        return self._module.annotated(attribute, python_type, markers, end)

    def _python_type(self, item: ObjectTypeField) -> tuple[str, str]:
        """Return a field's type in Python, and the content type that it implies."""
        if item.target == TIMESTAMP:
            self._module.used.add("datetime")
            return "datetime", "STRING"
        if item.content_type == "NUMBER":
            self._module.used.add("Decimal")
            return "Decimal", "NUMBER"
        return "str", "STRING"

    def _is_required(self, name: str) -> bool:
        """Return whether the service refuses an object that has no value in the field."""
        profile_keys = [key for _, key in self._definitions if _has(key, "PROFILE")]
        needed = [key for _, key in self._definitions if _has(key, "UNIQUE")]
        needed += profile_keys if len(profile_keys) == 1 else []
        return any(name in (key.field_names or ()) for key in needed)

    def _computed(self, name: str) -> str:
        """Return the lines of a field that the class has no value for."""
        self._module.used.add("Source")
        attribute = self._names[name]
        source = self._fields[name].source or ""
        items: list[Item] = [quote(source), *self._markers(name, "STRING")]
        if to_pascal(attribute) != name:
            items.append(f"name={quote(name)}")
        return lay_out(Group(f"{attribute} = Source(", tuple(items), ")"), 4)

    def _lists(self, class_name: str) -> list[str]:
        """Return a field for each list whose items have plain members; add their classes."""
        lists: dict[tuple[str, ...], list[str]] = {}
        for item in self._fields.values():
            match path_groups(item.source or ""):
                case [[*path], [str(member)]]:
                    members = lists.setdefault(tuple(path), [])
                    members += [member] if member not in members else []
        return [self._list(class_name, path, members) for path, members in lists.items()]

    def _list(self, class_name: str, path: tuple[str, ...], members: list[str]) -> str:
        source = ".".join(("_source", *path))
        if overlaps(path, self._paths):
            return f"    # {source}[] is part of another field."
        self._paths.append(path)
        item = self._module.class_name(f"{class_name} {path[-1]} Item")
        self._module.classes.append(
            "\n".join([f"class {item}(ProfileObject):", *self._item_fields(members)])
        )
        attribute = _identifier(path[-1], self._names.values())
        self._names[f"{path[-1]}[]"] = attribute
        member = to_pascal(attribute)
        markers: list[Item] = []
        if member in self._members:
            markers.append(self._module.call("Field", f"alias={quote(f'{member}List')}"))
        if path != (member,):
            markers.append(self._module.call("Source", quote(source)))
        self._members.add(f"{member}List" if member in self._members else member)
        return self._module.annotated(attribute, f"list[{item}] | None", markers, " = None")

    def _item_fields(self, members: list[str]) -> list[str]:
        names: list[str] = []
        lines: list[str] = []
        for member in members:
            attribute = _identifier(member, names)
            names.append(attribute)
            markers: list[Item] = []
            if to_pascal(attribute) != member:
                markers.append(self._module.call("Field", f"alias={quote(member)}"))
            lines.append(self._module.annotated(attribute, "str | None", markers, " = None"))
        return lines


def _has(key: ObjectTypeKey, identifier: str) -> bool:
    return identifier in (key.standard_identifiers or ())


def _order(
    keys: list[tuple[str, ObjectTypeKey]],
) -> tuple[list[tuple[str, ObjectTypeKey]], dict[str, list[ObjectTypeKey]]]:
    """Return the parts of the order of keys that matter: PROFILE keys are tried in order."""
    profile = [item for item in keys if "PROFILE" in (item[1].standard_identifiers or ())]
    return profile, {name: [key for other, key in keys if other == name] for name, _ in keys}


def _identifier(name: str, taken: Iterable[str]) -> str:
    """Return an unused attribute name that is no keyword and begins with a letter."""
    words = re.sub(r"[^0-9a-zA-Z]+", "_", name)
    identifier = re.sub(r"_+", "_", to_snake(words)).strip("_") or "field"
    if not identifier[0].isalpha() or identifier.startswith("model_"):
        identifier = f"field_{identifier}"
    return _unused(identifier, {*_RESERVED, *taken})


def _unused(name: str, taken: set[str]) -> str:
    candidates = (name, f"{name}_", *(f"{name}_{number}" for number in range(2, len(taken) + 3)))
    return next(candidate for candidate in candidates if candidate not in taken)
