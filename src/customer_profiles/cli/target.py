"""The options that say where a command works: on the embedded engine's file, or on AWS."""

from __future__ import annotations

import difflib
import inspect
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from customer_profiles import AwsChannel, CustomerProfiles, Domain, ResourceNotFoundError

from .console import errors_as_messages, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, kw_only=True)
class Target:
    """The domain that a command works on, and where it is; each field is an option."""

    domain: Annotated[str, typer.Option(help="The domain.")]
    db: Annotated[
        Path | None,
        typer.Option(help="The embedded engine's database file; without it, the command uses AWS."),
    ] = None
    region: Annotated[
        str | None, typer.Option(help="The AWS region; default: the one that boto3 finds.")
    ] = None
    profile: Annotated[
        str | None, typer.Option(help="The profile of the AWS configuration files.")
    ] = None
    endpoint_url: Annotated[
        str | None, typer.Option(help="The URL to send requests to, instead of the region's.")
    ] = None

    @contextmanager
    def open(self, *, create: bool = False) -> Iterator[Domain]:
        """Connect, and yield the domain; an error of ours ends the command with its message.

        Args:
            create: create the domain if it is missing. Only the embedded engine does so: on AWS
                a domain has settings that its owner must choose.
        """
        if self.db is not None and not create:
            check_exists(self.db)
        with errors_as_messages(), self._connect() as cp:
            is_created = create and self.db is not None
            yield get_or_create(cp, self.domain) if is_created else cp.domain(self.domain)

    def _connect(self) -> CustomerProfiles:
        if self.db is not None:
            if self.region or self.profile or self.endpoint_url:
                msg = "--db is the embedded engine; --region, --profile and --endpoint-url are AWS"
                raise typer.BadParameter(msg)
            return CustomerProfiles.embedded(self.db)
        session = None
        if self.profile is not None:
            from botocore.session import Session

            session = Session(profile=self.profile)
        channel = AwsChannel(session=session, region=self.region, endpoint_url=self.endpoint_url)
        return CustomerProfiles(channel=channel)


def with_target(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `Target` to a command, which receives them as its argument `target`."""
    own = [
        parameter
        for name, parameter in inspect.signature(command, eval_str=True).parameters.items()
        if name != "target"
    ]
    shared = inspect.signature(Target, eval_str=True).parameters.values()
    names = {field.name for field in fields(Target)}

    @wraps(command)
    def run(**options: Any) -> None:
        target = Target(**{name: options.pop(name) for name in names})
        command(target=target, **options)

    parameters = [*own, *shared]
    vars(run)["__signature__"] = inspect.Signature(parameters)  # typer reads it
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def check_exists(db: Path) -> None:
    """End the command if a database file does not exist, so that a typing error creates none."""
    if db.exists():
        return
    names = [path.name for path in db.parent.glob(f"*{db.suffix}")] if db.parent.is_dir() else []
    close = difflib.get_close_matches(db.name, names, n=1)
    hint = f"did you mean {close[0]}?" if close else "`load` and `object-types put` create one"
    fail(f"{db} does not exist; {hint}")


def get_or_create(cp: CustomerProfiles, name: str) -> Domain:
    """Return a domain of the embedded engine, created if it is missing."""
    try:
        return cp.domains.get(name)
    except ResourceNotFoundError:
        return cp.domains.create(name)
