"""What commands on named definitions share: reading their files, and naming what is missing."""

from __future__ import annotations

import json
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from rich.markup import escape

from customer_profiles import CustomerProfilesError, ResourceNotFoundError
from customer_profiles._hints.nearest import did_you_mean

from .console import err, fail, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from customer_profiles.models.base import Model

_NAMES_SHOWN = 10


def read_wire(file: Path) -> dict[str, Any]:
    """Return the JSON object in a file, or end the command; `-` is standard input."""
    with reading(file) as content:
        try:
            found = json.loads(content.read())
        except ValueError as error:
            fail(f"{file} is no JSON: {error}")
    if not isinstance(found, dict):
        fail(f"{file} has no JSON object")
    return found


def read_definition(file: Path, model: type[Model], wire: dict[str, Any] | None = None) -> Any:
    """Return the record in a file in the format of AWS, or end the command.

    Args:
        file: the file.
        model: the record's class.
        wire: the content of the file, if it was read.
    """
    wire = read_wire(file) if wire is None else wire
    wire.pop("ResponseMetadata", None)  # boto3 adds it to answers.
    try:
        return model.model_validate_json(json.dumps(wire), by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        fail(f"{file}: {where}: {first['msg']}")


@contextmanager
def naming(noun: str, name: str, names: Callable[[], Iterable[str]]) -> Iterator[None]:
    """End the command if the block fails because the domain has nothing of a name.

    Args:
        noun: what it is, such as `segment`.
        name: the name that the user gave.
        names: returns the names that the domain has.
    """
    try:
        yield
    except ResourceNotFoundError:
        try:
            known = list(names())
        except CustomerProfilesError:  # The domain does not exist, which is an error of its own.
            known = [name]
        if name not in known:
            few = ", ".join(known[:_NAMES_SHOWN]) + (", …" if len(known) > _NAMES_SHOWN else "")
            hint = did_you_mean(name, known) or (f"there are {few}" if known else "there are none")
            fail(f"the domain has no {noun} {name!r}; {hint}")
        raise


@contextmanager
def warnings_as_remarks() -> Iterator[None]:
    """Print warnings of the block as lines on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        err.print(escape(str(warning.message)), soft_wrap=True, highlight=False)
