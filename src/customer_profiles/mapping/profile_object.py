"""The base of the classes that users declare for the objects of their systems."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from pydantic import ConfigDict

from customer_profiles._problems import unknown
from customer_profiles.models.base import Redacted, RedactedModel

from . import values
from .declaration import Declared, declare
from .markers import Key, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Unpack

    from customer_profiles.models.object_type import ObjectType


class ProfileObject(RedactedModel):
    """An object of another system that belongs to a profile.

    A subclass with the class keyword `name` declares an object type; if it breaks a rule of the
    service, its definition raises `TypeError`. Its fields may have the markers `Key`, `Target`,
    `Content` and `Source` inside `Annotated`. A subclass without `name` declares no object type:
    it is a base of other classes, or the class of nested values.

    Construction refuses unknown fields. Reading keeps them in `model_extra`, and writing includes
    them. `repr` shows how many fields have a value, not the values.

    Class keywords, as in `class Order(ProfileObject, name="Order", expiration_days=90)`; a
    subclass inherits all but `name` and `description`:

    - `name`: the object type's name, up to 255 letters, digits, `_` and `-`, beginning with a
      letter.
    - `description`: what the objects are, 1 to 1,000 characters; by default the first line of
      the docstring, or the name.
    - `allow_profile_creation`: whether an object that finds no profile creates one; by default
      it does not.
    - `expiration_days`: days until an object expires, 1 to 1,098; by default the domain's.
    - `source_last_updated_timestamp_format`: `EpochMilli`, or a pattern of Java's
      SimpleDateFormat. The field with the target `_profile.SourceLastUpdatedTimestamp` is read
      and written in it.
    - `max_profile_object_count`: how many of these objects a profile keeps, 1 or more.
    - `source_priority`: which source's values a profile takes, 1 or more; 1 is the highest.
    - `encryption_key`: the ARN of the KMS key that encrypts the objects.
    - `tags`: tags of the object type, for its creation only.
    - `keys`: keys that join several fields, such as `[Key("Seat", fields=["flight", "seat"])]`.
    """

    # A slot, not a private attribute: pydantic neither compares nor validates it.
    __slots__ = ("_owner", "_unique_key")

    model_config: ClassVar[ConfigDict] = ConfigDict(
        # Some systems write ids as numbers.
        coerce_numbers_to_str=True,
        allow_inf_nan=False,
        ignored_types=(Source,),
    )

    object_type_name: ClassVar[str] = ""
    """The object type's name; empty if the class declares none."""
    _settings: ClassVar[dict[str, object]] = {}
    _class_keys: ClassVar[tuple[Key, ...]] = ()
    _declared: ClassVar[Declared | None] = None
    _is_named: ClassVar[bool] = False

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
        """Keep the class keywords; the docstring of the class describes them."""
        known = {*inspect.signature(ProfileObject.__init_subclass__).parameters} - {"config"}
        for keyword in config:
            if keyword not in ConfigDict.__annotations__:
                raise TypeError(unknown(keyword, known, cls.__name__, "class keyword"))
        super().__init_subclass__(**config)
        inherited = {key: value for key, value in cls._settings.items() if key != "description"}
        own = {
            "description": description,
            "allow_profile_creation": allow_profile_creation,
            "expiration_days": expiration_days,
            "source_last_updated_timestamp_format": source_last_updated_timestamp_format,
            "max_profile_object_count": max_profile_object_count,
            "source_priority": source_priority,
            "encryption_key": encryption_key,
            "tags": dict(tags) if tags else None,
        }
        cls._settings = inherited | {key: value for key, value in own.items() if value is not None}
        cls._class_keys = (*cls._class_keys, *keys)
        cls.object_type_name = "" if name is None else name
        cls._is_named = name is not None
        cls._declared = None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Check the declaration as soon as the types of its fields are known."""
        super().__pydantic_init_subclass__(**kwargs)
        if cls._is_named and cls.__pydantic_fields_complete__:
            cls._declare()

    @classmethod
    def object_type(cls) -> ObjectType:
        """Return a copy of the object type that this class declares.

        Raises:
            TypeError: the class has no `name`, or breaks a rule; the message says which.
        """
        return cls._declare().object_type.model_copy(deep=True)

    @classmethod
    def from_object(cls, text: str | bytes, *, unique_key: str | None = None) -> Self:
        """Read an object from its JSON; members that are not declared stay in `model_extra`.

        Texts are read as the type of their field, and an empty text is no value, unless the
        field is a `str`.

        Args:
            text: the object's JSON, as the service or the source has it.
            unique_key: the service's key of the stored object, which is needed to delete it.

        Returns:
            An instance of this class.

        Raises:
            InvalidInputError: the text is not a JSON object.
            ValidationError: a value does not fit its field.
        """
        item = cast("Self", values.read(cls, text, cls._declare()))
        if unique_key is not None:
            object.__setattr__(item, "_unique_key", unique_key)
        return item

    def to_object(self) -> str:
        """Return the object's JSON as it is sent; fields that are None are left out."""
        return values.write(self, self._declare())

    @property
    def profile_object_unique_key(self) -> str | None:
        """The service's key of the stored object; None if the object was not read from there."""
        try:
            return str(object.__getattribute__(self, "_unique_key"))
        except AttributeError:
            return None

    def reveal(self) -> dict[str, Any]:
        """Return all values that are not None as a plain dict, personal data included."""
        return self.model_dump(exclude_none=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        """Yield how many fields have a value."""
        fields = type(self).model_fields
        count = sum(getattr(self, name) not in (None, "", [], {}) for name in fields)
        yield None, Redacted(f"<{count} field{'s' * (count != 1)}>")

    @classmethod
    def _declare(cls) -> Declared:
        if not cls._is_named:
            msg = f'{cls.__qualname__} declares no object type; define it with name="..."'
            raise TypeError(msg)
        if cls._declared is None:
            if not cls.__pydantic_fields_complete__:
                cls.model_rebuild()
            settings = {**cls._settings, "object_type_name": cls.object_type_name}
            cls._declared = declare(cls, settings, cls._class_keys)
        return cls._declared
