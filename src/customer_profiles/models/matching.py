"""The settings that find and merge duplicate profiles of a domain."""

from __future__ import annotations

from typing import Annotated, Literal

from .base import OpenEnum, UnredactedModel

DayOfTheWeek = Literal["SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"]
ConflictResolvingModel = Literal["RECENCY", "SOURCE"]
AttributeMatchingModel = Literal["ONE_TO_ONE", "MANY_TO_MANY"]
RuleBasedMatchingStatus = Literal["PENDING", "IN_PROGRESS", "ACTIVE"]


class JobSchedule(UnredactedModel):
    """The schedule of the weekly identity-resolution job, in UTC."""

    day_of_the_week: Annotated[DayOfTheWeek, OpenEnum()]
    """The day of the week."""
    time: str
    """The time as `HH:MM`."""


class Consolidation(UnredactedModel):
    """The criteria by which profiles of a match group are merged."""

    matching_attributes_list: list[list[str]]
    """Up to 10 criteria, tried in order; all attributes of a criterion (up to 20) must be equal."""


class ConflictResolution(UnredactedModel):
    """The rule that chooses a value when merged profiles disagree."""

    conflict_resolving_model: Annotated[ConflictResolvingModel, OpenEnum()]
    """RECENCY: the latest value; SOURCE: the latest of the object type `source_name`."""
    source_name: str | None = None
    """The object type that wins under SOURCE; without it, the embedded engine uses RECENCY."""


class AutoMerging(UnredactedModel):
    """The merging of matches by the weekly job."""

    enabled: bool
    """Whether the job merges matches."""
    consolidation: Consolidation | None = None
    """The criteria by which profiles of a match group are merged."""
    conflict_resolution: ConflictResolution | None = None
    """The rule that chooses a value when merged profiles disagree."""
    min_allowed_confidence_score_for_merging: float | None = None
    """The minimum confidence, 0 to 1, of matches that are merged."""


class S3ExportingConfig(UnredactedModel):
    """The S3 location for results."""

    s3_bucket_name: str
    """The bucket."""
    s3_key_name: str | None = None
    """The prefix of the keys."""


class ExportingConfig(UnredactedModel):
    """The location for the results of a job."""

    s3_exporting: S3ExportingConfig | None = None
    """The S3 location for the results."""


class MatchingConfig(UnredactedModel):
    """The weekly machine-learning matching of a domain."""

    enabled: bool | None = None
    """Whether the weekly job runs; required when it is sent."""
    job_schedule: JobSchedule | None = None
    """The schedule; the service's default is Saturday 00:00 UTC, and the first job runs within a
    day. The embedded engine starts jobs that are due in `cp.integrations.run_due()`."""
    auto_merging: AutoMerging | None = None
    """The merging of matches."""
    exporting_config: ExportingConfig | None = None
    """The location for the results."""


class MatchingRule(UnredactedModel):
    """A rule: profiles match if all of its attributes are equal."""

    rule: list[str]
    """Up to 15 attributes, such as `EmailAddress`, `Address.City`, `Attributes.tier`."""


class AttributeTypesSelector(UnredactedModel):
    """The sub-types of addresses, phone numbers and e-mail addresses that rules compare."""

    attribute_matching_model: Annotated[AttributeMatchingModel, OpenEnum()]
    """ONE_TO_ONE: the same sub-type on both sides; MANY_TO_MANY: any with any."""
    address: list[str] | None = None
    """Sub-types of `Address`, such as `Address` and `ShippingAddress`."""
    phone_number: list[str] | None = None
    """Sub-types of `PhoneNumber`, such as `PhoneNumber` and `HomePhoneNumber`."""
    email_address: list[str] | None = None
    """Sub-types of `EmailAddress`, such as `EmailAddress` and `PersonalEmailAddress`."""


class RuleBasedMatchingConfig(UnredactedModel):
    """The rule-based matching of a domain, which happens when profiles are written."""

    enabled: bool | None = None
    """Whether the rules are applied; required when it is sent."""
    matching_rules: list[MatchingRule] | None = None
    """Up to 15 rules; the first is level 1, the strongest."""
    status: Annotated[RuleBasedMatchingStatus, OpenEnum()] | None = None
    """The state of the rules in the service; read only."""
    max_allowed_rule_level_for_merging: int | None = None
    """The weakest level at which profiles are merged, 1 to 15."""
    max_allowed_rule_level_for_matching: int | None = None
    """The weakest level at which profiles match, 1 to 15."""
    attribute_types_selector: AttributeTypesSelector | None = None
    """The sub-types that are compared."""
    conflict_resolution: ConflictResolution | None = None
    """The rule that chooses a value when merged profiles disagree."""
    exporting_config: ExportingConfig | None = None
    """The location for the results; the embedded engine stores it, and exports nothing."""
