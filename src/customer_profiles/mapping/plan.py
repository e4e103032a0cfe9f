"""The difference between declared object types and those of a domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from customer_profiles.models.object_type import ObjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .profile_object import ProfileObject

Action = Literal["create", "update", "delete", "unchanged"]
_SIGNS: dict[Action, str] = {"create": "+", "update": "~", "delete": "-", "unchanged": "="}
SETTINGS = (
    "allow_profile_creation",
    "expiration_days",
    "source_last_updated_timestamp_format",
    "max_profile_object_count",
    "source_priority",
    "encryption_key",
)
"""The settings of an object type that a class inherits, in the order of its keywords."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a plan does with one object type."""

    action: Action
    """Whether the object type is created, updated, deleted or left unchanged."""
    object_type_name: str
    """The object type's name."""
    declared: ObjectType | None
    """The declared object type; None where it is deleted."""
    deployed: ObjectType | None
    """The domain's object type; None where it is created."""
    lines: tuple[str, ...] = ()
    """The differences, one a line: `+` is added, `-` is removed, `~` changes."""

    def __str__(self) -> str:
        """Return the object type's name and action, with its differences on lines below."""
        head = f"{_SIGNS[self.action]} {self.object_type_name} ({self.action})"
        return "\n".join([head, *(f"    {line}" for line in self.lines)])


@dataclass(frozen=True, slots=True)
class Plan:
    """The differences between declared and deployed object types, in the order declared."""

    changes: tuple[Change, ...] = ()
    """One for each object type, unchanged ones included."""

    @classmethod
    def between(
        cls,
        declared: Iterable[type[ProfileObject] | ObjectType],
        deployed: Iterable[ObjectType],
        *,
        delete_undeclared: bool = False,
    ) -> Self:
        """Compare declared object types with those of a domain.

        A setting that is not declared is left alone, and so are tags: PutProfileObjectType
        takes them for a new object type only.

        Args:
            declared: classes, or object types.
            deployed: the domain's object types with fields and keys, as `get` returns them.
            delete_undeclared: whether the others are deleted, with all their objects.

        Returns:
            The plan; printing it shows the differences.

        Raises:
            ValueError: two declarations have the same name.
        """
        deployed_by_name = {item.object_type_name: item for item in deployed}
        declared_by_name: dict[str, ObjectType] = {}
        for item in declared:
            object_type = item if isinstance(item, ObjectType) else item.object_type()
            name = object_type.object_type_name
            if name in declared_by_name:
                msg = f"the object type {name} is declared twice; keep one declaration"
                raise ValueError(msg)
            declared_by_name[name] = object_type
        changes = [
            _compare(name, item, deployed_by_name.get(name))
            for name, item in declared_by_name.items()
        ]
        if delete_undeclared:
            undeclared = sorted(deployed_by_name.keys() - declared_by_name.keys())
            changes += [
                Change("delete", name, None, deployed_by_name[name])
                for name in undeclared
                if not name.startswith("_")
            ]
        return cls(tuple(changes))

    @property
    def is_empty(self) -> bool:
        """Whether every object type is unchanged."""
        return all(change.action == "unchanged" for change in self.changes)

    def __str__(self) -> str:
        """Return the differences as lines, without unchanged object types."""
        shown = [str(change) for change in self.changes if change.action != "unchanged"]
        return "\n".join(shown) or "No changes."


def _compare(name: str, declared: ObjectType, deployed: ObjectType | None) -> Change:
    lines = _settings(declared, deployed)
    if not (declared.template_id and deployed):
        # The fields and keys of a template are the service's; only settings are declared.
        lines += _difference("field", _fields(declared), _fields(deployed))
        lines += _difference("key", _keys(declared), _keys(deployed))
    if deployed is None:
        return Change("create", name, declared, None, tuple(lines))
    action: Action = "update" if lines else "unchanged"
    return Change(action, name, declared, deployed, tuple(lines))


def _settings(declared: ObjectType, deployed: ObjectType | None) -> list[str]:
    lines: list[str] = []
    for name in ("description", "template_id", *SETTINGS):
        new, old = getattr(declared, name), getattr(deployed, name, None)
        if name == "allow_profile_creation" and declared.template_id is None:
            # To the service, a missing value is false, or that of the template.
            new, old = bool(new), bool(old)
        if new is None or new == old:
            continue
        is_new = deployed is None or old is None
        lines.append(f"+ {name}: {new}" if is_new else f"~ {name}: {old} -> {new}")
    return lines


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


def _difference(
    kind: str,
    new: Mapping[str, Sequence[_Field | _Key]],
    old: Mapping[str, Sequence[_Field | _Key]],
) -> list[str]:
    lines: list[str] = []
    for name, parts in new.items():
        if name not in old:
            lines.append(f"+ {kind} {name}: {_joined(parts)}")
        elif old[name] != parts:
            lines.append(f"~ {kind} {name}: {_joined(old[name])} -> {_joined(parts)}")
    removed = (name for name in old if name not in new)
    return lines + [f"- {kind} {name}: {_joined(old[name])}" for name in removed]


def _joined(parts: Sequence[_Field | _Key]) -> str:
    return " or ".join(map(str, parts))


def _fields(object_type: ObjectType | None) -> dict[str, list[_Field]]:
    fields = (object_type and object_type.fields) or {}
    return {
        name: [_Field(field.source, field.target or None, field.content_type or "STRING")]
        for name, field in fields.items()
    }


def _keys(object_type: ObjectType | None) -> dict[str, list[_Key]]:
    keys = (object_type and object_type.keys) or {}
    return {
        name: sorted(
            _Key(tuple(key.field_names or ()), tuple(sorted(key.standard_identifiers or ())))
            for key in variants
        )
        for name, variants in keys.items()
    }
