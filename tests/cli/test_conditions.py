"""Conditions as texts of options."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import typer

from customer_profiles import where
from customer_profiles.cli.conditions import condition_of, filter_of, masked
from customer_profiles.conditions import explain


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("address.city=Seattle", where.address.city.is_in("Seattle")),
        ("address.city=Seattle, Bellevue", where.address.city.is_in("Seattle", "Bellevue")),
        ('last_name="King, Jr.",Lovelace', where.last_name.is_in("King, Jr.", "Lovelace")),
        ("attributes.tier!=gold", where.attributes["tier"].is_not_in("gold")),
        ("attributes.a b=c=d", where.attributes["a b"].is_in("c=d")),
        ("attributes.note=call on monday", where.attributes["note"].is_in("call on monday")),
        ("attributes.note contains a = b", where.attributes["note"].contains("a = b")),
        ("first_name begins_with A", where.first_name.begins_with("A")),
        ("birth_date before 2000-01-01", where.birth_date.before(date(2000, 1, 1))),
        ("birth_date=1990-05-01", where.birth_date.on(date(1990, 5, 1))),
        (
            "attributes.seen after 2026-01-01T12:00:00+00:00",
            where.attributes["seen"].after(datetime(2026, 1, 1, 12, tzinfo=UTC)),
        ),
        ("calculated.spend over 500", where.calculated("spend").over(500)),
        (
            "calculated.spend at_least 12.50 days=30",
            where.calculated("spend").at_least(Decimal("12.50"), days=30),
        ),
        ("attributes.age between 18,30", where.attributes["age"].between(18, 30)),
        (
            "birth_date between 1990-01-01,1999-12-31",
            where.birth_date.between(date(1990, 1, 1), date(1999, 12, 31)),
        ),
        ("attributes.tags contains_all a,b", where.attributes["tags"].contains_all("a", "b")),
        ("profile_type!=ACCOUNT_PROFILE", where.profile_type.is_not_in("ACCOUNT_PROFILE")),
        ("segment.gold", where.segment("gold")),
    ],
)
def test_a_text_is_a_condition(text: str, condition: object) -> None:
    assert condition_of([text]) == condition


def test_all_or_any_of_several_must_hold() -> None:
    texts = ["address.city=Seattle", "attributes.tier=gold"]
    seattle, gold = where.address.city.is_in("Seattle"), where.attributes["tier"].is_in("gold")

    assert condition_of(texts) == seattle & gold
    assert condition_of(texts, any_of=True) == seattle | gold


def test_a_filter_is_about_fields_of_objects() -> None:
    assert filter_of(["status!=cancelled"]) == where.field("status").is_not_in("cancelled")
    assert filter_of(["total over 5"]) == where.field("total").over(5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("adress.city=Seattle", "did you mean address"),
        ("address.town=Seattle", "address"),
        ("address=Seattle", "is no field"),
        ("first_name", "FIELD=VALUE"),
        ("first_name beginswith A", "did you mean begins_with"),
        ("first_name over 5", "has no over; known are is_in"),
        ("calculated.spend over much", "over takes a number"),
        ("birth_date before yesterday", "before takes a date such as 2000-01-31"),
        ("birth_date between 1990-01-01", "between takes two values, not 1"),
        ("attributes.age between young,old", "between takes numbers or dates"),
        ("profile_type=PROFILE,ACCOUNT_PROFILE", "takes one value, not 2"),
    ],
)
def test_a_text_that_is_no_condition_is_refused(
    text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        condition_of([text])

    assert words in capsys.readouterr().err


def test_values_of_profiles_are_masked_and_others_are_not() -> None:
    condition = where.email_address.is_in("ada@example.com") & where.calculated("spend").over(500)
    words = explain(masked(~condition))

    assert "ada" not in words
    assert "500" in words
