"""What every model shares: names, reading and writing the wire, redaction, the active record."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic.alias_generators import to_pascal
from pydantic_core import PydanticCustomError, core_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails, InitErrorDetails

    from customer_profiles._wire import Wire
    from customer_profiles.repositories.base import Home


class OpenEnum:
    """Marks a `Literal` that is closed for what we send and open for what AWS answers."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Accept any string from JSON, which only the service writes; else the values alone."""
        return core_schema.json_or_python_schema(core_schema.str_schema(), handler(source))


class Identifier:
    """Marks an id that whatever is stored has: an empty string before, and never None."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Read a null as empty, so that a strange answer is no crash."""
        text = handler(source)
        lenient = core_schema.with_default_schema(text, default="", on_error="default")
        return core_schema.json_or_python_schema(lenient, text)


class Model(BaseModel):
    """The base of all models: snake_case here, the service's names on the wire.

    Construction refuses unknown fields. Reading keeps them in `model_extra`, and they are
    never sent back. `repr` shows which fields are set, not what they hold.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        loc_by_alias=False,
        extra="forbid",
        defer_build=True,
        hide_input_in_errors=True,
        validate_assignment=True,
    )

    _shown: ClassVar[frozenset[str]] = frozenset()
    """Fields whose values `repr` may show, because they are not about a person."""

    @classmethod
    def from_wire(cls, wire: Wire | bytes) -> Self:
        """Read the service's JSON; unknown members stay in `model_extra`."""
        body = wire if isinstance(wire, bytes) else json.dumps(wire)
        return cls.model_validate_json(body, extra="allow")

    def to_wire(self, *, keep_none: bool = False) -> Wire:
        """Give the service's JSON of the fields that were set, without unknown members.

        Args:
            keep_none: also give the fields that were set to None, which a patch clears.
        """
        names, was_set = _names_of(type(self)), self.__pydantic_fields_set__
        return {
            names[field]: value if type(value) is str else _to_wire(value, keep_none=keep_none)
            for field, value in self.__dict__.items()
            if field in was_set and (value is not None or keep_none)
        }

    if not TYPE_CHECKING:  # Type checkers would take it as leave to give and set any name.

        def __init__(self, **fields: Any) -> None:
            """Validate the fields that are given."""
            try:
                super().__init__(**fields)
            except ValidationError as error:
                raise _hinted(type(self), error) from None

        # It is no other way to make an instance: reading need not come by here.
        __init__.__pydantic_base_init__ = True

        @classmethod
        def model_validate(cls, obj: Any, **options: Any) -> Self:
            """Validate fields by their names, ours or the service's."""
            try:
                return super().model_validate(obj, **options)
            except ValidationError as error:
                raise _hinted(cls, error) from None

        def __setattr__(self, name: str, value: Any) -> None:
            """Validate an assignment, and keep what pydantic forgets then: `model_extra`."""
            extra = self.__pydantic_extra__
            try:
                super().__setattr__(name, value)
            except ValidationError as error:
                raise _hinted(type(self), error) from None
            object.__setattr__(self, "__pydantic_extra__", extra)

    def reveal(self) -> dict[str, Any]:
        """Give all values in the clear, personal data included, as a plain dict."""
        return self.model_dump(exclude_none=True, exclude_unset=True)

    def __repr_args__(self) -> Any:
        """Yield what is safe to log: ids and settings by value, the rest by count."""
        held = {
            name: value
            for name in type(self).model_fields
            if (value := getattr(self, name)) not in (None, "", [], {})
        }
        yield from ((name, value) for name, value in held.items() if name in self._shown)
        if hidden := len(held.keys() - self._shown):
            yield None, _Redacted(f"<{hidden} more field{'s' * (hidden > 1)}>")

    def __str__(self) -> str:
        """Give the redacted `repr`, so that neither prints personal data by accident."""
        return repr(self)


def _hinted(model: type[Model], error: ValidationError) -> ValidationError:
    """Give the error again, saying of a misspelled field which one may have been meant."""
    reasons: list[InitErrorDetails] = []
    for item in error.errors(include_url=False):
        kind: Any = item["type"]
        reason = PydanticCustomError(kind, _reason(model, item))
        reasons.append({"type": reason, "loc": item["loc"], "input": item["input"]})
    return ValidationError.from_exception_data(error.title, reasons, hide_input=True)


def _reason(model: type[Model], item: ErrorDetails) -> Any:
    """Give pydantic's words, or for a misspelled field those that name its model."""
    from customer_profiles._problems import unknown

    if item["type"] not in ("extra_forbidden", "no_such_attribute"):
        return item["msg"]
    *path, name = item["loc"]
    for step in path:
        # A list's position or a map's key is no field: the model behind it is found already.
        if (field := model.model_fields.get(str(step))) is not None:
            model = _model_in(field.annotation) or model
    return unknown(str(name), [*model.model_fields], model.__name__)


def _model_in(annotation: Any) -> type[Model] | None:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


class _Redacted(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@cache
def _names_of(model: type[Model]) -> dict[str, str]:
    """Give the service's names by ours, worked out once a model."""
    return {field: info.serialization_alias or field for field, info in model.model_fields.items()}


def _to_wire(value: Any, *, keep_none: bool) -> Any:
    if isinstance(value, Model):
        return value.to_wire(keep_none=keep_none)
    if isinstance(value, list):
        return [_to_wire(item, keep_none=keep_none) for item in value]
    if isinstance(value, dict):
        # A copy: what is changed in place must differ from what was read.
        return {key: _to_wire(item, keep_none=keep_none) for key, item in value.items()}
    return value.timestamp() if isinstance(value, datetime) else value


class Origin(NamedTuple):
    """Where a record came from."""

    home: Home
    """The repository that handed it out."""
    source: bytes | Wire
    """The answer that it was read from, not decoded before something is saved."""
    path: tuple[str | int, ...]
    """Where in that answer it stands."""


class Record(Model):
    """A thin active record: an instance that a repository handed out knows its way back."""

    # A slot, not a private attribute: pydantic neither copies, compares nor pickles it, so a
    # copy is detached, and setting it costs a tenth.
    __slots__ = ("_origin",)

    def save(self) -> Self:
        """Send what changed since this was read, nothing else; no change sends nothing.

        Raises:
            DetachedError: no repository handed this instance out.
            InvalidInputError: a change that the service cannot take.
        """
        self.origin().home.save(self)
        return self

    def refresh(self) -> Self:
        """Read this again from the service, in place; unsaved changes are lost."""
        fresh = self.origin().home.reread(self)
        for name in ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__"):
            object.__setattr__(self, name, getattr(fresh, name))
        return self.attach(*fresh.origin())

    def delete(self) -> None:
        """Delete this from the service."""
        self.origin().home.erase(self)

    def attach(self, home: Home, source: bytes | Wire, path: tuple[str | int, ...] = ()) -> Self:
        """Remember the repository, and the answer that this was read from and where in it."""
        object.__setattr__(self, "_origin", (home, source, path))
        return self

    def origin(self) -> Origin:
        """Give where this came from.

        Raises:
            DetachedError: no repository handed this instance out.
        """
        try:
            origin = Origin(*object.__getattribute__(self, "_origin"))
        except AttributeError:
            from customer_profiles.errors import DetachedError

            msg = (
                f"this {type(self).__name__} was not handed out by a repository; get, search or "
                "create it through one, or pass it to the repository's create() or update()"
            )
            raise DetachedError(msg) from None
        return origin


def attach_all(records: Sequence[Record], home: Home, source: bytes, name: str) -> None:
    """Attach a page's records, which stand in the list `name` of the answer."""
    put = object.__setattr__
    for position, record in enumerate(records):
        put(record, "_origin", (home, source, (name, position)))
