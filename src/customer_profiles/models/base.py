"""What every model shares: names, reading and writing the wire, redaction, the active record."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, get_args

from pydantic import (
    AliasGenerator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic.alias_generators import to_pascal
from pydantic_core import PydanticCustomError, core_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic._internal._model_construction import ModelMetaclass as _ModelType
    from pydantic.fields import FieldInfo
    from pydantic.json_schema import JsonSchemaValue
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

    def __get_pydantic_json_schema__(
        self, schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the values, for documents such as OpenAPI's."""
        return handler(schema.get("python_schema", schema))


class Identifier:
    """Marks an id that every stored record has: an empty string before, and never None."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Read a null as an empty string, so that an unexpected answer is still readable."""
        text = handler(source)
        lenient = core_schema.with_default_schema(text, default="", on_error="default")
        return core_schema.json_or_python_schema(lenient, text)


class DateText:
    """Marks a text that may also be given as a date, which becomes `YYYY-MM-DD`."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Read texts from JSON as they are, and dates from Python."""
        text = handler(source)
        dated = core_schema.no_info_before_validator_function(_date_as_text, text)
        return core_schema.json_or_python_schema(text, dated)


def _date_as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        kind = "string_type"
        raise PydanticCustomError(kind, "Input should be a date, or a text such as '1990-01-31'")
    return value


if not TYPE_CHECKING:

    class _ModelType(type(BaseModel)):
        """The class of models: adds hints to errors of construction, and shortens `dir()`.

        Overriding `__init__` instead would make pydantic call it from Python for every model
        that it reads, which doubles the time of a page.
        """

        def __new__(cls, *args: Any, **options: Any) -> Any:
            """Define a model that is built when it is first used."""
            model = super().__new__(cls, *args, **{"defer_build": True, **options})
            # Not said to others: a framework's adapter of a model must not wait as well. FastAPI
            # silences a warning of pydantic only while it makes its adapters.
            model.model_config = {**model.model_config, "defer_build": False}
            return model

        def __call__(cls, *args: Any, **fields: Any) -> Any:
            try:
                return super().__call__(*args, **fields)
            except ValidationError as error:
                raise _hinted(cls, error) from None

        def __dir__(cls) -> list[str]:
            return public_names(super().__dir__())


class RedactedModel(BaseModel):
    """What models and the classes of users share: names in JSON, and no values in `str`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        # Only for reading: frameworks that write by alias, as FastAPI does, get our names.
        alias_generator=AliasGenerator(validation_alias=to_pascal),
        validate_by_name=True,
        validate_by_alias=True,
        loc_by_alias=False,
        extra="forbid",
        hide_input_in_errors=True,
        validate_assignment=True,
    )

    if not TYPE_CHECKING:  # Type checkers would accept any attribute.

        def __setattr__(self, name: str, value: Any) -> None:
            """Validate an assignment, and keep `model_extra`, which pydantic drops then."""
            extra = self.model_extra
            super().__setattr__(name, value)
            for unknown_name in (extra or {}).keys() - type(self).model_fields.keys():
                # pydantic makes fields of them.
                self.__dict__.pop(unknown_name, None)
            object.__setattr__(self, "__pydantic_extra__", extra)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> JsonSchemaValue:
        """Describe the fields by our names; the service's are accepted, but not shown."""
        return handler(_named_by_field(core_schema))

    def __dir__(self) -> list[str]:
        """List the names for completion."""
        return public_names(super().__dir__())

    def __str__(self) -> str:
        """Return the redacted `repr`, so that neither prints personal data by accident."""
        return repr(self)


def _named_by_field(schema: Any) -> Any:
    """Return the schema of a model without aliases that are only for reading."""
    if schema["type"] != "model-fields":
        inner = schema.get("schema")
        return schema | {"schema": _named_by_field(inner)} if isinstance(inner, dict) else schema
    fields = {
        name: field
        if "serialization_alias" in field
        else {key: value for key, value in field.items() if key != "validation_alias"}
        for name, field in schema["fields"].items()
    }
    return schema | {"fields": fields}


class Model(RedactedModel, metaclass=_ModelType):
    """The base of all models: snake_case here, the service's names on the wire.

    Construction refuses unknown fields. Reading keeps them in `model_extra`, and they are
    never sent back. `repr` shows which fields are set, not their values.
    """

    _shown: ClassVar[frozenset[str]] = frozenset()
    """Fields whose values `repr` may show, because they are not about a person."""

    @classmethod
    def _from_wire(cls, wire: Wire | bytes) -> Self:
        """Read the service's JSON; unknown members stay in `model_extra`."""
        body = wire if isinstance(wire, bytes) else json.dumps(wire)
        return cls.model_validate_json(body, extra="allow")

    def _to_wire(self, *, keep_none: bool = False) -> Wire:
        """Return the service's JSON of the fields that were set, without unknown members.

        Args:
            keep_none: also return the fields that were set to None, which a patch clears.
        """
        names, was_set = _names_of(type(self)), self.model_fields_set
        return {
            names[field]: value if type(value) is str else _wire_value(value, keep_none=keep_none)
            for field, value in self.__dict__.items()
            if (value is not None or keep_none) and field in was_set
        }

    if not TYPE_CHECKING:  # Type checkers would accept any attribute, and any type of `obj`.

        @classmethod
        def model_validate(cls, obj: Any, **options: Any) -> Self:
            """Validate fields by their names, ours or the service's."""
            try:
                return super().model_validate(obj, **options)
            except ValidationError as error:
                raise _hinted(cls, error) from None

        def __setattr__(self, name: str, value: Any) -> None:
            """Validate an assignment; an error names the field that may have been meant."""
            try:
                super().__setattr__(name, value)
            except ValidationError as error:
                raise _hinted(type(self), error) from None

    def reveal(self) -> dict[str, Any]:
        """Return all values in the clear, personal data included, as a plain dict."""
        return self.model_dump(exclude_none=True, exclude_unset=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Yield what is safe to log: ids and settings by value, the rest by count."""
        filled = {
            name: value
            for name in type(self).model_fields
            if (value := getattr(self, name)) not in (None, "", [], {})
        }
        yield from ((name, value) for name, value in filled.items() if name in self._shown)
        if hidden := len(filled.keys() - self._shown):
            yield None, Redacted(f"<{hidden} more field{'s' * (hidden > 1)}>")


class UnredactedModel(Model):
    """A model that contains nothing about a person, so `repr` shows every value that is set."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Yield the fields that are set."""
        names = type(self).model_fields
        yield from ((name, value) for name in names if (value := getattr(self, name)) is not None)


@cache
def _deprecated_names() -> frozenset[str]:
    """Return the names that pydantic keeps for users of its first version, such as `parse_obj`."""
    return frozenset(
        name
        for name in vars(BaseModel)
        if not name.startswith("_") and hasattr(getattr(BaseModel, name, None), "__deprecated__")
    )


def public_names(names: Iterable[str]) -> list[str]:
    """Return what completion offers: no names of pydantic's first version, no private ones."""
    return [
        name
        for name in names
        if name not in _deprecated_names() and (name[:1] != "_" or name[:2] == "__")
    ]


_MOST_PROBLEMS = 100


def _hinted(model: type[Model], error: ValidationError) -> ValidationError:
    """Return the first 100 problems with hints: for a misspelled field, the one that is meant."""
    reasons: list[InitErrorDetails] = []
    for item in error.errors(include_url=False)[:_MOST_PROBLEMS]:
        kind: Any = item["type"]
        reason = PydanticCustomError(kind, _reason(model, item))
        reasons.append({"type": reason, "loc": item["loc"], "input": item["input"]})
    return ValidationError.from_exception_data(error.title, reasons, hide_input=True)


def _reason(model: type[Model], item: ErrorDetails) -> Any:
    """Return pydantic's message, or for a misspelled field one that names its model."""
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


class Redacted(str):
    """A text that `repr` shows without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@cache
def _names_of(model: type[Model]) -> dict[str, str]:
    """Return the service's names by ours, computed once for each model."""
    return {field: wire_name(field, info) for field, info in model.model_fields.items()}


def wire_name(name: str, field: FieldInfo) -> str:
    """Return the name of a model's field in JSON: an alias of its own, or the service's name."""
    alias = field.serialization_alias or field.validation_alias
    if alias is None or isinstance(alias, str):
        return alias or name
    return to_pascal(name)  # It is read by several names, and written by the service's.


def _wire_value(value: Any, *, keep_none: bool) -> Any:
    if isinstance(value, Model):
        return value._to_wire(keep_none=keep_none)
    if isinstance(value, list):
        return [_wire_value(item, keep_none=keep_none) for item in value]
    if isinstance(value, dict):
        # A copy: what is changed in place must differ from what was read.
        return {key: _wire_value(item, keep_none=keep_none) for key, item in value.items()}
    return value.timestamp() if isinstance(value, datetime) else value


class Origin(NamedTuple):
    """The answer that a record was read from."""

    home: Home
    """The repository that returned the record."""
    source: bytes | Wire
    """The answer, decoded only when the record is saved."""
    path: tuple[str | int, ...]
    """The path of the record in the answer."""


class Record(Model):
    """A thin active record: an instance that a repository returned can save itself there."""

    # A slot, not a private attribute: pydantic neither copies, compares nor pickles it, so a
    # copy is detached, and setting it costs a tenth.
    __slots__ = ("_attached",)

    def save(self) -> Self:
        """Send what changed since this was read, nothing else; no change sends nothing.

        Raises:
            DetachedError: no repository returned this instance.
            InvalidInputError: the service has no way to make a change.
            ResourceNotFoundError: this no longer exists.
        """
        self._origin().home.save(self)
        return self

    def refresh(self) -> Self:
        """Read this again from the service, in place; unsaved changes are lost.

        Raises:
            DetachedError: no repository returned this instance.
            ResourceNotFoundError: this no longer exists.
        """
        fresh: Record = self._origin().home._reread(self)
        for name in ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__"):
            object.__setattr__(self, name, getattr(fresh, name))
        return self._attach(*fresh._origin())

    def delete(self) -> None:
        """Delete this from the service.

        Raises:
            DetachedError: no repository returned this instance.
            ResourceNotFoundError: this no longer exists.
        """
        self._origin().home._erase(self)

    def _attach(self, home: Home, source: bytes | Wire, path: tuple[str | int, ...] = ()) -> Self:
        """Remember the repository, the answer that this was read from, and the path in it."""
        object.__setattr__(self, "_attached", (home, source, path))
        return self

    def _origin(self) -> Origin:
        """Return the answer that this was read from.

        Raises:
            DetachedError: no repository returned this instance.
        """
        try:
            origin = Origin(*object.__getattribute__(self, "_attached"))
        except AttributeError:
            from customer_profiles.errors import DetachedError

            msg = (
                f"this {type(self).__name__} was not returned by a repository; get, search or "
                "create it through one, or pass it to the repository's create() or update()"
            )
            raise DetachedError(msg) from None
        return origin


def attach_all(records: Sequence[Record], home: Home, source: bytes, name: str) -> None:
    """Attach the records of a page, which are the list `name` of the answer."""
    put = object.__setattr__
    for position, record in enumerate(records):
        put(record, "_attached", (home, source, (name, position)))
