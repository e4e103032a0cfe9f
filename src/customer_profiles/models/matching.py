"""How a domain finds and merges duplicate profiles."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel

from .base import Model, OpenEnum

DayOfTheWeek = Literal["SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"]
ConflictResolvingModel = Literal["RECENCY", "SOURCE"]
AttributeMatchingModel = Literal["ONE_TO_ONE", "MANY_TO_MANY"]
RuleBasedMatchingStatus = Literal["PENDING", "IN_PROGRESS", "ACTIVE"]


class _Setting(Model):
    """A setting says nothing about a person, so its `repr` shows all of it."""

    def __repr_args__(self) -> Any:
        """Yield what is set."""
        yield from (
            (name, value) for name, value in BaseModel.__repr_args__(self) if value is not None
        )


class JobSchedule(_Setting):
    """When the weekly identity-resolution job runs, in UTC."""

    day_of_the_week: Annotated[DayOfTheWeek, OpenEnum()]
    """The day."""
    time: str
    """The time as `HH:MM`."""


class Consolidation(_Setting):
    """Which profiles of a match group are merged."""

    matching_attributes_list: list[list[str]]
    """Up to 10 criteria, tried in order; all attributes of one (up to 20) must be equal."""


class ConflictResolution(_Setting):
    """Which value wins when merged profiles disagree."""

    conflict_resolving_model: Annotated[ConflictResolvingModel, OpenEnum()]
    """RECENCY: the latest value; SOURCE: the latest of the object type `source_name`."""
    source_name: str | None = None
    """The object type that wins under SOURCE; without one, the embedded engine takes RECENCY."""


class AutoMerging(_Setting):
    """Whether and how the job merges what it matched."""

    enabled: bool
    """Whether matches are merged without asking."""
    consolidation: Consolidation | None = None
    """Which profiles of a match group are merged."""
    conflict_resolution: ConflictResolution | None = None
    """Which value wins."""
    min_allowed_confidence_score_for_merging: float | None = None
    """The least confidence, from 0 to 1, at which matches are merged."""


class S3ExportingConfig(_Setting):
    """The S3 place for results."""

    s3_bucket_name: str
    """The bucket."""
    s3_key_name: str | None = None
    """The prefix of the keys."""


class ExportingConfig(_Setting):
    """Where the results of a job go."""

    s3_exporting: S3ExportingConfig | None = None
    """The S3 place for them."""


class MatchingConfig(_Setting):
    """The weekly machine-learning matching of a domain."""

    enabled: bool | None = None
    """Whether the weekly job runs; required when it is sent."""
    job_schedule: JobSchedule | None = None
    """When it runs; the service's default is Saturday 00:00 UTC, and the first job runs within a
    day. The embedded engine looks at schedules in `cp.integrations.run_due()`."""
    auto_merging: AutoMerging | None = None
    """Whether and how matches are merged."""
    exporting_config: ExportingConfig | None = None
    """Where the results go."""


class MatchingRule(_Setting):
    """One rule: profiles match when all of these attributes are equal."""

    rule: list[str]
    """Up to 15 attributes, such as `EmailAddress`, `Address.City`, `Attributes.tier`."""


class AttributeTypesSelector(_Setting):
    """Which sub-types of addresses, phones and e-mail addresses a rule compares."""

    attribute_matching_model: Annotated[AttributeMatchingModel, OpenEnum()]
    """ONE_TO_ONE: the same sub-type on both sides; MANY_TO_MANY: any with any."""
    address: list[str] | None = None
    """Sub-types of `Address`, such as `Address` and `ShippingAddress`."""
    phone_number: list[str] | None = None
    """Sub-types of `PhoneNumber`, such as `PhoneNumber` and `HomePhoneNumber`."""
    email_address: list[str] | None = None
    """Sub-types of `EmailAddress`, such as `EmailAddress` and `PersonalEmailAddress`."""


class RuleBasedMatchingConfig(_Setting):
    """The rule-based matching of a domain, which works as profiles arrive."""

    enabled: bool | None = None
    """Whether the rules are applied; required when it is sent."""
    matching_rules: list[MatchingRule] | None = None
    """Up to 15 rules; the first is level 1, the strongest."""
    status: Annotated[RuleBasedMatchingStatus, OpenEnum()] | None = None
    """What the service is doing with the rules; read only."""
    max_allowed_rule_level_for_merging: int | None = None
    """The weakest level that still merges, 1 to 15."""
    max_allowed_rule_level_for_matching: int | None = None
    """The weakest level that still matches, 1 to 15."""
    attribute_types_selector: AttributeTypesSelector | None = None
    """Which sub-types are compared."""
    conflict_resolution: ConflictResolution | None = None
    """Which value wins in a merge."""
    exporting_config: ExportingConfig | None = None
    """Where the results go; the embedded engine keeps it, and exports nothing."""
