"""The options that say where a command works: on the embedded engine's file, or on AWS."""

from __future__ import annotations

import inspect
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from customer_profiles import (
    AwsChannel,
    CustomerProfiles,
    CustomerProfilesError,
    Domain,
    ResourceNotFoundError,
)
from customer_profiles._hints.nearest import did_you_mean
from customer_profiles._standard_objects import STANDARD_OBJECTS

from .completion import domain_names
from .console import errors_as_messages, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PANEL = "Where"
_DB = "CUSTOMER_PROFILES_DB"
_NAMES_SHOWN = 10
_PROFILE_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Where the service is; each field is an option."""

    db: Annotated[
        Path | None,
        typer.Option(
            help="The embedded engine's database file; without it, the command uses AWS.",
            envvar=_DB,
            rich_help_panel=_PANEL,
        ),
    ] = None
    region: Annotated[
        str | None,
        typer.Option(
            help="The AWS region; default: the one that boto3 finds.", rich_help_panel=_PANEL
        ),
    ] = None
    profile: Annotated[
        str | None,
        typer.Option(help="The profile of the AWS configuration files.", rich_help_panel=_PANEL),
    ] = None
    endpoint_url: Annotated[
        str | None,
        typer.Option(
            help="The URL to send requests to, instead of the region's.", rich_help_panel=_PANEL
        ),
    ] = None

    @contextmanager
    def connect(self, *, create: bool = False) -> Iterator[CustomerProfiles]:
        """Connect, and yield the client; an error of ours ends the command with its message.

        Args:
            create: create the database file if it is missing.
        """
        if self.db is not None and not create:
            check_exists(self.db)
        with errors_as_messages(), self._client() as cp:
            yield cp

    def _client(self) -> CustomerProfiles:
        if self.db is not None:
            self._check_is_embedded(self.db)
            return CustomerProfiles.embedded(self.db)
        session = None
        if self.profile is not None:
            from botocore.session import Session

            known = Session().available_profiles
            if self.profile not in known:
                all_known = f"there are {', '.join(known)}" if known else "there are none"
                hint = did_you_mean(self.profile, known, 1) or f"{all_known}; `aws configure`"
                fail(f"the AWS configuration files have no profile {self.profile!r}; {hint}")
            session = Session(profile=self.profile)
        channel = AwsChannel(session=session, region=self.region, endpoint_url=self.endpoint_url)
        return CustomerProfiles(channel=channel)

    def _check_is_embedded(self, db: Path) -> None:
        if not (self.region or self.profile or self.endpoint_url):
            return
        if str(db) == os.environ.get(_DB):
            fail(
                f"the environment variable {_DB} names a file of the embedded engine; unset it to "
                "use AWS, or leave out --region, --profile and --endpoint-url"
            )
        msg = "--db is the embedded engine; --region, --profile and --endpoint-url are AWS"
        raise typer.BadParameter(msg)


@dataclass(frozen=True, kw_only=True)
class Target(Connection):
    """The domain that a command works on, and where it is; each field is an option."""

    domain: Annotated[
        str,
        typer.Option(
            help="The domain.",
            envvar="CUSTOMER_PROFILES_DOMAIN",
            autocompletion=domain_names,
            rich_help_panel=_PANEL,
        ),
    ]

    @contextmanager
    def open(self, *, create: bool = False) -> Iterator[Domain]:
        """Connect, and yield the domain; an error of ours ends the command with its message.

        Args:
            create: create the domain if it is missing. Only the embedded engine does so: on AWS
                a domain has settings that its owner must choose.
        """
        with self.connect(create=create) as cp:
            if create and self.db is not None:
                yield get_or_create(cp, self.domain)
                return
            try:
                yield cp.domain(self.domain)
            except ResourceNotFoundError:
                check_domain(cp, self.domain)
                raise


def with_target(command: Callable[..., None]) -> Callable[..., None]:
    """Add options to a command: the fields of its parameters that are classes of options.

    Such classes are `Target`, `Connection` and `Output`; the command receives an instance.
    """
    own: list[inspect.Parameter] = []
    shared: list[inspect.Parameter] = []
    groups: dict[str, type[Any]] = {}
    for name, parameter in inspect.signature(command, eval_str=True).parameters.items():
        if is_dataclass(parameter.annotation):
            groups[name] = cast("type[Any]", parameter.annotation)
            shared += inspect.signature(groups[name], eval_str=True).parameters.values()
        else:
            own.append(parameter)

    @wraps(command)
    def run(**options: Any) -> None:
        made = {
            name: group(**{field.name: options.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**made, **options)

    parameters = [*own, *shared]
    vars(run)["__signature__"] = inspect.Signature(parameters)  # typer reads it
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def check_exists(db: Path) -> None:
    """End the command if a database file does not exist, so that a typing error creates none."""
    if db.exists():
        return
    names = [path.name for path in db.parent.glob(f"*{db.suffix}")] if db.parent.is_dir() else []
    creating = "`load`, `domains create` and `object-types put` create one"
    hint = did_you_mean(db.name, names, 1) or creating
    fail(f"{db} does not exist; {hint}")


def get_or_create(cp: CustomerProfiles, name: str) -> Domain:
    """Return a domain of the embedded engine, created if it is missing."""
    try:
        return cp.domains.get(name)
    except ResourceNotFoundError:
        return cp.domains.create(name)


@contextmanager
def naming_profile(domain: Domain, profile_id: str) -> Iterator[None]:
    """End the command if the block fails because the domain has no profile of an id."""
    hint = "`profiles search` finds ids"
    if not _PROFILE_ID.fullmatch(profile_id):
        fail(f"{profile_id} is not the id of a profile, which has 32 hexadecimal digits; {hint}")
    try:
        yield
    except ResourceNotFoundError:
        if _exists(domain) and not _has_profile(domain, profile_id):
            fail(f"domain {domain.domain_name} has no profile {profile_id}; {hint}")
        raise


def _exists(domain: Domain) -> bool:
    try:
        domain.object_types.all().first()
    except CustomerProfilesError:
        return False
    return True


def _has_profile(domain: Domain, profile_id: str) -> bool:
    try:
        domain.profiles.get(profile_id)
    except CustomerProfilesError:
        return False
    return True


@contextmanager
def naming_type(domain: Domain, name: str | None) -> Iterator[None]:
    """End the command if the block fails because the domain has no object type of a name."""
    try:
        yield
    except ResourceNotFoundError:
        if name is not None and name not in STANDARD_OBJECTS:
            _check_type(domain, name)
        raise


def _check_type(domain: Domain, name: str) -> None:
    try:
        stored = [listed.object_type_name for listed in domain.object_types.all()]
    except CustomerProfilesError:  # The domain does not exist, which is an error of its own.
        return
    if name in stored:
        return
    hint = did_you_mean(name, [*stored, *STANDARD_OBJECTS])
    if not hint and stored:
        hint = f"it has {', '.join(stored[:_NAMES_SHOWN])}"
    elif not hint:
        hint = "it has none; `object-types put` creates one from a file"
    fail(f"domain {domain.domain_name} has no object type {name!r}; {hint}")


def check_domain(cp: CustomerProfiles, name: str) -> None:
    """End the command if a domain does not exist, with the name that was probably meant.

    Args:
        cp: the client.
        name: the name that the user gave.
    """
    try:
        names = [domain.domain_name for domain in cp.domains.all()]
    except CustomerProfilesError:  # The user may not list domains.
        return
    if name in names:
        return
    hint = did_you_mean(name, names, 1)
    if not hint and names:
        more = ", …" if len(names) > _NAMES_SHOWN else ""
        hint = f"there are {', '.join(names[:_NAMES_SHOWN])}{more}"
    elif not hint:
        hint = "there are no domains; `domains create` creates one"
    fail(f"domain {name} does not exist; {hint}")
