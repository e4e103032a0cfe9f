"""The rules of a FlowDefinition that the service's model cannot say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from customer_profiles import _wire
from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.store import integrations as store

from . import schedules
from .tasks import compile_tasks

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.store.database import Connection

# The member of SourceConnectorProperties and ConnectorOperator for a ConnectorType.
_MEMBERS = {"Servicenow": "ServiceNow"}
_LAST_TIME = 7_258_118_400
"""The end of the year 2199, which is the last of a cron expression."""


def check(flow: Wire, now: float) -> None:
    """Check a flow.

    Raises:
        Refusal: a rule is broken; the message names the member and the rule.
    """
    shape: Any = _wire.service().shape_for("FlowName")
    # The model's text on FlowName: spaces are not allowed.
    if not re.fullmatch(shape.metadata["pattern"], flow["FlowName"]):
        raise bad_request(
            "FlowName must begin with a letter or digit, followed by letters, digits or _!@#.- only"
        )
    source = flow["SourceFlowConfig"]
    connector: str = source["ConnectorType"]
    member: str = _MEMBERS.get(connector, connector)
    _check_source(source, member)
    _check_trigger(flow["TriggerConfig"], connector, now)
    _check_pull(source, flow["TriggerConfig"])
    if not flow["Tasks"]:
        # Assumed: a flow has at least one task.
        raise bad_request("Tasks is empty; give the steps of the flow, such as a Filter")
    compile_tasks(flow["Tasks"], member)


def scheduled(flow: Wire) -> Wire | None:
    """Return the properties of a scheduled flow's trigger; None for other flows."""
    trigger = flow["TriggerConfig"]
    if trigger["TriggerType"] != "Scheduled":
        return None
    properties: Wire = trigger["TriggerProperties"]["Scheduled"]
    return properties


def is_incremental(flow: Wire) -> bool:
    """Return whether a run pulls only what is new since the last one."""
    trigger = scheduled(flow)
    # Assumed: a schedule without DataPullMode pulls incrementally.
    return trigger is not None and trigger.get("DataPullMode", "Incremental") == "Incremental"


def bucket_of(flow: Wire) -> tuple[str, str] | None:
    """Return the bucket and folder that an S3 flow pulls from; None for other connectors."""
    source: Any = flow["SourceFlowConfig"]["SourceConnectorProperties"].get("S3")
    if source is None:
        return None
    folder = source.get("BucketPrefix", "").lstrip("/")
    # Assumed: BucketPrefix is a folder; files in folders below it are pulled as well.
    return source["BucketName"], folder if not folder or folder.endswith("/") else f"{folder}/"


def _check_source(source: Wire, member: str) -> None:
    connectors = list(source["SourceConnectorProperties"])
    where = "SourceFlowConfig.SourceConnectorProperties"
    if member not in connectors:
        raise bad_request(
            f"{where}.{member} is missing; ConnectorType {source['ConnectorType']} needs it"
        )
    if others := [name for name in connectors if name != member]:
        raise bad_request(
            f"{where}.{others[0]} does not belong to ConnectorType {source['ConnectorType']}; "
            f"give only {member}"
        )
    # Assumed: every connector but S3 needs ConnectorProfileName.
    if member != "S3" and "ConnectorProfileName" not in source:
        raise bad_request(
            f"SourceFlowConfig.ConnectorProfileName is missing; {member} signs in with it"
        )


def _check_trigger(trigger: Wire, connector: str, now: float) -> None:
    kind = trigger["TriggerType"]
    schedule: Wire | None = trigger.get("TriggerProperties", {}).get("Scheduled")
    where = "TriggerConfig.TriggerProperties.Scheduled"
    if kind != "Scheduled":
        if schedule is not None:
            # The model's text on TriggerProperties: they are for schedules only.
            raise bad_request(f"{where} is for TriggerType Scheduled only, not for {kind}")
        if (kind, connector) == ("Event", "S3"):
            # Assumed: a flow of S3 runs on demand or on schedule, not on events.
            raise bad_request("TriggerConfig.TriggerType Event is not for S3; use Scheduled")
        return
    if schedule is None:
        raise bad_request(f"{where} is missing; a scheduled flow needs its ScheduleExpression")
    _check_times(schedule, where)
    try:
        schedules.first_run(schedule, now, now)
    except ValueError as error:
        raise bad_request(f"{where}.ScheduleExpression cannot be read: {error}") from None
    zone = schedule.get("Timezone")
    # AppFlow's API:ScheduledTriggerProperties: the time zone does not change when a flow runs.
    if zone is not None and not schedules.time_zone_is_known(zone):
        raise bad_request(f"{where}.Timezone is no time zone; give one such as America/New_York")


def _check_times(schedule: Wire, where: str) -> None:
    for name in ("ScheduleStartTime", "ScheduleEndTime", "FirstExecutionFrom"):
        if not 0 <= schedule.get(name, 0) < _LAST_TIME:
            raise bad_request(f"{where}.{name} must be from 1970 to 2199, in epoch seconds")
    start, end = schedule.get("ScheduleStartTime"), schedule.get("ScheduleEndTime")
    if start is not None and end is not None and end <= start:
        raise bad_request(f"{where}.ScheduleEndTime must be later than ScheduleStartTime")


def _check_pull(source: Wire, trigger: Wire) -> None:
    field = source.get("IncrementalPullConfig", {}).get("DatetimeTypeFieldName")
    properties = trigger.get("TriggerProperties", {}).get("Scheduled", {})
    if field is not None and properties.get("DataPullMode", "Complete") == "Complete":
        # The model's text on IncrementalPullConfig: it is for incremental pulls of schedules.
        raise bad_request(
            "SourceFlowConfig.IncrementalPullConfig.DatetimeTypeFieldName is for a scheduled flow "
            "with DataPullMode Incremental"
        )


def existing_integration(connection: Connection, request: Wire) -> store.Integration:
    """Read the integration that a request names, or refuse."""
    domain = domain_row(connection, request["DomainName"])
    found = store.find(connection, domain.id, request["Uri"])
    if found is None:
        # Assumed: the message for a missing integration names it.
        raise not_found(f"Integration {request['Uri']} does not exist in the domain")
    return found
