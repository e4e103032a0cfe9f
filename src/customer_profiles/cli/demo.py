"""`customer-profiles demo`: the story of an invented customer, from files to an export."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.markup import escape

from customer_profiles import (
    CustomerProfiles,
    Domain,
    Key,
    Match,
    MatchingConfig,
    Profile,
    ProfileObject,
    Target,
)
from customer_profiles.files import open_table

from .console import INTERRUPTED, err, errors_as_messages, out
from .loading import Load, Rejects, Tally
from .records import map_columns
from .target import get_or_create

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATA = "customer_profiles.cli"
_FILES = {"crm": "the CRM", "desk": "the help desk", "club": "the loyalty club"}
_PAIRS = [
    "Customer No=account_number",
    "Loyalty Tier=attributes.loyalty_tier",
    "Notes=additional_information",
]
_FIRST = "crm"
_WIDTH = 76
_LOCALITY = "shipping_address.city"


class Order(ProfileObject, name="Order", allow_profile_creation=True):
    """An order of the web shop."""

    order_id: Annotated[str, Key("OrderId", unique=True)]
    email: Annotated[str, Key("_email", profile=True), Target("_profile.EmailAddress")]
    total: Annotated[Decimal, Target("_order.TotalPrice")]
    city: Annotated[str, Target("_profile.ShippingAddress.City")]
    placed_at: datetime


class _Story(NamedTuple):
    """The customer that the demo follows."""

    match: Match
    profiles: list[Profile]
    main: Profile
    """The profile that stays, with an e-mail address, a phone number and orders."""


def demo(
    *,
    db: Annotated[
        Path | None,
        typer.Option(help="Keep the database in this file; a second run continues with it."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export",
            help="Export the domain into this folder, which is new or empty. Default: export it "
            "into a temporary folder, which is removed.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Load invented customers of four systems, find and merge duplicates, and show each step.

    It needs no account and no network, and keeps no file unless --db or --export is given.
    """
    with errors_as_messages(), CustomerProfiles.embedded(db) as cp:
        shop = get_or_create(cp, "demo")
        _load(shop)
        story = _find(shop)
        if story is None:
            out.print("No duplicates are left: earlier runs merged them all.")
        else:
            _show_searches(shop, story.main)
            _show_match(story)
            _show_merged(story)
        _show_export(shop, export)
        _show_end(shop, db, story and story.main)


def _line(text: str) -> None:
    out.print(f"   {escape(text)}", highlight=False, soft_wrap=True)


def _step(number: int, title: str, code: str = "") -> None:
    out.print(f"\n[bold]{number}. {title}[/]", soft_wrap=True)
    if code:
        out.print(f"[dim]>>> {escape(code)}[/]", highlight=False, soft_wrap=True)


def _load(shop: Domain) -> None:
    """Load the files that the package contains; what is stored already is kept."""
    _step(1, "Files of four systems come in")
    shop.object_types.put(Order)
    has_orders = bool(shop.refresh().stats and shop.stats and shop.stats.object_count)
    example = ""
    for name, system in _FILES.items():
        tally, rejects = _load_file(shop, f"{name}.csv")
        if tally.interrupted:
            raise typer.Exit(INTERRUPTED)
        counts = f"{tally.created} created, {tally.rejected} rejected"
        _line(f"{name}.csv, {system}: {'stored by an earlier run' if has_orders else counts}")
        for line, reason in rejects.first[:1]:
            example = example or f"rejected, for example {name}.csv, line {line}: {reason}"
        if name == _FIRST and not has_orders:
            # While each e-mail address has one customer: an order of several waits for a merge.
            stored = sum(result.is_stored for result in shop.objects(Order).put_each(_orders()))
            _line(f"orders.jsonl, the web shop: {stored} orders")
    if not has_orders:
        _line(_short(example))


def _load_file(shop: Domain, name: str) -> tuple[Tally, Rejects]:
    with files(_DATA).joinpath(f"data/{name}").open("rb") as raw, err.status(name):
        table = open_table(raw, name)
        mapping = map_columns(table.header, _PAIRS)
        rejects = Rejects(None, table.header)
        load = Load(
            shop.profiles,
            rejects,
            f"demo {name}",
            key="account_number",
            keep_stored=True,
            in_columns=mapping.in_columns,
        )
        load.restart()
        return load.run(mapping.records(table.rows())), rejects


def _orders() -> Iterator[Order]:
    text = files(_DATA).joinpath("data/orders.jsonl").read_text("utf-8")
    for line in text.splitlines():
        yield Order(**json.loads(line))


def _find(shop: Domain) -> _Story | None:
    """Run the job, and return a match with orders, of three records if there is one."""
    with err.status("comparing all customers"):
        shop.matching = MatchingConfig(enabled=True)
        shop.save()
        shop.matches.run().wait(timeout=600)
    chosen: _Story | None = None
    for match in shop.matches.all():
        if chosen is not None and len(match.profile_ids) <= len(chosen.profiles):
            continue
        profiles = match.profiles
        for profile in profiles:
            has_keys = profile.email_address and profile.phone_number and profile.last_name
            if has_keys and profile.objects(Order).first() is not None:
                chosen = _Story(match, profiles, profile)
                break
        if chosen is not None and len(chosen.profiles) >= len(_FILES):
            break
    return chosen


def _show_searches(shop: Domain, customer: Profile) -> None:
    _step(2, "One customer is found in three spellings")
    search = shop.profiles.search
    digits = "".join(filter(str.isdigit, customer.phone_number or ""))[-10:]
    for key, value in (
        ("email", (customer.email_address or "").swapcase()),
        ("phone", f"+1 ({digits[:3]}) {digits[3:6]}.{digits[6:]}"),
        ("full_name", _name(customer).upper()),
    ):
        keys: Any = {key: value}
        found = list(search(**keys))
        call = f'shop.profiles.search({key}="{value}")'
        out.print(f"[dim]>>> {escape(call)}[/]", highlight=False, soft_wrap=True)
        names = ", ".join(str(profile.account_number) for profile in found)
        _line(f"{_name(found[0])}: {names}")


def _show_match(story: _Story) -> None:
    _step(3, "The job finds duplicates, and says why", "shop.matches.run().wait()")
    _line(f"one match has {len(story.profiles)} records:")
    for profile in story.profiles:
        values = (profile.phone_number, profile.birth_date)
        text = ", ".join(filter(None, (_name(profile), *values)))
        _line(_short(f"{profile.account_number}: {text}"))
    out.print("[dim]>>> print(match.explain()[0])[/]", highlight=False)
    out.print(story.match.explain()[0])


def _show_merged(story: _Story) -> None:
    customer = story.main
    _step(4, "They are merged, and the orders are there", "match.merge(keep=customer)")
    story.match.merge(keep=customer)
    customer.refresh()
    _line(f"{len(story.profiles)} records are one profile now, with")
    for order in customer.objects(Order):
        _line(f"{order.order_id}  {order.placed_at:%Y-%m-%d}  {order.total:>8}")
    _step(5, "Each value says from where it is", f'customer.provenance("{_LOCALITY}")')
    for field in (_LOCALITY, "last_name"):
        source = customer.provenance(field)
        origin = "the profile itself" if source.is_manual else f"an {source.object_type_name}"
        _line(f"{field} is from {origin}")


def _show_export(shop: Domain, folder: Path | None) -> None:
    _step(6, "The whole domain is exported, to import it elsewhere", 'shop.export("exported")')
    with TemporaryDirectory() as temporary, err.status("exporting"):
        counts = shop.export(folder or Path(temporary) / "exported").counts
    parts = [f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items() if count]
    _line(_short(", ".join(parts)))


def _show_end(shop: Domain, db: Path | None, customer: Profile | None) -> None:
    stats = shop.refresh().stats
    count = stats.profile_count if stats else None
    _step(7, f"{count} customers are in domain demo, {escape(_where(db))}")
    out.print("Type next:", highlight=False)
    if db is None:
        _line("customer-profiles demo --db demo.db")
    else:
        where = f"--domain demo --db {db}"
        if customer is not None:
            _line(f"customer-profiles profiles search --email {customer.email_address} {where}")
        _line(f"customer-profiles matches list {where}")
    _line(f"customer-profiles load YOUR.csv --domain mine --db {db or 'mine.db'}")


def _where(db: Path | None) -> str:
    return f"in {db}" if db else "in memory, which ends now"


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _name(profile: Profile) -> str:
    names = (profile.first_name, profile.middle_name, profile.last_name)
    return " ".join(filter(None, names))
