"""Integrations: where the objects of a domain come from."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, TypeAlias, TypedDict

from pydantic import Field, field_validator, model_validator

from customer_profiles._flow_rules import OPERATORS, parse_schedule

from .base import Identifier, Model, OpenEnum, Record

if TYPE_CHECKING:
    from customer_profiles.mapping.profile_object import ProfileObject

Scope = Literal["PROFILE", "DOMAIN"]
DataPullMode = Literal["Incremental", "Complete"]
TaskType = Literal["Arithmetic", "Filter", "Map", "Mask", "Merge", "Truncate", "Validate"]
TaskProperty = Literal[
    "VALUE",
    "VALUES",
    "DATA_TYPE",
    "UPPER_BOUND",
    "LOWER_BOUND",
    "SOURCE_DATA_TYPE",
    "DESTINATION_DATA_TYPE",
    "VALIDATION_ACTION",
    "MASK_VALUE",
    "MASK_LENGTH",
    "TRUNCATE_LENGTH",
    "MATH_OPERATION_FIELDS_ORDER",
    "CONCAT_FORMAT",
    "SUBFIELD_CATEGORY_MAP",
]
ArithmeticOperator = Literal["ADDITION", "MULTIPLICATION", "DIVISION", "SUBTRACTION"]
MaskOperator = Literal["MASK_ALL", "MASK_FIRST_N", "MASK_LAST_N"]
ValidateOperator = Literal[
    "VALIDATE_NON_NULL", "VALIDATE_NON_ZERO", "VALIDATE_NON_NEGATIVE", "VALIDATE_NUMERIC"
]
CommonOperator = (
    Literal["PROJECTION", "GREATER_THAN", "NO_OP"]
    | ArithmeticOperator
    | MaskOperator
    | ValidateOperator
)
ZendeskOperator = CommonOperator
MarketoOperator = CommonOperator | Literal["LESS_THAN", "BETWEEN"]
S3Operator = (
    MarketoOperator
    | Literal["LESS_THAN_OR_EQUAL_TO", "GREATER_THAN_OR_EQUAL_TO", "EQUAL_TO", "NOT_EQUAL_TO"]
)
SalesforceOperator = S3Operator | Literal["CONTAINS"]
ServiceNowOperator = S3Operator | Literal["CONTAINS"]


class Integration(Record):
    """A source that sends its objects to a domain.

    `save()` puts it again with what changed. How a flow pulls is written when it is put, and
    is never answered.
    """

    _shown: ClassVar[frozenset[str]] = frozenset(
        {
            "domain_name",
            "uri",
            "object_type_name",
            "object_type_names",
            "event_trigger_names",
            "workflow_id",
            "is_unstructured",
            "scope",
            "created_at",
            "last_updated_at",
        }
    )

    domain_name: Annotated[str, Identifier()] = ""
    """The domain."""
    uri: Annotated[str, Identifier()] = ""
    """The source: the ARN or URI of a bucket, a flow, a Connect instance or another source."""
    object_type_name: str | None = None
    """The object type of all its objects."""
    created_at: datetime | None = None
    """When the integration was created; read only."""
    last_updated_at: datetime | None = None
    """When the integration was last changed; read only."""
    tags: dict[str, str] | None = None
    """The tags as they were when this was read; `cp.tags` changes them."""
    object_type_names: dict[str, str] | None = None
    """The object type of each kind of event, such as `ShopifyCreateOrders`."""
    workflow_id: str | None = None
    """The workflow that made the integration; read only."""
    is_unstructured: bool | None = None
    """Whether what it brings has no structure; read only."""
    role_arn: str | None = None
    """The ARN of the role that the integration works as."""
    event_trigger_names: list[str] | None = None
    """The event trigger that the integration serves; at most one."""
    scope: Annotated[Scope, OpenEnum()] | None = None
    """Whether its objects belong to profiles, or to the domain as a whole."""


class IntegrationFields(TypedDict, total=False):
    """The settings of an integration as keywords."""

    object_type_name: str | type[ProfileObject] | None
    object_type_names: dict[str, str] | None
    event_trigger_names: list[str] | None
    role_arn: str | None
    scope: Scope | None
    tags: dict[str, str] | None


class OnDemand(Model):
    """The flow runs when it is started."""


class OnEvent(Model):
    """The flow runs when the source reports a change."""


class Scheduled(Model):
    """The flow runs again and again."""

    _shown: ClassVar[frozenset[str]] = frozenset({"schedule_expression", "data_pull_mode"})

    schedule_expression: str
    """How often: `rate(5 minutes)`, or `cron(0 12 * * ? *)` with its six fields."""
    data_pull_mode: DataPullMode | None = None
    """Whether a run pulls what is new, or everything."""
    schedule_start_time: datetime | None = None
    """When the first run may be."""
    schedule_end_time: datetime | None = None
    """When the last run may be."""
    timezone: str | None = None
    """The time zone of the schedule, such as `America/New_York`."""
    schedule_offset: int | None = None
    """Seconds to wait after each scheduled moment, up to 36,000."""
    first_execution_from: datetime | None = None
    """How far back the first run pulls."""

    @field_validator("schedule_expression")
    @classmethod
    def _check_expression(cls, expression: str) -> str:
        parse_schedule(expression)
        return expression

    @model_validator(mode="after")
    def _check_times(self) -> Self:
        start, end = self.schedule_start_time, self.schedule_end_time
        if start is not None and end is not None and end.timestamp() <= start.timestamp():
            msg = "schedule_end_time must be later than schedule_start_time"
            raise ValueError(msg)
        return self


class FlowTask(Model):
    """One step that a flow takes with the fields of each record; the base of all of them."""

    _shown: ClassVar[frozenset[str]] = frozenset({"task_type", "operator"})

    task_type: TaskType
    """What the step does."""
    source_fields: list[str]
    """The source's fields that it takes."""
    destination_field: str | None = None
    """The field that it makes."""
    task_properties: dict[TaskProperty, str] | None = None
    """What the operator needs besides, such as `VALUE`."""

    @model_validator(mode="after")
    def _check_operator(self) -> Self:
        operator = getattr(self, "operator", None)
        if operator is not None and operator not in OPERATORS[self.task_type]:
            known = ", ".join(OPERATORS[self.task_type])
            msg = f"operator {operator} is not for a task of type {self.task_type}; use {known}"
            raise ValueError(msg)
        return self


class SalesforceTask(FlowTask):
    """A step with records of Salesforce."""

    operator: SalesforceOperator | None = None
    """The operation; each connector has its own."""


class MarketoTask(FlowTask):
    """A step with records of Marketo."""

    operator: MarketoOperator | None = None
    """The operation; each connector has its own."""


class ZendeskTask(FlowTask):
    """A step with records of Zendesk."""

    operator: ZendeskOperator | None = None
    """The operation; each connector has its own."""


class ServiceNowTask(FlowTask):
    """A step with records of ServiceNow."""

    operator: ServiceNowOperator | None = None
    """The operation; each connector has its own."""


class S3Task(FlowTask):
    """A step with the rows of files in S3."""

    operator: S3Operator | None = None
    """The operation; each connector has its own."""


class FlowBase(Model):
    """What the flows of all connectors have."""

    flow_name: str
    """The name of the flow in Amazon AppFlow: letters, digits and `_!@#.-`."""
    kms_arn: str
    """The ARN of the KMS key that the flow encrypts with."""
    description: str | None = None
    """What the flow is for."""
    datetime_type_field_name: str | None = None
    """The source's field by whose time an incremental pull knows what is new."""
    trigger: OnDemand | OnEvent | Scheduled = Field(default_factory=OnDemand)
    """When the flow runs."""

    @model_validator(mode="after")
    def _check_incremental(self) -> Self:
        pull = self.trigger.data_pull_mode if isinstance(self.trigger, Scheduled) else "Complete"
        if self.datetime_type_field_name is not None and pull == "Complete":
            msg = (
                "datetime_type_field_name is for incremental pulls; "
                'give trigger=Scheduled(..., data_pull_mode="Incremental") too'
            )
            raise ValueError(msg)
        return self


class SalesforceFlow(FlowBase):
    """Pulls the records of an object of Salesforce."""

    connector_profile_name: str
    """The connection to Salesforce, as Amazon AppFlow names it."""
    object: str
    """The object of Salesforce, such as `Contact`."""
    tasks: list[SalesforceTask]
    """The steps, in order."""
    enable_dynamic_field_update: bool | None = None
    """Whether fields that are new in Salesforce are pulled as well."""
    include_deleted_records: bool | None = None
    """Whether records that were deleted in Salesforce are pulled as well."""


class MarketoFlow(FlowBase):
    """Pulls the records of an object of Marketo."""

    connector_profile_name: str
    """The connection to Marketo, as Amazon AppFlow names it."""
    object: str
    """The object of Marketo, such as `leads`."""
    tasks: list[MarketoTask]
    """The steps, in order."""


class ZendeskFlow(FlowBase):
    """Pulls the records of an object of Zendesk."""

    connector_profile_name: str
    """The connection to Zendesk, as Amazon AppFlow names it."""
    object: str
    """The object of Zendesk, such as `users`."""
    tasks: list[ZendeskTask]
    """The steps, in order."""


class ServiceNowFlow(FlowBase):
    """Pulls the records of a table of ServiceNow."""

    connector_profile_name: str
    """The connection to ServiceNow, as Amazon AppFlow names it."""
    object: str
    """The table of ServiceNow, such as `incident`."""
    tasks: list[ServiceNowTask]
    """The steps, in order."""


class S3Flow(FlowBase):
    """Pulls the rows of CSV files in a bucket."""

    bucket_name: str
    """The bucket."""
    tasks: list[S3Task]
    """The steps, in order."""
    bucket_prefix: str | None = None
    """The folder in the bucket."""


class FileProblem(Model):
    """A file that a flow could not read to its end; what came before that was imported."""

    file: str
    """The file's key in the bucket."""
    message: str
    """What is wrong with it, and where."""


class FlowRun(Model):
    """What came of a run of an S3 flow in the embedded engine."""

    _shown: ClassVar[frozenset[str]] = frozenset(
        {"status", "message", "files", "records", "put", "dropped", "rejected"}
    )

    domain_name: str
    """The domain that the objects went to."""
    uri: str
    """The integration that the flow belongs to."""
    status: Literal["Successful", "Error"]
    """Whether all that there was could be read."""
    message: str | None = None
    """Why the run ended before it was done, if it did."""
    files: int
    """How many files it read."""
    records: int
    """How many records these held."""
    put: int
    """How many records were put as objects; ingestion may still send some to the dead letters."""
    dropped: int
    """How many records the flow's tasks left out."""
    rejected: int
    """How many records were no objects of the object type; they are among the dead letters."""
    problems: list[FileProblem]
    """The files that could not be read."""


Flow: TypeAlias = SalesforceFlow | MarketoFlow | ZendeskFlow | ServiceNowFlow | S3Flow
"""A flow of any connector."""
