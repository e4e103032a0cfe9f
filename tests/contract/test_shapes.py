"""The models hold what the service's shapes hold, no more and no less."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from typing import Any, get_args

import pytest

from customer_profiles import _wire
from customer_profiles.models import (
    domain,
    history,
    integration,
    job,
    match,
    matching,
    object_type,
    profile,
    profile_object,
)
from customer_profiles.models.base import Model

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
    integration.Integration: (
        "PutIntegrationResponse",
        "GetIntegrationResponse",
        "ListIntegrationItem",
    ),
    integration.Scheduled: ("ScheduledTriggerProperties",),
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
}


def members(shapes: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    for name in shapes:
        shape: Any = _wire.service().shape_for(name)
        found |= set(shape.members)
    # The domain of what stands in one is in the path of the request, and in the repository.
    in_a_domain = {"Profile", "PutProfileObjectTypeRequest"} & set(shapes)
    # A page's token is the list's, not the thing's.
    return found - ({"DomainName"} if in_a_domain else set()) - {"NextToken"}


def values_of(literal: Any) -> list[str]:
    """Give the values of a `Literal`, or of a union of such."""
    return [
        value
        for part in get_args(literal)
        for value in ([part] if isinstance(part, str) else values_of(part))
    ]


@pytest.mark.parametrize("model", SHAPES, ids=lambda model: model.__name__)
def test_a_model_has_the_members_of_its_shapes(model: type[Model]) -> None:
    model.model_rebuild()
    names = {info.serialization_alias for info in model.model_fields.values()}

    assert names == members(SHAPES[model])


@pytest.mark.parametrize("model", SHAPES, ids=lambda model: model.__name__)
def test_every_field_has_a_docstring(model: type[Model]) -> None:
    """Editors and the reference read them from the source; at run time they would cost start-up."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef))
    told = {
        field.target.id
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
    }

    assert set(model.model_fields) <= told


@pytest.mark.parametrize("name", ENUMS)
def test_the_values_of_an_enum_are_the_service_s(name: str) -> None:
    shape: Any = _wire.service().shape_for(name)

    assert set(values_of(ENUMS[name])) == set(shape.enum)


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
    assert set(keywords.__annotations__) == set(model.model_fields) - read_only
