"""The profiles of a match side by side, masked unless revealed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from customer_profiles import InvalidInputError, NoResultError
from customer_profiles.repositories.reviewing import Decided

from .console import out, without_controls
from .masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from customer_profiles import Domain, Match

_SUMMARY = (
    *("first_name", "last_name", "business_name", "email_address", "phone_number"),
    *("mobile_phone_number", "address.city", "birth_date", "account_number"),
)
_MOST_VALUES = 5
_MARKS = {"same": "=", "similar": "~", "different": "!", "missing": ""}
_STATES = {"open": "", "merge": "to merge", "apart": "kept apart"}
_SIDE_BY_SIDE = 4
"""More profiles than these are listed one below the other."""


def decisions_of(domain: Domain) -> Decided:
    """Return what was decided about pairs of profiles; AWS keeps no decisions."""
    try:
        return Decided(domain.matches.decisions())
    except InvalidInputError:
        return Decided(())


def rows_of(
    matches: Iterable[Match], decided: Decided, *, reveal: bool, whole: bool = True
) -> Iterator[dict[str, Any]]:
    """Yield matches as rows, without those that were merged or removed since they were listed."""
    for match in matches:
        with suppress(NoResultError):
            row = match_row(match, decided, reveal=reveal, whole=whole)
            if len(row["profile_ids"]) > 1:
                yield row


def match_row(
    match: Match, decided: Decided, *, reveal: bool, whole: bool = True
) -> dict[str, Any]:
    """Return a match as a row of output: its profiles and their fields, masked.

    Args:
        match: the match; its profiles are read.
        decided: the decisions of the domain.
        reveal: whether to return values in the clear.
        whole: whether to return all fields, and not the main ones alone.
    """
    compared = match.compare()
    ids = [profile.profile_id for profile in compared.profiles]
    rows = [
        {
            "field": field.field,
            "agreement": field.agreement,
            "values": [
                value if reveal or value is None else mask(value, field.field)
                for value in field.values
            ],
        }
        for field in compared.fields
    ]
    row: dict[str, Any] = {
        "match_id": match.match_id,
        "confidence_score": match.confidence_score,
        "rule_level": match.rule_level,
        "state": decided.state(ids),
        "profile_ids": ids,
        "fullest": compared.fullest,
        "agreeing": compared.agreeing,
        "differing": compared.differing,
    }
    row["fields"] = rows
    if not whole:
        row["summary"] = [item for item in rows if item["field"] in _SUMMARY]
    return {name: value for name, value in row.items() if value is not None}


def print_match(row: dict[str, Any], title: str = "") -> None:
    """Print a match for people."""
    sure = row.get("confidence_score")
    level = row.get("rule_level")
    parts = [
        title or f"match {row['match_id']}",
        f"{sure:.1%}" if sure is not None else f"rule level {level}" if level else "",
        _STATES[row["state"]],
    ]
    _print("  ".join(filter(None, parts)), style="bold")
    for number, profile_id in enumerate(row["profile_ids"], 1):
        fullest = "  (most values)" if profile_id == row["fullest"] else ""
        _print(f"  {number}  {profile_id}{fullest}")
        if "summary" in row:
            values = [item["values"][number - 1] for item in row["summary"]]
            _print("     " + "  ".join([v for v in values if v][:_MOST_VALUES]))
    if "summary" not in row:
        _print_fields(row)
    else:
        for verb in ("agreeing", "differing"):
            if row[verb]:
                _print(f"  {verb}: {', '.join(row[verb])}")
    out.print()


def _print_fields(row: dict[str, Any]) -> None:
    """Print a table with a column for each profile: = same, ~ similar, ! different."""
    count = len(row["profile_ids"])
    if count > _SIDE_BY_SIDE:
        for item in row["fields"]:
            _print(f"  {_MARKS[item['agreement']] or ' '} {item['field']}")
            for number, value in enumerate(item["values"], 1):
                if value is not None:
                    _print(f"      {number}  {value}")
        return
    table = Table("", "", *map(str, range(1, count + 1)), box=None, pad_edge=True)
    for column in table.columns[1:]:
        column.overflow = "fold"
    for item in row["fields"]:
        mark = _MARKS[item["agreement"]]
        style = "bold" if item["agreement"] in ("similar", "different") else ""
        cells = [without_controls(value or "") for value in item["values"]]
        table.add_row(mark, item["field"], *(Text(cell, style=style) for cell in cells))
    out.print(table)


def _print(text: str, style: str = "") -> None:
    out.print(Text(without_controls(text), style=style), soft_wrap=True, highlight=False)
