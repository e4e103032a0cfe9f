"""`customer-profiles demo`: load, search and update invented customers."""

from __future__ import annotations

import re
import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from customer_profiles import CustomerProfiles, Domain, Profile, Results
from customer_profiles.files import open_table

from .console import INTERRUPTED, errors_as_messages, out, progress
from .loading import Load, Rejects, Tally
from .records import map_columns
from .target import get_or_create

_PAIRS = [
    "Customer No=account_number",
    "E-mail=email_address",
    "Phone=phone_number",
    "Source=attributes.source",
    "Loyalty Tier=attributes.loyalty_tier",
    "Notes=additional_information",
]


def demo(
    *,
    db: Annotated[
        Path | None,
        typer.Option(help="Keep the database in this file; a second run continues with it."),
    ] = None,
) -> None:
    """Load 1,300 invented customers, search and update them, and show each step.

    It needs no account and no network, and writes no file unless --db is given.
    """
    with errors_as_messages(), CustomerProfiles.embedded(db) as cp:
        shop = get_or_create(cp, "demo")
        tally = _load(shop)
        if tally.interrupted:
            raise typer.Exit(INTERRUPTED)
        customer = _customer(shop)
        _show_searches(shop, customer)
        _show_changes(shop, customer)
        _show_domain(shop, db)


def _load(shop: Domain) -> Tally:
    """Load the file that the package contains; profiles that are stored already are kept."""
    with files("customer_profiles.cli").joinpath("data/customers.csv").open("rb") as raw:
        source = open_table(raw)
        rejects, started = Rejects(None, source.header), time.monotonic()
        with progress(in_rows=True) as bar:
            task = bar.add_task("customers.csv", total=None)
            mapping = map_columns(source.header, _PAIRS)
            load = Load(
                shop.profiles,
                rejects,
                "demo",
                key="account_number",
                keep_stored=True,
                in_columns=mapping.in_columns,
                report=lambda tally: bar.update(task, completed=tally.rows),
            )
            load.restart()
            tally = load.run(mapping.records(source.rows()))
    _show_load(tally, rejects, time.monotonic() - started)
    return tally


def _show_load(tally: Tally, rejects: Rejects, seconds: float) -> None:
    table = _table(f"customers.csv, in {seconds:.1f} s", "Rows", "Result")
    table.add_row(str(tally.created), "created")
    table.add_row(str(tally.kept), "stored by an earlier run, unchanged")
    table.add_row(str(tally.rejected), "rejected, such as")
    for line, reason in rejects.first[:3]:
        table.add_row("", f"line {line}: {escape(reason)}")
    out.print(table)


def _customer(shop: Domain) -> Profile:
    """Return the first customer that has all fields that the steps need."""
    for number in range(1, 1000):
        found = shop.profiles.search(account=f"CRM-{number:05d}").first()
        if found and found.email_address and found.phone_number and found.middle_name:
            return found
    msg = "the demo's data has changed: no customer has all fields that the demo needs"
    raise LookupError(msg)


def _show_searches(shop: Domain, customer: Profile) -> None:
    digits = re.sub(r"\D", "", customer.phone_number or "")[-10:]
    email = (customer.email_address or "").swapcase()
    phone = f"+1 ({digits[:3]}) {digits[3:6]}.{digits[6:]}"
    name = "  ".join(
        filter(None, (customer.first_name, customer.middle_name, customer.last_name))
    ).upper()
    search = shop.profiles.search
    table = _table("Search, with other spellings than the stored ones", "Python", "Found")
    for call, results in (
        (f'shop.profiles.search(email="{email}")', search(email=email)),
        (f'shop.profiles.search(phone="{phone}")', search(phone=phone)),
        (f'shop.profiles.search(full_name="{name}")', search(full_name=name)),
        (
            f'shop.profiles.search(email="{email}", phone="{phone}", match="all")',
            search(email=email, phone=phone, match="all"),
        ),
    ):
        table.add_row(escape(call), escape(_names(results)))
    hit = shop.profiles.lookup(account="unknown", phone=phone)
    found = f"{_name(hit.profile)}, by {hit.key}" if hit else "nobody"
    table.add_row(escape(f'shop.profiles.lookup(account="unknown", phone="{phone}")'), found)
    out.print(table)


def _show_changes(shop: Domain, customer: Profile) -> None:
    """Change a profile and restore it, so that the demo can run again."""
    profile_id, middle_name = customer.profile_id, customer.middle_name
    table = _table("Update: set, clear, keep", "Python", "Stored afterwards")

    def show(call: str) -> None:
        stored = shop.profiles.get(profile_id)
        table.add_row(
            escape(call),
            escape(f"{_name(stored)}, {stored.attributes}, mobile {stored.mobile_phone_number}"),
        )

    show("shop.profiles.get(id)")
    customer.mobile_phone_number = "+1 206 555 0199"
    customer.middle_name = None
    customer.save()
    show("customer.middle_name = None; customer.mobile_phone_number = ...; customer.save()")
    shop.profiles.update(profile_id, middle_name=middle_name, attributes={"vip": "yes"})
    show(f'shop.profiles.update(id, middle_name="{middle_name}", attributes={{"vip": "yes"}})')
    shop.profiles.update(profile_id, attributes={"vip": None})
    show('shop.profiles.update(id, attributes={"vip": None})')
    out.print(table)


def _show_domain(shop: Domain, db: Path | None) -> None:
    stats = shop.refresh().stats
    count = stats.profile_count if stats else None
    where = (
        f"in {db}; the next run continues there" if db else "in memory, which ends with the demo"
    )
    out.print(f"{count} profiles in domain {shop.domain_name}, {where}.", soft_wrap=True)
    out.print("The same code runs on AWS: [bold]CustomerProfiles()[/] in place of .embedded().")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _names(results: Results[Profile]) -> str:
    names = [f"{_name(profile)} ({profile.account_number})" for profile in results]
    return ", ".join(names) or "nobody"


def _name(profile: Profile) -> str:
    return " ".join(filter(None, (profile.first_name, profile.middle_name, profile.last_name)))
