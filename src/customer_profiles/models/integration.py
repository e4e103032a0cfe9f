"""Integrations: the sources that send objects to a domain, and their flows."""

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

    `save()` puts the integration again with what changed. The service accepts the definition of
    a flow and never returns it.
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
    """The object type of all objects of the source."""
    created_at: datetime | None = None
    """When the integration was created; read only."""
    last_updated_at: datetime | None = None
    """When the integration was last changed; read only."""
    tags: dict[str, str] | None = None
    """The tags as they were when this was read; `cp.tags` changes them."""
    object_type_names: dict[str, str] | None = None
    """The object type for each type of event, such as `ShopifyCreateOrders`."""
    workflow_id: str | None = None
    """The id of the workflow that created the integration; read only."""
    is_unstructured: bool | None = None
    """Whether the source sends unstructured data; read only."""
    role_arn: str | None = None
    """The ARN of the IAM role that the integration assumes."""
    event_trigger_names: list[str] | None = None
    """The event trigger that uses the integration; at most one."""
    scope: Annotated[Scope, OpenEnum()] | None = None
    """Whether the objects belong to profiles, or to the domain as a whole."""


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
    """The flow runs on a schedule."""

    _shown: ClassVar[frozenset[str]] = frozenset({"schedule_expression", "data_pull_mode"})

    schedule_expression: str
    """`rate(5 minutes)`, or a cron expression with six fields such as `cron(0 12 * * ? *)`."""
    data_pull_mode: DataPullMode | None = None
    """Whether a run pulls only records that are new since the last run, or all records."""
    schedule_start_time: datetime | None = None
    """The earliest time of a run."""
    schedule_end_time: datetime | None = None
    """The latest time of a run."""
    timezone: str | None = None
    """The time zone of the schedule, such as `America/New_York`."""
    schedule_offset: int | None = None
    """Seconds by which each run is later than scheduled, up to 36,000."""
    first_execution_from: datetime | None = None
    """The time from which the first incremental run pulls records."""

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
    """One step that a flow applies to each record; the base of the tasks of all connectors."""

    _shown: ClassVar[frozenset[str]] = frozenset({"task_type", "operator"})

    task_type: TaskType
    """The kind of step, which decides the operators that it can have."""
    source_fields: list[str]
    """The fields of the source that the step reads."""
    destination_field: str | None = None
    """The field that the step writes."""
    task_properties: dict[TaskProperty, str] | None = None
    """The parameters of the operator, such as `VALUE`."""

    @model_validator(mode="after")
    def _check_operator(self) -> Self:
        operator = getattr(self, "operator", None)
        if operator is not None and operator not in OPERATORS[self.task_type]:
            known = ", ".join(OPERATORS[self.task_type])
            msg = f"operator {operator} is not for a task of type {self.task_type}; use {known}"
            raise ValueError(msg)
        return self


class SalesforceTask(FlowTask):
    """A step of a Salesforce flow."""

    operator: SalesforceOperator | None = None
    """The operation; each connector has its own."""


class MarketoTask(FlowTask):
    """A step of a Marketo flow."""

    operator: MarketoOperator | None = None
    """The operation; each connector has its own."""


class ZendeskTask(FlowTask):
    """A step of a Zendesk flow."""

    operator: ZendeskOperator | None = None
    """The operation; each connector has its own."""


class ServiceNowTask(FlowTask):
    """A step of a ServiceNow flow."""

    operator: ServiceNowOperator | None = None
    """The operation; each connector has its own."""


class S3Task(FlowTask):
    """A step of an S3 flow, on the rows of files."""

    operator: S3Operator | None = None
    """The operation; each connector has its own."""


class FlowBase(Model):
    """The settings that the flows of all connectors share."""

    flow_name: str
    """The name of the flow in Amazon AppFlow: letters, digits and `_!@#.-`."""
    kms_arn: str
    """The ARN of the KMS key that the flow encrypts with."""
    description: str | None = None
    """What the flow is for."""
    datetime_type_field_name: str | None = None
    """The source's field with the time of the last change; incremental pulls go by it."""
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


class _ConnectorFlow(FlowBase):
    """The settings that the flows of all connectors but S3 share."""

    connector_profile_name: str
    """The name of the connector profile in Amazon AppFlow, which signs in to the source."""
    object: str
    """The source's object or table, such as `Contact`, `leads`, `users` or `incident`."""


class SalesforceFlow(_ConnectorFlow):
    """Pulls the records of an object of Salesforce."""

    tasks: list[SalesforceTask]
    """The steps, in order."""
    enable_dynamic_field_update: bool | None = None
    """Whether fields that are added in Salesforce later are pulled as well."""
    include_deleted_records: bool | None = None
    """Whether records that were deleted in Salesforce are pulled as well."""


class MarketoFlow(_ConnectorFlow):
    """Pulls the records of an object of Marketo."""

    tasks: list[MarketoTask]
    """The steps, in order."""


class ZendeskFlow(_ConnectorFlow):
    """Pulls the records of an object of Zendesk."""

    tasks: list[ZendeskTask]
    """The steps, in order."""


class ServiceNowFlow(_ConnectorFlow):
    """Pulls the records of a table of ServiceNow."""

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
    """A file that a flow could not read to its end; records before that were imported."""

    file: str
    """The file's key in the bucket."""
    message: str
    """What is wrong with the file, and where."""


class FlowRun(Model):
    """The result of a run of an S3 flow in the embedded engine."""

    _shown: ClassVar[frozenset[str]] = frozenset(
        {"status", "message", "files", "records", "put", "dropped", "rejected"}
    )

    domain_name: str
    """The domain of the objects."""
    uri: str
    """The URI of the flow's integration."""
    status: Literal["Successful", "Error"]
    """Whether all files could be read."""
    message: str | None = None
    """Why the run ended early; None if it did not."""
    files: int
    """How many files were read."""
    records: int
    """How many records the files have."""
    put: int
    """How many records were put as objects; ingestion may still turn some into dead letters."""
    dropped: int
    """How many records the flow's tasks filtered out."""
    rejected: int
    """How many records were refused as objects of the object type; they are dead letters."""
    problems: list[FileProblem]
    """The files that could not be read."""


Flow: TypeAlias = SalesforceFlow | MarketoFlow | ZendeskFlow | ServiceNowFlow | S3Flow
"""A flow of any connector."""
