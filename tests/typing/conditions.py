"""Conditions and segments as mypy and pyright see them; read by both, never run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import assert_type

from customer_profiles import (
    CustomerProfiles,
    Profile,
    Segment,
    SegmentEstimate,
    SegmentMembership,
    SegmentSnapshot,
    where,
)
from customer_profiles.conditions import (
    CalculatedField,
    Condition,
    CustomField,
    DateField,
    ObjectField,
    TextField,
    evaluate,
    explain,
)

shop = CustomerProfiles.embedded().domain("shop")
tier, spend, status = where.attributes["tier"], where.calculated("spend"), where.field("status")
assert_type(where.first_name, TextField)
assert_type(where.birth_date, DateField)
assert_type(where.address.city, TextField)
assert_type(tier, CustomField)
assert_type(spend, CalculatedField)
assert_type(status, ObjectField)
assert_type(where.first_name.is_in("Ada", where.last_name), Condition)
assert_type(where.birth_date.before(date(2000, 1, 1)), Condition)
assert_type(where.birth_date.after(datetime(2000, 1, 1, tzinfo=UTC)), Condition)
assert_type(tier.over(500) & ~tier.between(Decimal(1), 2.5), Condition)
assert_type(spend.is_in(True) | spend.over(500, days=30) | spend.under(5, days=(60, 30)), Condition)
assert_type(where.segment("gold") & where.everybody, Condition)
assert_type(where.last_name.is_in(tier), Condition)
assert_type(evaluate(where.everybody, Profile(), segments=["gold"]), bool)
assert_type(explain(where.everybody), str)

segment = assert_type(shop.segments.create("gold", tier.is_in("gold")), Segment)
assert_type(segment.condition, Condition | None)
assert_type(segment.estimate().wait(), SegmentEstimate)
assert_type(shop.segments.estimate(tier.is_in("gold")).wait(timeout=5).count, int)
assert_type(segment.members([Profile(), "id"]), SegmentMembership)
assert_type([profile.first_name for profile in segment.members(["id"])], list[str | None])
assert_type(segment.snapshot("s3://bucket/gold", role_arn="arn").wait(), SegmentSnapshot)
assert_type(segment.replace(where.everybody, display_name="All"), Segment)
assert_type(next(iter(shop.profiles.all(snapshot="s3://b/all", role_arn="arn"))), Profile)
CustomerProfiles.embedded().tags.add(segment, {"team": "crm"})

# Misspelled fields, and fields that segments do not compare.
where.frist_name  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
where.address.ciy  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
where.gender  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
where.address.address1  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

# Methods that a field does not have.
where.first_name.over(3)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
where.birth_date.is_in("2000-01-01")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
where.profile_type.contains("PRO")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
status.contains_any("a")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

# Values of another type.
where.first_name.is_in(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
where.first_name.is_in(["Ada"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
where.first_name.is_in(where.birth_date)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
where.birth_date.before("2000-01-01")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
where.birth_date.between(1, 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
where.profile_type.is_in("PERSON")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
tier.over("500")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
tier.over(500, days=30)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
spend.over(500, days="30")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
where.segment(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
where.attributes[3]  # type: ignore[index]  # pyright: ignore[reportArgumentType]

# What is no condition.
_ = tier.is_in("gold") & True  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
_ = tier.is_in("gold") | tier  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
shop.segments.create("gold", tier)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shop.segments.estimate(tier)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# A condition as a truth value; mypy has no check of this (docs/explanation/typing.md).
if tier.is_in("gold"):  # pyright: ignore[reportGeneralTypeIssues]
    pass

# Misspelled and wrong settings.
shop.segments.create("gold", tier.is_in("gold"), display_nme="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
segment.snapshot("s3://bucket/gold")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
segment.snapshot("s3://b/g", role_arn="a", data_format="XML")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
segment.members(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
