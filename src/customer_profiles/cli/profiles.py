"""`customer-profiles profiles`: search, read, create, change and delete profiles."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.markup import escape

from customer_profiles import (
    BatchError,
    HistoryRecord,
    InvalidInputError,
    Profile,
    ProfileFields,
    ResourceNotFoundError,
)
from customer_profiles._hints.nearest import nearest
from customer_profiles.models.history import ActionType
from customer_profiles.models.tables import leaves
from customer_profiles.repositories.domains import PROFILE_KEYS

from .completion import object_type_names
from .console import confirm, err, fail, out
from .masking import mask
from .output import Column, Limit, Output, shown
from .target import Target, naming_profile, naming_type, with_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_profiles import Domain, Results

app: typer.Typer = typer.Typer(help="Profiles: the customers of a domain.", no_args_is_help=True)

ProfileId = Annotated[
    str, typer.Argument(metavar="PROFILE_ID", help="The profile's id: 32 hexadecimal digits.")
]
FIELDS: tuple[str, ...] = tuple(
    leaf.name
    for leaf in leaves(Profile)
    if leaf.path[0] in ProfileFields.__annotations__
    and leaf.path[0] not in ("attributes", "engagement_preferences")
)
"""The fields that a command can set, but for `attributes.<name>`."""


def _complete_clear(incomplete: str) -> list[str]:
    """Return the fields that begin with a text."""
    return [name for name in FIELDS if name.startswith(incomplete)]


def _complete_set(incomplete: str) -> list[str]:
    """Return the fields that begin with a text, ready for a value."""
    return [f"{name}=" for name in _complete_clear(incomplete)]


_IDS = typer.Argument(metavar="[PROFILE_ID]...", help="The ids of profiles.", show_default=False)
_YES = typer.Option("--yes", help="Do not ask for confirmation.")
_SET = typer.Option(
    "--set",
    metavar="FIELD=VALUE",
    help="Set a field, such as 'first_name=Ada', 'address.city=London' or "
    "'attributes.tier=gold'; may be repeated.",
    autocompletion=_complete_set,
)
_MISSING = 1

COLUMNS: list[Column] = [
    *shown("profile_id", whole=True),
    *map(Column, ("first_name", "last_name", "email_address", "phone_number", "address.city")),
    *map(Column, ("account_number", "business_name", "mobile_phone_number", "address.country")),
]
"""The columns of tables of profiles, the most important first."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """The keys of a search; each field is an option."""

    email: Annotated[
        list[str] | None, typer.Option(help="An e-mail address, in any case; may be repeated.")
    ] = None
    phone: Annotated[
        list[str] | None, typer.Option(help="A phone number, in any format; may be repeated.")
    ] = None
    name: Annotated[
        list[str] | None,
        typer.Option(help="First, middle and last name, in any case; may be repeated."),
    ] = None
    account: Annotated[
        list[str] | None, typer.Option(help="An account number; may be repeated.")
    ] = None
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Any other key, such as '_orderId=4711'; may be repeated. `keys list` lists "
            "the keys of a domain.",
        ),
    ] = None
    match_any: Annotated[
        bool,
        typer.Option("--any", help="Find profiles that have any of the keys, instead of all."),
    ] = False

    @property
    def is_empty(self) -> bool:
        """Whether no key was given."""
        return not any(getattr(self, field.name) for field in fields(self))

    def run(self, domain: Domain, limit: int | None) -> Results[Profile]:
        """Search a domain; nothing is sent before the results are read."""
        options: dict[str, Any] = {
            "email": self.email,
            "phone": self.phone,
            "full_name": self.name,
            "account": self.account,
            "keys": self._others(),
        }
        chosen = {name: values for name, values in options.items() if values}
        how: Any = "any" if self.match_any else "all"
        return domain.profiles.search(match=how, limit=limit, **chosen)

    def _others(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for text in self.key or ():
            name, sign, value = text.partition("=")
            if not (name and sign and value):
                fail("--key is NAME=VALUE, such as _orderId=4711")
            found.setdefault(name, []).append(value)
        return found

    def check_keys(self, domain: Domain) -> None:
        """End the command if the domain has no key of a name, with the nearest one."""
        names = list(self._others())
        if not names:
            return
        known = [*PROFILE_KEYS]
        for listed in domain.object_types.all():
            known += domain.object_types.get(listed.object_type_name).keys or {}
        for name in names:
            if close := difflib.get_close_matches(name, set(known) - {name}, n=2, cutoff=0.5):
                fail(
                    f"domain {domain.domain_name} has no key {name!r}; did you mean "
                    f"{' or '.join(close)}? `keys list` lists its keys"
                )


@app.command()
@with_target
def search(*, keys: Search, limit: Limit = None, target: Target, output: Output) -> None:
    """Find profiles by their search keys."""
    if keys.is_empty:
        fail(
            "give a key: --email, --phone, --name, --account or --key NAME=VALUE; "
            "`profiles list` lists all profiles of an embedded domain"
        )
    with target.open() as domain:
        found = keys.run(domain, output.limit(limit))
        try:
            _show(found, limit, target, output, "no profile has these keys")
        except ResourceNotFoundError:
            keys.check_keys(domain)
            raise


@app.command(name="list")
@with_target
def list_(
    *,
    snapshot: Annotated[
        str | None,
        typer.Option(
            metavar="s3://BUCKET/PREFIX",
            help="On AWS: the address at which a snapshot of all profiles is made, read and "
            "removed.",
        ),
    ] = None,
    role_arn: Annotated[
        str | None, typer.Option(help="The ARN of the role with which AWS writes the snapshot.")
    ] = None,
    limit: Limit = None,
    target: Target,
    output: Output,
) -> None:
    """List all profiles: of an embedded domain, in the order of their creation.

    AWS has no such operation: there, a segment of all profiles is exported to S3 and read.
    """
    options: dict[str, Any] = {}
    if target.db is None:
        if snapshot is None or role_arn is None:
            fail(
                "only an embedded domain (--db) can list all profiles at once: AWS has no "
                "operation for it. `profiles search` finds profiles by their keys, and a segment "
                "exports them to S3: give --snapshot s3://BUCKET/PREFIX and --role-arn ARN"
            )
        options = {"snapshot": snapshot, "role_arn": role_arn}
    with target.open() as domain:
        found = domain.profiles.all(limit=output.limit(limit), **options)
        _show(found, limit, target, output, "the domain has no profiles; `load` loads a file")


def _show(
    found: Results[Profile], limit: int | None, target: Target, output: Output, empty: str
) -> None:
    output.show(found, columns=COLUMNS, db=target.db, model=Profile, limit=limit, empty=empty)


@app.command()
@with_target
def get(
    ids: Annotated[list[str] | None, _IDS] = None,
    *,
    keys: Search,
    target: Target,
    output: Output,
) -> None:
    """Show profiles with all their fields, by their ids or by search keys.

    Exit code: 0 all found, 1 some do not exist, 2 an error.
    """
    if bool(ids) != keys.is_empty:
        fail("give ids of profiles, or keys such as --email")
    with target.open() as domain:
        if ids:
            found, missing = _read(domain, ids)
        else:
            found, missing = list(keys.run(domain, None)), []
        output.show(
            found,
            db=target.db,
            model=Profile,
            vertical=True,
            empty="no profile has these keys" if not ids else "none of them exists",
        )
    _end_if_missing(missing, is_empty=not found)


def _read(domain: Domain, ids: list[str]) -> tuple[list[Profile], list[str]]:
    """Read profiles, and return those that exist and the ids of the others."""
    try:
        return domain.profiles.get_many(ids), []
    except BatchError as error:
        return list(error.succeeded), [str(profile_id) for profile_id in error.failed]
    except InvalidInputError:  # Nothing was sent, because a text among them can be no id.
        pass
    found: list[Profile] = []
    missing: list[str] = []
    for profile_id in dict.fromkeys(ids):
        try:
            found.append(domain.profiles.get(profile_id))
        except ResourceNotFoundError:
            missing.append(profile_id)
    return found, missing


def _end_if_missing(missing: list[str], *, is_empty: bool) -> None:
    for profile_id in missing:
        err.print(
            f"the domain has no profile {escape(profile_id)}; `profiles search` finds ids",
            soft_wrap=True,
            highlight=False,
        )
    if missing or is_empty:
        raise typer.Exit(_MISSING)


@app.command()
@with_target
def create(pairs: Annotated[list[str], _SET], *, target: Target, output: Output) -> None:
    """Create a profile, and print its id."""
    values = fields_of(pairs, [])
    with target.open() as domain:
        profile = domain.profiles.create(**values)
        if output.format == "table":
            out.print(f"created {profile.profile_id}", soft_wrap=True, highlight=False)
        else:
            output.show([profile], db=target.db, model=Profile)


@app.command()
@with_target
def update(
    profile_id: ProfileId,
    *,
    pairs: Annotated[list[str] | None, _SET] = None,
    cleared: Annotated[
        list[str] | None,
        typer.Option(
            "--clear",
            metavar="FIELD",
            help="Clear a field; may be repeated.",
            autocompletion=_complete_clear,
        ),
    ] = None,
    target: Target,
    output: Output,
) -> None:
    """Change fields of a profile; fields that you do not name stay as they are."""
    values = fields_of(pairs or [], cleared or [])
    if not values:
        fail("give what to change: --set FIELD=VALUE or --clear FIELD")
    with target.open() as domain, naming_profile(domain, profile_id):
        domain.profiles.update(profile_id, **values)
        if output.format == "table":
            out.print(f"updated {profile_id}", soft_wrap=True, highlight=False)
        else:
            output.show([domain.profiles.get(profile_id)], db=target.db, model=Profile)


@app.command()
@with_target
def delete(
    ids: Annotated[list[str], typer.Argument(metavar="PROFILE_ID...", help="The ids of profiles.")],
    *,
    yes: Annotated[bool, _YES] = False,
    target: Target,
) -> None:
    """Delete profiles with their objects, keys and history. This cannot be undone.

    Exit code: 0 all deleted, 1 some did not exist, 2 an error.
    """
    with target.open() as domain:
        found, missing = _read(domain, ids)
        if found and not yes:
            names = [name_of_profile(profile) for profile in found[:5]]
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""  # noqa: PLR2004
            confirm(f"Delete {', '.join(names)}{more}, with objects and keys? It cannot be undone.")
        for profile in found:
            profile.delete()
            out.print(f"deleted {profile.profile_id}", soft_wrap=True, highlight=False)
    _end_if_missing(missing, is_empty=False)


def name_of_profile(profile: Profile) -> str:
    """Return an id with the masked name or address of its profile, to recognise a mistake."""
    name = " ".join(filter(None, (profile.first_name, profile.last_name)))
    shape = mask(name or profile.business_name or profile.email_address or "")
    return f"{profile.profile_id} ({shape})" if shape else profile.profile_id


@app.command()
@with_target
def history(  # noqa: PLR0913  (the command's options)
    profile_id: ProfileId,
    *,
    action: Annotated[
        str | None,
        typer.Option(help=f"Only events of this kind: {', '.join(get_args(ActionType))}."),
    ] = None,
    object_type: Annotated[
        str | None,
        typer.Option(
            "--type",
            help="Only events of objects of this type; `_profile` is the profile itself.",
            autocompletion=object_type_names,
        ),
    ] = None,
    content: Annotated[
        bool,
        typer.Option("--content", help="Also read what was stored, with a request for each event."),
    ] = False,
    limit: Limit = None,
    target: Target,
    output: Output,
) -> None:
    """Show what happened to a profile, its objects and its keys."""
    known: tuple[str, ...] = get_args(ActionType)
    if action is not None and action not in known:
        close = difflib.get_close_matches(action.upper(), known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        fail(f"there is no action {action!r}; {hint}")
    with (
        target.open() as domain,
        naming_profile(domain, profile_id),
        naming_type(domain, object_type),
    ):
        chosen: Any = {"action_type": action, "object_type_name": object_type}
        records = domain.profiles.history(profile_id, limit=output.limit(limit), **chosen)
        output.show(
            (_event(record, with_content=content) for record in records),
            columns=[
                *shown("created_at", "action_type", "object_type_name", "id"),
                *shown("profile_object_unique_key"),
            ],
            db=target.db,
            model=HistoryRecord,
            limit=limit,
            empty="nothing is recorded",
        )


def _event(record: HistoryRecord, *, with_content: bool) -> dict[str, Any]:
    names = ("created_at", "action_type", "object_type_name", "id", "profile_object_unique_key")
    event = {name: value for name in names if (value := getattr(record, name)) is not None}
    if with_content:
        event["content"] = record.refresh().data
    if record.performed_by is not None:
        event["performed_by"] = record.performed_by
    return event


def fields_of(pairs: list[str], cleared: list[str]) -> dict[str, Any]:
    """Return fields as `create` and `update` take them.

    Args:
        pairs: FIELD=VALUE, with dots in the names of nested fields.
        cleared: the fields to clear.
    """
    values: dict[str, Any] = {}
    for option, path, value in _assignments(pairs, cleared):
        _check_field(path, option)
        name, _, inner = path.partition(".")
        target = values.setdefault(name, {}) if inner else values
        if (inner or name) in target:
            fail(f"{path} is given twice")
        target[inner or name] = value
    return values


def _assignments(pairs: list[str], cleared: list[str]) -> Iterator[tuple[str, str, str | None]]:
    for text in pairs:
        path, sign, value = text.partition("=")
        if not (path and sign):
            fail("--set is FIELD=VALUE, such as first_name=Ada")
        if not value:
            fail(f"--set {path}= has no value; --clear {path} clears a field")
        yield "--set", path, value
    for path in cleared:
        yield "--clear", path, None


def _check_field(path: str, option: str) -> None:
    name, _, inner = path.partition(".")
    if path in FIELDS or (name == "attributes" and inner):
        return
    if name == "profile_id":
        fail(f"{option}: the service assigns profile_id, and it cannot be changed")
    within = [field for field in FIELDS if field.startswith(f"{path}.")]
    close = within[:3] or nearest(path, FIELDS, 3)
    hint = f"did you mean {' or '.join(close)}?" if close else "custom ones are attributes.<name>"
    fail(f"{option}: a profile has no field {path!r}; {hint}")
