"""Flows: wrong combinations fail at construction, and the wire has the service's shape."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from customer_profiles import (
    Flow,
    MarketoFlow,
    MarketoTask,
    OnDemand,
    OnEvent,
    S3Flow,
    S3Task,
    SalesforceFlow,
    SalesforceTask,
    Scheduled,
    ServiceNowFlow,
    ServiceNowTask,
    ZendeskFlow,
    ZendeskTask,
    _wire,
)
from customer_profiles.models.integration import TaskType
from customer_profiles.repositories.integrations import _definition

KMS = "arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012"
COMMON: dict[str, Any] = {"flow_name": "contacts", "kms_arn": KMS}
SAAS: dict[str, Any] = {**COMMON, "connector_profile_name": "mine", "object": "Contact"}
STEP: dict[str, Any] = {"task_type": "Map", "source_fields": ["Id"], "operator": "NO_OP"}
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SCHEDULE = Scheduled(
    schedule_expression="rate(5 minutes)",
    data_pull_mode="Incremental",
    schedule_start_time=NOON,
    schedule_end_time=datetime(2026, 2, 2, tzinfo=UTC),
    timezone="Europe/London",
    schedule_offset=60,
    first_execution_from=NOON,
)
FLOWS: list[Flow] = [
    SalesforceFlow(
        **SAAS,
        description="All contacts",
        tasks=[
            SalesforceTask(**STEP, destination_field="Id", task_properties={"DATA_TYPE": "string"})
        ],
        enable_dynamic_field_update=True,
        include_deleted_records=False,
        datetime_type_field_name="LastModifiedDate",
        trigger=SCHEDULE,
    ),
    MarketoFlow(**SAAS, tasks=[MarketoTask(**STEP)], trigger=OnDemand()),
    ZendeskFlow(**SAAS, tasks=[ZendeskTask(**STEP)], trigger=OnEvent()),
    ServiceNowFlow(**SAAS, tasks=[ServiceNowTask(**STEP)]),
    S3Flow(**COMMON, bucket_name="shop", bucket_prefix="in/", tasks=[S3Task(**STEP)]),
]
SHAPE: Any = _wire.service().shape_for("FlowDefinition")


def paths(value: Any, path: str = "") -> Iterator[str]:
    """Give the paths of all members of a wire value."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield f"{path}.{name}"
        yield from paths(inner, f"{path}.{name}")
    for item in value if isinstance(value, list) else ():
        yield from paths(item, path)


def members(shape: Any, path: str = "") -> Iterator[str]:
    """Give the paths of all members of a shape."""
    if shape.type_name == "list":
        yield from members(shape.member, path)
    for name, member in shape.members.items() if shape.type_name == "structure" else ():
        yield f"{path}.{name}"
        yield from members(member, f"{path}.{name}")


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: type(flow).__name__)
def test_a_flow_has_the_service_s_shape(flow: Flow) -> None:
    assert _wire.problems(_definition(flow), SHAPE) == []


def test_the_flows_together_reach_every_member_of_the_shape() -> None:
    reached = {path for flow in FLOWS for path in paths(_definition(flow))}

    assert set(members(SHAPE)) - reached == set()


def test_a_scheduled_flow_on_the_wire() -> None:
    wire = _definition(FLOWS[0])

    assert wire["SourceFlowConfig"]["IncrementalPullConfig"] == {
        "DatetimeTypeFieldName": "LastModifiedDate"
    }
    assert wire["TriggerConfig"]["TriggerType"] == "Scheduled"
    scheduled = wire["TriggerConfig"]["TriggerProperties"]["Scheduled"]
    assert scheduled["ScheduleStartTime"] == NOON.timestamp()


def test_service_now_is_spelled_in_two_ways() -> None:
    source = _definition(FLOWS[3])["SourceFlowConfig"]

    assert source["ConnectorType"] == "Servicenow"
    assert source["SourceConnectorProperties"] == {"ServiceNow": {"Object": "Contact"}}


@pytest.mark.parametrize(
    ("task", "operator"),
    [(ZendeskTask, "LESS_THAN"), (MarketoTask, "CONTAINS"), (S3Task, "CONTAINS")],
)
def test_an_operator_that_the_connector_lacks_is_refused(task: Any, operator: str) -> None:
    with pytest.raises(ValidationError, match="operator"):
        task(task_type="Filter", source_fields=["Id"], operator=operator)


@pytest.mark.parametrize(
    ("task_type", "operator"), [("Map", "ADDITION"), ("Mask", "NO_OP"), ("Filter", "MASK_ALL")]
)
def test_an_operator_of_another_task_is_refused(task_type: TaskType, operator: Any) -> None:
    with pytest.raises(ValidationError, match=f"{operator} is not for a task of type {task_type}"):
        SalesforceTask(task_type=task_type, source_fields=["Id"], operator=operator)


def test_a_task_of_another_connector_is_refused() -> None:
    with pytest.raises(ValidationError, match="tasks"):
        ZendeskFlow(**SAAS, tasks=[SalesforceTask(**STEP)])  # type: ignore[list-item]


def test_a_schedule_needs_its_expression() -> None:
    with pytest.raises(ValidationError, match="schedule_expression"):
        Scheduled()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "expression",
    [
        "rate(5 minutes)",
        "rate (1 day)",
        "rate(5minutes)",
        "cron(0 12 * * ? *)",
        "cron(0/5 8-17 ? * MON-FRI *)",
    ],
)
def test_a_schedule_is_a_rate_or_a_cron_expression(expression: str) -> None:
    assert Scheduled(schedule_expression=expression).schedule_expression == expression


@pytest.mark.parametrize(
    "expression",
    ["rate(0 days)", "rate(5)", "rate(5 years)", "cron(0 12 * *)", "5 minutes", ""],
)
def test_any_other_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ValidationError, match="a schedule is"):
        Scheduled(schedule_expression=expression)


def test_a_schedule_ends_after_it_starts() -> None:
    with pytest.raises(ValidationError, match="schedule_end_time must be later"):
        Scheduled(
            schedule_expression="rate(1 day)", schedule_start_time=NOON, schedule_end_time=NOON
        )


@pytest.mark.parametrize(
    "trigger",
    [OnDemand(), Scheduled(schedule_expression="rate(1 day)", data_pull_mode="Complete")],
)
def test_a_field_for_incremental_pulls_needs_such_pulls(trigger: Any) -> None:
    with pytest.raises(ValidationError, match="Incremental"):
        SalesforceFlow(
            **SAAS, tasks=[], datetime_type_field_name="LastModifiedDate", trigger=trigger
        )


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: type(flow).__name__)
def test_a_repr_shows_nothing_of_a_flow(flow: Flow) -> None:
    assert "Contact" not in repr(flow)
    assert KMS not in repr(flow)
