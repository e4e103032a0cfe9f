"""What it takes to make the deployed object types those that are declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from customer_profiles.models.object_type import ObjectType, ObjectTypeKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .profile_object import ProfileObject

Action = Literal["create", "update", "delete", "unchanged"]
_SIGNS: dict[Action, str] = {"create": "+", "update": "~", "delete": "-", "unchanged": "="}
_SETTINGS = (
    "description",
    "template_id",
    "allow_profile_creation",
    "expiration_days",
    "source_last_updated_timestamp_format",
    "max_profile_object_count",
    "source_priority",
    "encryption_key",
)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one object type."""

    action: Action
    """Whether it is created, updated, deleted or left as it is."""
    object_type_name: str
    """The object type's name."""
    declared: ObjectType | None
    """What it is to be; None where it is deleted."""
    deployed: ObjectType | None
    """What it is; None where it is created."""
    lines: tuple[str, ...] = ()
    """The differences: `+` what is added, `-` what is removed, `~` what changes."""

    def __str__(self) -> str:
        """Give the object type's line and those of its differences below it."""
        head = f"{_SIGNS[self.action]} {self.object_type_name} ({self.action})"
        return "\n".join([head, *(f"    {line}" for line in self.lines)])


@dataclass(frozen=True, slots=True)
class Plan:
    """The differences between declared and deployed object types, in the order declared."""

    changes: tuple[Change, ...] = ()
    """One for each object type, those that stay as they are among them."""

    @classmethod
    def between(
        cls,
        declared: Iterable[type[ProfileObject] | ObjectType],
        deployed: Iterable[ObjectType],
        *,
        delete_undeclared: bool = False,
    ) -> Self:
        """Compare what is declared with what is deployed, which must be read with its fields.

        A setting that is not declared is left alone, and so are tags: PutProfileObjectType
        takes them for a new object type only.

        Args:
            declared: classes, or object types.
            deployed: the domain's object types, each as `get` reads it.
            delete_undeclared: whether the others are deleted, with all their objects.

        Raises:
            ValueError: two declarations have one name.
        """
        there = {one.object_type_name: one for one in deployed}
        wanted: dict[str, ObjectType] = {}
        for one in declared:
            object_type = one if isinstance(one, ObjectType) else one.object_type()
            name = object_type.object_type_name
            if name in wanted:
                msg = f"the object type {name} is declared twice; keep one declaration"
                raise ValueError(msg)
            wanted[name] = object_type
        changes = [_compare(name, one, there.get(name)) for name, one in wanted.items()]
        if delete_undeclared:
            left = sorted(name for name in there.keys() - wanted.keys() if name[0] != "_")
            changes += [Change("delete", name, None, there[name]) for name in left]
        return cls(tuple(changes))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return all(change.action == "unchanged" for change in self.changes)

    def __str__(self) -> str:
        """Give the differences as lines; what stays as it is is left out."""
        shown = [str(change) for change in self.changes if change.action != "unchanged"]
        return "\n".join(shown) or "No changes."


def _compare(name: str, declared: ObjectType, deployed: ObjectType | None) -> Change:
    lines = [
        *_settings(declared, deployed),
        *_difference("field", _fields(declared), _fields(deployed)),
        *_difference("key", _keys(declared), _keys(deployed)),
    ]
    if declared.template_id and deployed:
        # A template's fields and keys are the service's; only settings are declared.
        lines = _settings(declared, deployed)
    if deployed is None:
        return Change("create", name, declared, None, tuple(lines))
    action: Action = "update" if lines else "unchanged"
    return Change(action, name, declared, deployed, tuple(lines))


def _settings(declared: ObjectType, deployed: ObjectType | None) -> list[str]:
    lines: list[str] = []
    for name in _SETTINGS:
        wanted, there = getattr(declared, name), getattr(deployed, name, None)
        if name == "allow_profile_creation":
            # The service takes absence for no.
            wanted, there = bool(wanted), bool(there)
        if wanted is None or wanted == there:
            continue
        is_new = deployed is None or there is None
        lines.append(f"+ {name}: {wanted}" if is_new else f"~ {name}: {there} -> {wanted}")
    return lines


def _difference(what: str, wanted: dict[str, Any], there: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, one in wanted.items():
        if name not in there:
            lines.append(f"+ {what} {name}: {_say(one)}")
        elif there[name] != one:
            lines.append(f"~ {what} {name}: {_say(there[name])} -> {_say(one)}")
    left = (name for name in there if name not in wanted)
    return lines + [f"- {what} {name}: {_say(there[name])}" for name in left]


class _Field(NamedTuple):
    source: str | None
    target: str | None
    content_type: str

    def __str__(self) -> str:
        target = f" => {self.target}" if self.target else ""
        return f"{self.source}{target} [{self.content_type}]"


class _Key(NamedTuple):
    fields: tuple[str, ...]
    identifiers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' + '.join(self.fields)} [{', '.join(self.identifiers) or 'search only'}]"


def _fields(object_type: ObjectType | None) -> dict[str, list[_Field]]:
    fields = (object_type and object_type.fields) or {}
    return {
        name: [_Field(one.source, one.target or None, one.content_type or "STRING")]
        for name, one in fields.items()
    }


def _keys(object_type: ObjectType | None) -> dict[str, list[_Key]]:
    keys = (object_type and object_type.keys) or {}
    return {name: sorted(map(_key, variants)) for name, variants in keys.items()}


def _key(key: ObjectTypeKey) -> _Key:
    return _Key(tuple(key.field_names or ()), tuple(sorted(key.standard_identifiers or ())))


def _say(parts: list[Any]) -> str:
    return " or ".join(map(str, parts))
