"""`customer-profiles calculated-attributes`: values of profiles that their objects give."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.markup import escape

from customer_profiles import (
    BatchError,
    CalculatedAttribute,
    CalculatedAttributeValue,
    InvalidInputError,
    ResourceNotFoundError,
)
from customer_profiles.conditions import explain
from customer_profiles.models.calculated_attribute import (
    Statistic,
    ThresholdOperator,
    TimestampFormat,
)

from .conditions import WhereAny, filter_of
from .console import confirm, err, fail, out
from .definitions import naming, read_definition
from .output import Column, Limit, Output, members_of, shown
from .target import Target, with_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from customer_profiles import Domain

app: typer.Typer = typer.Typer(
    help="Calculated attributes: values of profiles that their objects give.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="The name of a calculated attribute.")]
_COLUMNS = shown("calculated_attribute_name", whole=True) + shown(
    *("display_name", "status", "use_historical_data", "created_at", "description"),
)
_VALUES = [
    *shown("profile_id", whole=True),
    *shown("calculated_attribute_name"),
    Column("value"),
    *shown("is_partial", "last_object_timestamp"),
]
_MISSING = 1
_STATISTICS: tuple[str, ...] = get_args(Statistic)
_OPERATORS: tuple[str, ...] = get_args(ThresholdOperator)


@app.command(name="list")
@with_target
def list_(*, limit: Limit = None, target: Target, output: Output) -> None:
    """List the calculated attributes, those that every domain has among them."""
    with target.open() as domain:
        output.show(
            domain.calculated_attributes.all(limit=output.limit(limit)),
            columns=_COLUMNS,
            model=CalculatedAttribute,
            limit=limit,
            private=False,
            empty="no calculated attributes; `calculated-attributes create` creates one",
        )


@app.command()
@with_target
def show(name: Name, *, target: Target, output: Output) -> None:
    """Show the definition of a calculated attribute."""
    with target.open() as domain, _naming(domain, name):
        attribute = domain.calculated_attributes.get(name)
        row = members_of(attribute, reveal=True)
        if output.format == "table":
            row["attribute_details"] = attribute.expression
            if attribute.filter is not None:
                row["filter"] = _in_words(attribute)
        output.show([row], private=False, vertical=True)


def _in_words(attribute: CalculatedAttribute) -> Any:
    try:
        condition = attribute.where
    except InvalidInputError:  # It has no equal among conditions.
        return attribute.filter
    return None if condition is None else explain(condition)


@app.command()
@with_target
def create(  # noqa: PLR0913  (the command's options)
    name: Name,
    expression: Annotated[
        str | None,
        typer.Argument(
            help="What is computed for each object, such as '{Order.Total}' or "
            "'{Order.Price} * {Order.Quantity}'.",
            show_default=False,
        ),
    ] = None,
    *,
    statistic: Annotated[
        str | None,
        typer.Option(help=f"What is computed of the objects: {', '.join(_STATISTICS)}."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=366, help="Count the objects of the last days.")
    ] = None,
    object_count: Annotated[
        int | None, typer.Option(min=1, max=100, help="Count the latest objects.")
    ] = None,
    texts: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Count the objects whose fields have values, such as 'Status!=cancelled' or "
            "'Total over 5'; may be repeated: all of them must hold.",
        ),
    ] = None,
    any_of: WhereAny = False,
    timestamp: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The path of an object's time, such as 'placedAt'. Default: its ingestion.",
        ),
    ] = None,
    timestamp_format: Annotated[
        str | None,
        typer.Option(help=f"The format of that time: {', '.join(get_args(TimestampFormat))}."),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="OPERATOR VALUE",
            help="Compare the value, such as 'GREATER_THAN 5': it becomes true or false.",
        ),
    ] = None,
    historical: Annotated[
        bool, typer.Option("--historical", help="Count objects that are stored already.")
    ] = False,
    display_name: Annotated[str | None, typer.Option(help="The name that people see.")] = None,
    description: Annotated[str | None, typer.Option(help="What is computed.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="A JSON file in the format of AWS, instead of the other options; `-` is standard "
            "input."
        ),
    ] = None,
    target: Target,
) -> None:
    """Create a calculated attribute, by options or from a JSON file in the format of AWS.

    Without --historical, the objects count that are stored from now on.
    """
    options: dict[str, Any] = {
        "days": days,
        "object_count": object_count,
        "where": filter_of(texts, any_of=any_of) if texts else None,
        "timestamp": timestamp,
        "timestamp_format": timestamp_format,
        "threshold": None if threshold is None else _parse_threshold(threshold),
        "use_historical_data": historical or None,
        "display_name": display_name,
        "description": description,
    }
    settings = {field: value for field, value in options.items() if value is not None}
    if file is not None:
        if expression or statistic or settings:
            fail("give a --file or the other options, not both")
        definition = read_definition(file, CalculatedAttribute)
        definition.calculated_attribute_name = name
        arguments: tuple[Any, ...] = (definition,)
    elif expression is None or statistic is None:
        fail(
            "give an expression and a --statistic, such as '{Order.Total}' --statistic SUM; or a "
            "--file"
        )
    else:
        arguments, settings["statistic"] = (name, expression), statistic
    with target.open() as domain:
        created = domain.calculated_attributes.create(*arguments, **settings)
        out.print(f"created calculated attribute {escape(name)}", soft_wrap=True)
        if not created.is_ready:
            err.print(
                f"objects that are stored are being included; `calculated-attributes show "
                f"{escape(name)}` shows when they are",
                soft_wrap=True,
            )


def _parse_threshold(text: str) -> tuple[str, str]:
    operator, _, value = text.strip().partition(" ")
    if operator not in _OPERATORS or not value.strip():
        fail(
            f"--threshold is an operator ({', '.join(_OPERATORS)}) and a value, such as "
            f"'GREATER_THAN 5'; it was {text!r}"
        )
    return operator, value.strip()


@app.command()
@with_target
def values(  # noqa: PLR0913  (the command's options)
    ids: Annotated[list[str], typer.Argument(metavar="PROFILE_ID...", help="Ids of profiles.")],
    *,
    name: Annotated[
        str | None, typer.Option(help="The name of a calculated attribute. Default: all.")
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(min=1, help="With --name: the last days, instead of those of the definition."),
    ] = None,
    limit: Limit = None,
    target: Target,
    output: Output,
) -> None:
    """Show the values of profiles; without --name, all calculated attributes that have one.

    Exit code: 0 all read, 1 some profiles do not exist, 2 an error.
    """
    if days is not None and name is None:
        fail("--days needs the --name of a calculated attribute")
    missing: list[str] = []
    with target.open() as domain:
        found = (
            _values_of_each(domain, ids, missing)
            if name is None
            else _values_of(domain, name, ids, days, missing)
        )
        output.show(
            found,
            columns=_VALUES,
            db=target.db,
            limit=limit,
            empty="no values: no objects of the profiles count",
        )
    for profile_id in missing:
        err.print(
            f"the domain has no profile {escape(profile_id)}; `profiles search` finds ids",
            soft_wrap=True,
            highlight=False,
        )
    if missing:
        raise typer.Exit(_MISSING)


def _values_of(
    domain: Domain, name: str, ids: list[str], days: int | None, missing: list[str]
) -> Iterator[dict[str, Any]]:
    """Yield the values of an attribute, and note the ids of profiles that do not exist."""
    with _naming(domain, name):
        try:
            found = domain.calculated_attributes.values(name, ids, days=days)
        except BatchError as error:
            for profile_id, failure in error.failed.items():
                if not isinstance(failure, ResourceNotFoundError):
                    raise failure from error
                missing.append(str(profile_id))
            found = list(error.succeeded)
    yield from map(_value_row, found)


def _values_of_each(domain: Domain, ids: list[str], missing: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the values of profiles, and note the ids of those that do not exist."""
    domain.calculated_attributes.all().first()  # Of another domain, it is an error of its own.
    for profile_id in dict.fromkeys(ids):
        try:
            for value in domain.profiles.calculated_attributes(profile_id):
                if value.text is not None:
                    yield _value_row(value)
        except ResourceNotFoundError:
            missing.append(profile_id)


def _value_row(value: CalculatedAttributeValue) -> dict[str, Any]:
    row: dict[str, Any] = {
        "profile_id": value.profile_id,
        "calculated_attribute_name": value.calculated_attribute_name,
        "value": value.text,
        "is_partial": value.is_partial,
        "last_object_timestamp": value.last_object_timestamp,
    }
    return {member: content for member, content in row.items() if content is not None}


@app.command()
@with_target
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    target: Target,
) -> None:
    """Delete a calculated attribute. Those that every domain has do not come back."""
    with target.open() as domain, _naming(domain, name):
        attribute = domain.calculated_attributes.get(name)
        if not yes:
            confirm(f"Delete calculated attribute {name} of {target.domain}?")
        attribute.delete()
        out.print(f"deleted calculated attribute {escape(name)}", soft_wrap=True)


def _naming(domain: Domain, name: str) -> AbstractContextManager[None]:
    def names() -> Iterator[str]:
        return (item.calculated_attribute_name for item in domain.calculated_attributes.all())

    return naming("calculated attribute", name, names)
