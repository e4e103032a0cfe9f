"""The models have the members of the service's shapes, no more and no less."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import pkgutil
import textwrap
from typing import TYPE_CHECKING, Any, cast, get_args

import pytest

from customer_profiles import _wire, models
from customer_profiles.models import (
    attribute,
    calculated_attribute,
    change_event,
    domain,
    event_stream,
    history,
    integration,
    job,
    layout,
    match,
    matching,
    object_type,
    person,
    profile,
    profile_object,
    segment,
    upload_job,
)
from customer_profiles.models.base import Model, wire_name
from tests.contract.not_yet import NOT_YET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

THIS_FILE = "tests/contract/test_shapes.py"
# The shapes that each model reads and writes.
SHAPES: dict[type[Model], tuple[str, ...]] = {
    profile.Profile: ("Profile", "CreateProfileRequest", "UpdateProfileRequest"),
    profile.Address: ("Address", "UpdateAddress"),
    profile.ContactPreference: ("ContactPreference",),
    profile.EngagementPreferences: ("EngagementPreferences",),
    profile.FoundBy: ("FoundByKeyValue",),
    domain.Domain: (
        "CreateDomainRequest",
        "CreateDomainResponse",
        "GetDomainResponse",
        "UpdateDomainRequest",
        "UpdateDomainResponse",
        "ListDomainItem",
    ),
    domain.DomainStats: ("DomainStats",),
    domain.DataStore: ("DataStoreRequest", "DataStoreResponse"),
    domain.Readiness: ("Readiness",),
    match.Match: ("MatchItem", "GetSimilarProfilesResponse"),
    match.MergePreview: ("GetAutoMergingPreviewResponse",),
    job.IdentityResolutionJob: ("GetIdentityResolutionJobResponse", "IdentityResolutionJob"),
    event_stream.EventStream: (
        "CreateEventStreamRequest",
        "CreateEventStreamResponse",
        "GetEventStreamResponse",
        "EventStreamSummary",
    ),
    event_stream.EventStreamDestination: ("EventStreamDestinationDetails", "DestinationSummary"),
    layout.Layout: (
        "CreateDomainLayoutRequest",
        "CreateDomainLayoutResponse",
        "GetDomainLayoutResponse",
        "UpdateDomainLayoutRequest",
        "UpdateDomainLayoutResponse",
        "LayoutItem",
    ),
    job.JobStats: ("JobStats",),
    job.ExportingLocation: ("ExportingLocation",),
    job.S3ExportingLocation: ("S3ExportingLocation",),
    matching.MatchingConfig: ("MatchingRequest", "MatchingResponse"),
    matching.JobSchedule: ("JobSchedule",),
    matching.AutoMerging: ("AutoMerging",),
    matching.Consolidation: ("Consolidation",),
    matching.ConflictResolution: ("ConflictResolution",),
    matching.ExportingConfig: ("ExportingConfig",),
    matching.S3ExportingConfig: ("S3ExportingConfig",),
    matching.RuleBasedMatchingConfig: ("RuleBasedMatchingRequest", "RuleBasedMatchingResponse"),
    matching.MatchingRule: ("MatchingRule",),
    matching.AttributeTypesSelector: ("AttributeTypesSelector",),
    object_type.ObjectType: (
        "PutProfileObjectTypeRequest",
        "PutProfileObjectTypeResponse",
        "GetProfileObjectTypeResponse",
        "ListProfileObjectTypeItem",
    ),
    object_type.ObjectTypeField: ("ObjectTypeField",),
    object_type.ObjectTypeKey: ("ObjectTypeKey",),
    object_type.ObjectTypeTemplate: (
        "GetProfileObjectTypeTemplateResponse",
        "ListProfileObjectTypeTemplateItem",
    ),
    object_type.DetectedObjectType: ("DetectedProfileObjectType",),
    profile_object.StoredObject: ("ListProfileObjectsItem",),
    history.HistoryRecord: ("GetProfileHistoryRecordResponse", "ProfileHistoryRecord"),
    calculated_attribute.CalculatedAttribute: (
        "CreateCalculatedAttributeDefinitionRequest",
        "CreateCalculatedAttributeDefinitionResponse",
        "GetCalculatedAttributeDefinitionResponse",
        "UpdateCalculatedAttributeDefinitionRequest",
        "UpdateCalculatedAttributeDefinitionResponse",
        "ListCalculatedAttributeDefinitionItem",
    ),
    calculated_attribute.CalculatedAttributeValue: (
        "CalculatedAttributeValue",
        "GetCalculatedAttributeForProfileResponse",
        "ListCalculatedAttributeForProfileItem",
    ),
    calculated_attribute.AttributeDetails: ("AttributeDetails",),
    calculated_attribute.AttributeItem: ("AttributeItem",),
    calculated_attribute.AttributeConditions: ("Conditions",),
    calculated_attribute.AttributeRange: ("Range",),
    calculated_attribute.AttributeValueRange: ("ValueRange",),
    calculated_attribute.Threshold: ("Threshold",),
    attribute.Attribute: ("ListObjectTypeAttributeItem",),
    attribute.AttributeValue: ("ListObjectTypeAttributeValuesItem", "AttributeValueItem"),
    attribute.AttributeStatistics: (
        "GetObjectTypeAttributeStatisticsResponse",
        "GetObjectTypeAttributeStatisticsStats",
    ),
    attribute.AttributePercentiles: ("GetObjectTypeAttributeStatisticsPercentiles",),
    integration.Integration: (
        "PutIntegrationResponse",
        "GetIntegrationResponse",
        "ListIntegrationItem",
    ),
    integration.Scheduled: ("ScheduledTriggerProperties",),
    upload_job.UploadJob: ("GetUploadJobResponse", "UploadJobItem", "CreateUploadJobResponse"),
    upload_job.UploadPath: ("GetUploadJobPathResponse",),
    upload_job.UploadResults: ("ResultsSummary",),
    segment.Segment: (
        "CreateSegmentDefinitionRequest",
        "CreateSegmentDefinitionResponse",
        "GetSegmentDefinitionResponse",
        "SegmentDefinitionItem",
    ),
    segment.SegmentSort: ("SegmentSort",),
    segment.SortAttribute: ("SortAttribute",),
    segment.SegmentEstimate: ("CreateSegmentEstimateResponse", "GetSegmentEstimateResponse"),
    segment.SegmentSnapshot: (
        "CreateSegmentSnapshotRequest",
        "CreateSegmentSnapshotResponse",
        "GetSegmentSnapshotResponse",
    ),
}
# Models that are this project's own: their members are not those of one shape.
OWN_MODELS = {
    change_event.ChangeEvent,
    event_stream.Delivery,
    history.Provenance,
    integration.FileProblem,
    integration.FlowRun,
    profile_object.DeadLetter,
    match.MatchDecision,
    match.ComparedField,
    match.ProfileComparison,
    match.RestoredMerge,
    match.AppliedMerge,
    person.PersonData,
    person.ErasureReceipt,
    profile.ProfileKey,
    # A flow is written in a shorter form than the service's, and converted; test_flows compares.
    integration.FlowBase,
    integration.FlowTask,
    integration.MarketoFlow,
    integration.MarketoTask,
    integration.OnDemand,
    integration.OnEvent,
    integration.S3Flow,
    integration.S3Task,
    integration.SalesforceFlow,
    integration.SalesforceTask,
    integration.ServiceNowFlow,
    integration.ServiceNowTask,
    integration.ZendeskFlow,
    integration.ZendeskTask,
}
# Shapes without a model of their own, by the reason.
WITHOUT_MODEL = {
    # Arguments and results of one method.
    "AdditionalSearchKey",
    "BatchGetCalculatedAttributeForProfileError",
    "BatchGetProfileError",
    "BatchPutProfileObjectErrorItem",
    "BatchPutProfileObjectRequestItem",
    "BatchPutProfileObjectResponseItem",
    "ConditionOverrides",
    "CreateProfileResponse",
    "FieldSourceProfileIds",
    "ObjectFilter",
    "CreateUploadJobRequest",
    "PutIntegrationRequest",
    "PutProfileObjectRequest",
    "PutProfileObjectResponse",
    "RangeOverride",
    "UpdateProfileResponse",
    # Results of GetSegmentMembership.
    "GetSegmentMembershipResponse",
    "ProfileQueryFailures",
    "ProfileQueryResult",
    # Parts of a segment's groups, which are conditions here; test_conditions compares them.
    "AddressDimension",
    "AttributeDimension",
    "CalculatedAttributeDimension",
    "CreateSegmentEstimateRequest",
    "DateDimension",
    "Dimension",
    "ExtraLengthValueProfileDimension",
    "Group",
    "ProfileAttributes",
    "ProfileDimension",
    "ProfileTypeDimension",
    "SegmentGroup",
    "SegmentGroupStructure",
    "SourceSegment",
    # A page of a list.
    "GetMatchesResponse",
    # Parts of a filter, which is a condition here.
    "Filter",
    "FilterAttributeDimension",
    "FilterDimension",
    "FilterGroup",
    # Parts of a flow, which has a shorter form here.
    "ConnectorOperator",
    "FlowDefinition",
    "IncrementalPullConfig",
    "MarketoSourceProperties",
    "S3SourceProperties",
    "SalesforceSourceProperties",
    "ServiceNowSourceProperties",
    "SourceConnectorProperties",
    "SourceFlowConfig",
    "Task",
    "TriggerConfig",
    "TriggerProperties",
    "ZendeskSourceProperties",
}
ENUMS = {
    "Gender": profile.Gender,
    "PartyType": profile.PartyType,
    "ProfileType": profile.ProfileType,
    "ContactType": profile.ContactType,
    "JobScheduleDayOfTheWeek": matching.DayOfTheWeek,
    "ConflictResolvingModel": matching.ConflictResolvingModel,
    "AttributeMatchingModel": matching.AttributeMatchingModel,
    "MatchType": match.MatchType,
    "IdentityResolutionJobStatus": job.JobStatus,
    "RuleBasedMatchingStatus": matching.RuleBasedMatchingStatus,
    "FieldContentType": object_type.ContentType,
    "StandardIdentifier": object_type.StandardIdentifier,
    "EventStreamState": event_stream.EventStreamState,
    "EventStreamDestinationStatus": event_stream.EventStreamDestinationStatus,
    "Statistic": calculated_attribute.Statistic,
    "Operator": calculated_attribute.ThresholdOperator,
    "ReadinessStatus": calculated_attribute.ReadinessStatus,
    "Unit": calculated_attribute.RangeUnit,
    "LayoutType": layout.LayoutType,
    "ActionType": history.ActionType,
    "Scope": integration.Scope,
    "DataPullMode": integration.DataPullMode,
    "TaskType": integration.TaskType,
    "OperatorPropertiesKeys": integration.TaskProperty,
    "SalesforceConnectorOperator": integration.SalesforceOperator,
    "MarketoConnectorOperator": integration.MarketoOperator,
    "ZendeskConnectorOperator": integration.ZendeskOperator,
    "ServiceNowConnectorOperator": integration.ServiceNowOperator,
    "S3ConnectorOperator": integration.S3Operator,
    "UploadJobStatus": upload_job.UploadStatus,
    "StatusReason": upload_job.UploadFailure,
    "SegmentType": segment.SegmentType,
    "EstimateStatus": segment.EstimateStatus,
    "SegmentSnapshotStatus": segment.SnapshotStatus,
    "DataFormat": segment.SnapshotFormat,
    "SegmentSortOrder": segment.SortOrder,
    "SegmentSortDataType": segment.SortDataType,
    "SortAttributeType": segment.SortAttributeType,
}
# Enums without a type of their own: a flow's class, a condition or the method's arguments say which
# value.
WITHOUT_ENUM = {
    *("SourceConnectorType", "TriggerType", "logicalOperator"),
    *("FilterDimensionType", "Include", "RangeUnit", "Type"),
    *("AttributeDimensionType", "DateDimensionType", "ProfileTypeDimensionType"),
    *("StringDimensionType", "IncludeOptions", "QueryResult"),
}


def members(shapes: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    for name in shapes:
        shape: Any = _wire.service().shape_for(name)
        # An HTTP status is no part of the JSON.
        found |= {
            name
            for name, member in shape.members.items()
            if member.serialization.get("location") != "statusCode"
        }
    # The domain of what stands in one is in the path of the request, and in the repository.
    in_a_domain = set(shapes) & {
        *("Profile", "PutProfileObjectTypeRequest", "LayoutItem"),
        "CreateCalculatedAttributeDefinitionRequest",
        *("SegmentDefinitionItem", "CreateSegmentSnapshotRequest"),
    }
    # A page's token is the list's, not the thing's. Statistics are read without their envelope.
    return found - ({"DomainName"} if in_a_domain else set()) - {"NextToken", "Statistics"}


def values_of(literal: Any) -> list[str]:
    """Return the values of a `Literal`, or of a union of such."""
    return [
        value
        for part in get_args(literal)
        for value in ([part] if isinstance(part, str) else values_of(part))
    ]


def own_models() -> Iterator[type[Model]]:
    """Yield the public models that the files of `models/` define."""
    for file in pkgutil.iter_modules(models.__path__):
        module = importlib.import_module(f"{models.__name__}.{file.name}")
        for name, value in vars(module).items():
            is_ours = inspect.isclass(value) and value.__module__ == module.__name__
            if is_ours and issubclass(value, Model) and not name.startswith("_"):
                yield value


def shapes_within(shape: Any, seen: frozenset[str] = frozenset()) -> Iterator[Shape]:
    """Yield a shape and all shapes inside it."""
    if shape is None or shape.name in seen:
        return
    yield shape
    match shape.type_name:
        case "structure":
            parts = list(shape.members.values())
        case "list":
            parts = [shape.member]
        case "map":
            parts = [shape.key, shape.value]
        case _:
            parts = []
    for part in parts:
        yield from shapes_within(part, seen | {shape.name})


def shapes_of_built_operations() -> dict[str, tuple[Shape, str]]:
    """Return the shapes that need a model or an enum, by name, each with an operation that uses it.

    Requests that read, list, search or delete and the pages that they answer with are the
    arguments and results of methods.
    """
    found: dict[str, tuple[Shape, str]] = {}
    service = _wire.service()
    for operation in sorted(set(service.operation_names) - NOT_YET):
        model = service.operation_model(operation)
        sides: list[tuple[Any, tuple[str, ...]]] = [
            (model.input_shape, ("Create", "Put", "Update")),
            (model.output_shape, ("Create", "Get", "Put", "Update")),
        ]
        for envelope, verbs in sides:
            for shape in shapes_within(envelope):
                if shape is not envelope or operation.startswith(verbs):
                    found.setdefault(shape.name, (shape, operation))
    return found


@pytest.mark.parametrize("model", list(own_models()), ids=lambda model: model.__name__)
def test_a_model_is_compared_with_its_shapes(model: type[Model]) -> None:
    assert model in SHAPES.keys() | OWN_MODELS or model.__module__ == Model.__module__, (
        f"add {model.__name__} with the names of its shapes to SHAPES in {THIS_FILE}, "
        "or to OWN_MODELS if the service has no such shape"
    )


def test_a_shape_of_a_built_operation_has_a_model() -> None:
    covered = {name for names in SHAPES.values() for name in names} | WITHOUT_MODEL
    missing = {
        name: operation
        for name, (shape, operation) in shapes_of_built_operations().items()
        if shape.type_name == "structure" and name not in covered
    }

    assert missing == {}, (
        f"no model is compared with these shapes (of the operations named): {missing}. Add them "
        f"to the entry of their model in SHAPES in {THIS_FILE}; or to WITHOUT_MODEL, if the "
        "members are arguments or results of a method"
    )


def test_an_enum_of_a_built_operation_has_a_type() -> None:
    missing = {
        name: operation
        for name, (shape, operation) in shapes_of_built_operations().items()
        if getattr(shape, "enum", None) and name not in ENUMS.keys() | WITHOUT_ENUM
    }

    assert missing == {}, (
        f"no type is compared with these enums (of the operations named): {missing}. Define a "
        f"type in models/ and add it to ENUMS in {THIS_FILE}"
    )


@pytest.mark.parametrize("model", SHAPES, ids=lambda model: model.__name__)
def test_a_model_has_the_members_of_its_shapes(model: type[Model]) -> None:
    model.model_rebuild()
    names = {wire_name(name, info) for name, info in model.model_fields.items()}
    expected = members(SHAPES[model])

    assert names == expected, (
        f"{inspect.getsourcefile(model)}: {model.__name__} lacks fields for "
        f"{sorted(expected - names)} and has {sorted(map(str, names - expected))} too many; "
        f"its shapes are {SHAPES[model]}"
    )


@pytest.mark.parametrize("model", SHAPES, ids=lambda model: model.__name__)
def test_every_field_has_a_docstring(model: type[Model]) -> None:
    """Editors and the reference read them from the source; at run time they would slow imports."""
    trees = [
        ast.parse(textwrap.dedent(inspect.getsource(base)))
        for base in model.__mro__
        if base.__module__.startswith("customer_profiles.models")
    ]
    bodies = [node.body for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    documented = {
        field.target.id
        for body in bodies
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
    }

    missing = sorted(set(model.model_fields) - documented)
    assert missing == [], f"write a docstring below {missing} of {model.__name__}"


@pytest.mark.parametrize("model", SHAPES, ids=lambda model: model.__name__)
def test_a_repr_shows_no_member_that_the_service_marks_as_sensitive(model: type[Model]) -> None:
    sensitive = {
        name
        for shape_name in SHAPES[model]
        for name, member in cast("Any", _wire.service().shape_for(shape_name)).members.items()
        if member.metadata.get("sensitive")
    }
    model.model_rebuild()
    names = {field: wire_name(field, info) for field, info in model.model_fields.items()}

    shown = repr(model.model_construct(**{field: f"canary-{field}." for field in names}))
    values = {name for field, name in names.items() if f"canary-{field}." in shown}
    leaked = sorted(values & sensitive)
    assert leaked == [], f"take {leaked} out of _shown of {model.__name__}"


@pytest.mark.parametrize("name", ENUMS)
def test_the_values_of_an_enum_are_the_service_s(name: str) -> None:
    shape: Any = _wire.service().shape_for(name)

    values, expected = set(values_of(ENUMS[name])), set(shape.enum)

    assert values == expected, (
        f"the type for {name} in models/ lacks {sorted(expected - values)} "
        f"and has {sorted(values - expected)} too many"
    )


@pytest.mark.parametrize(
    ("keywords", "model", "read_only"),
    [
        (profile.ProfileFields, profile.Profile, {"profile_id", "found_by"}),
        (profile.AddressFields, profile.Address, set()),
        (
            domain.DomainFields,
            domain.Domain,
            {"domain_name", "stats", "created_at", "last_updated_at"},
        ),
        (
            object_type.ObjectTypeFields,
            object_type.ObjectType,
            {
                "object_type_name",
                "max_available_profile_object_count",
                "created_at",
                "last_updated_at",
            },
        ),
        (
            layout.LayoutFields,
            layout.Layout,
            {"layout_definition_name", "version", "created_at", "last_updated_at"},
        ),
        (
            integration.IntegrationFields,
            integration.Integration,
            {
                "domain_name",
                "uri",
                "workflow_id",
                "is_unstructured",
                "created_at",
                "last_updated_at",
            },
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_keywords_are_the_model_s_fields(
    keywords: Any, model: type[Model], read_only: set[str]
) -> None:
    names, expected = set(keywords.__annotations__), set(model.model_fields) - read_only

    assert names == expected, (
        f"{keywords.__name__} lacks {sorted(expected - names)} "
        f"and has {sorted(names - expected)} too many"
    )
