"""The base of the classes that users declare for the objects of their systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

from customer_profiles.models.base import public_names

from . import values
from .declaration import Declared, declare, is_complete
from .markers import Key, Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from customer_profiles.models.object_type import ObjectType


class ProfileObject(BaseModel):
    """An object of another system that belongs to a profile.

    A subclass with a `name` declares an object type: its fields, their markers `Key`,
    `Target`, `Content` and `Source`, and class keywords for its settings. A subclass without
    one is a part: a base of others, or the class of nested values.

    Construction refuses unknown fields. Reading keeps them in `model_extra`, and writing gives
    them back. `repr` shows how many fields have a value, not what they hold.
    """

    # A slot, not a private attribute: it is neither compared nor validated.
    __slots__ = ("_unique_key",)

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        loc_by_alias=False,
        extra="forbid",
        hide_input_in_errors=True,
        validate_assignment=True,
        # Systems write numbers where texts are meant.
        coerce_numbers_to_str=True,
        allow_inf_nan=False,
        ignored_types=(Source,),
    )

    object_type_name: ClassVar[str] = ""
    """The object type's name; empty for a part."""
    _settings: ClassVar[dict[str, Any]] = {}
    _class_keys: ClassVar[tuple[Key, ...]] = ()
    _declared: ClassVar[Declared | None] = None

    def __init_subclass__(  # noqa: PLR0913  (an object type has that many settings)
        cls,
        *,
        name: str | None = None,
        description: str | None = None,
        allow_profile_creation: bool | None = None,
        expiration_days: int | None = None,
        source_last_updated_timestamp_format: str | None = None,
        max_profile_object_count: int | None = None,
        source_priority: int | None = None,
        encryption_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        keys: Sequence[Key] = (),
        **config: Unpack[ConfigDict],
    ) -> None:
        """Take the settings of the object type; all but name and description are inherited."""
        super().__init_subclass__(**config)
        given = {
            "allow_profile_creation": allow_profile_creation,
            "expiration_days": expiration_days,
            "source_last_updated_timestamp_format": source_last_updated_timestamp_format,
            "max_profile_object_count": max_profile_object_count,
            "source_priority": source_priority,
            "encryption_key": encryption_key,
            "tags": dict(tags) if tags else None,
        }
        inherited = {k: v for k, v in cls._settings.items() if k in given}
        cls._settings = inherited | {k: v for k, v in given.items() if v is not None}
        if description is not None:
            cls._settings["description"] = description
        cls._class_keys = (*cls._class_keys, *keys)
        cls.object_type_name = "" if name is None else name
        cls._is_named = name is not None
        cls._declared = None

    _is_named: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Check the declaration as soon as the types of its fields are known."""
        super().__pydantic_init_subclass__(**kwargs)
        if cls._is_named and is_complete(cls):
            cls._declare()

    @classmethod
    def object_type(cls) -> ObjectType:
        """Give the object type that this class declares.

        Raises:
            TypeError: the class is a part, or breaks a rule.
        """
        return cls._declare().object_type.model_copy(deep=True)

    @classmethod
    def from_object(cls, text: str | bytes, *, unique_key: str | None = None) -> Self:
        """Read an object from its JSON; what is not declared stays in `model_extra`.

        Args:
            text: the object's JSON.
            unique_key: the service's key of the stored object, which deletes it.

        Raises:
            InvalidInputError: the text is not a JSON object.
            ValidationError: a value does not fit its field.
        """
        item = cast("Self", values.read(cls, text, cls._declare()))
        if unique_key is not None:
            object.__setattr__(item, "_unique_key", unique_key)
        return item

    def to_object(self) -> str:
        """Give the object's JSON as it is sent; fields without a value are left out."""
        return values.write(self, self._declare())

    @property
    def profile_object_unique_key(self) -> str | None:
        """The service's key of the stored object; None for one that was not read from there."""
        try:
            return str(object.__getattribute__(self, "_unique_key"))
        except AttributeError:
            return None

    def reveal(self) -> dict[str, Any]:
        """Give all values in the clear, personal data included, as a plain dict."""
        return self.model_dump(exclude_none=True)

    def __setattr__(self, name: str, value: Any) -> None:
        """Validate an assignment, and keep what pydantic forgets then: `model_extra`."""
        extra = self.__pydantic_extra__
        super().__setattr__(name, value)
        object.__setattr__(self, "__pydantic_extra__", extra)

    def __dir__(self) -> list[str]:
        """List the names for completion."""
        return public_names(super().__dir__())

    def __repr_args__(self) -> Any:
        """Yield how many fields have a value."""
        fields = type(self).model_fields
        held = [name for name in fields if getattr(self, name) not in (None, "", [], {})]
        yield None, _Redacted(f"<{len(held)} field{'s' * (len(held) != 1)}>")

    def __str__(self) -> str:
        """Give the redacted `repr`, so that neither prints personal data by accident."""
        return repr(self)

    @classmethod
    def _declare(cls) -> Declared:
        if not cls._is_named:
            msg = f'{cls.__qualname__} declares no object type; give it one by name="..."'
            raise TypeError(msg)
        if cls._declared is None:
            if not is_complete(cls):
                cls.model_rebuild()
            settings = {**cls._settings, "object_type_name": cls.object_type_name}
            cls._declared = declare(cls, settings, cls._class_keys)
        return cls._declared


class _Redacted(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
