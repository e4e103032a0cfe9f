"""A typed SDK and ORM for Amazon Connect Customer Profiles, with the service itself embedded."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from customer_profiles._channels import (
        AwsChannel,
        Channel,
        EngineChannel,
    )
    from customer_profiles._client import (
        CustomerProfiles,
    )
    from customer_profiles._gateway import (
        RetryPolicy,
    )
    from customer_profiles._results import (
        Results,
    )
    from customer_profiles._version import (
        __version__,
    )
    from customer_profiles.errors import (
        AccessDeniedError,
        AmbiguousWriteError,
        BadRequestError,
        BatchError,
        ConnectionFailedError,
        CustomerProfilesError,
        DetachedError,
        InternalServerError,
        InvalidInputError,
        MultipleResultsError,
        NoResultError,
        PaginationError,
        ResourceNotFoundError,
        ServiceError,
        StoreError,
        ThrottlingError,
        UnreadableAnswerError,
        WaitTimeoutError,
    )
    from customer_profiles.mapping.codegen import (
        codegen,
    )
    from customer_profiles.mapping.markers import (
        Content,
        Key,
        Source,
        Target,
    )
    from customer_profiles.mapping.plan import (
        Change,
        Plan,
    )
    from customer_profiles.mapping.profile_object import (
        ProfileObject,
    )
    from customer_profiles.models.domain import (
        DataStore,
        Domain,
        DomainFields,
        DomainStats,
        Readiness,
    )
    from customer_profiles.models.history import (
        HistoryRecord,
        Provenance,
    )
    from customer_profiles.models.integration import (
        FileProblem,
        Flow,
        FlowRun,
        Integration,
        IntegrationFields,
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
    )
    from customer_profiles.models.job import (
        ExportingLocation,
        IdentityResolutionJob,
        JobStats,
        S3ExportingLocation,
    )
    from customer_profiles.models.match import (
        Match,
        MergePreview,
    )
    from customer_profiles.models.matching import (
        AttributeTypesSelector,
        AutoMerging,
        ConflictResolution,
        Consolidation,
        ExportingConfig,
        JobSchedule,
        MatchingConfig,
        MatchingRule,
        RuleBasedMatchingConfig,
        S3ExportingConfig,
    )
    from customer_profiles.models.object_type import (
        DetectedObjectType,
        ObjectType,
        ObjectTypeField,
        ObjectTypeFields,
        ObjectTypeKey,
        ObjectTypeTemplate,
    )
    from customer_profiles.models.profile import (
        Address,
        AddressFields,
        ContactPreference,
        EngagementPreferences,
        FoundBy,
        Profile,
        ProfileFields,
    )
    from customer_profiles.models.profile_object import (
        DeadLetter,
        JsonObject,
        StoredObject,
    )
    from customer_profiles.repositories.domains import (
        Domains,
    )
    from customer_profiles.repositories.history import (
        History,
    )
    from customer_profiles.repositories.integrations import (
        AccountIntegrations,
        Integrations,
    )
    from customer_profiles.repositories.jobs import (
        Jobs,
    )
    from customer_profiles.repositories.matches import (
        Matches,
        MatchResults,
    )
    from customer_profiles.repositories.object_types import (
        ObjectTypes,
    )
    from customer_profiles.repositories.profile_objects import (
        ObjectsOfProfile,
        ProfileObjects,
        PutResult,
    )
    from customer_profiles.repositories.profiles import (
        FindOrCreate,
        Lookup,
        Profiles,
    )
    from customer_profiles.repositories.tags import (
        Tags,
    )
    from customer_profiles.repositories.templates import (
        Templates,
    )

# A name is imported when it is first used: a script pays for what it touches (PEP 562).
_ROOMS = {
    "_channels": ("AwsChannel", "Channel", "EngineChannel"),
    "_client": ("CustomerProfiles",),
    "_gateway": ("RetryPolicy",),
    "_results": ("Results",),
    "_version": ("__version__",),
    "errors": (
        "AccessDeniedError",
        "AmbiguousWriteError",
        "BadRequestError",
        "BatchError",
        "ConnectionFailedError",
        "CustomerProfilesError",
        "DetachedError",
        "InternalServerError",
        "InvalidInputError",
        "MultipleResultsError",
        "NoResultError",
        "PaginationError",
        "ResourceNotFoundError",
        "ServiceError",
        "StoreError",
        "ThrottlingError",
        "UnreadableAnswerError",
        "WaitTimeoutError",
    ),
    "mapping.codegen": ("codegen",),
    "mapping.markers": ("Content", "Key", "Source", "Target"),
    "mapping.plan": ("Change", "Plan"),
    "mapping.profile_object": ("ProfileObject",),
    "models.domain": ("DataStore", "Domain", "DomainFields", "DomainStats", "Readiness"),
    "models.history": ("HistoryRecord", "Provenance"),
    "models.integration": (
        "FileProblem",
        "Flow",
        "FlowRun",
        "Integration",
        "IntegrationFields",
        "MarketoFlow",
        "MarketoTask",
        "OnDemand",
        "OnEvent",
        "S3Flow",
        "S3Task",
        "SalesforceFlow",
        "SalesforceTask",
        "Scheduled",
        "ServiceNowFlow",
        "ServiceNowTask",
        "ZendeskFlow",
        "ZendeskTask",
    ),
    "models.job": (
        "ExportingLocation",
        "IdentityResolutionJob",
        "JobStats",
        "S3ExportingLocation",
    ),
    "models.match": ("Match", "MergePreview"),
    "models.matching": (
        "AttributeTypesSelector",
        "AutoMerging",
        "ConflictResolution",
        "Consolidation",
        "ExportingConfig",
        "JobSchedule",
        "MatchingConfig",
        "MatchingRule",
        "RuleBasedMatchingConfig",
        "S3ExportingConfig",
    ),
    "models.object_type": (
        "DetectedObjectType",
        "ObjectType",
        "ObjectTypeField",
        "ObjectTypeFields",
        "ObjectTypeKey",
        "ObjectTypeTemplate",
    ),
    "models.profile": (
        "Address",
        "AddressFields",
        "ContactPreference",
        "EngagementPreferences",
        "FoundBy",
        "Profile",
        "ProfileFields",
    ),
    "models.profile_object": ("DeadLetter", "JsonObject", "StoredObject"),
    "repositories.domains": ("Domains",),
    "repositories.history": ("History",),
    "repositories.integrations": ("AccountIntegrations", "Integrations"),
    "repositories.jobs": ("Jobs",),
    "repositories.matches": ("MatchResults", "Matches"),
    "repositories.object_types": ("ObjectTypes",),
    "repositories.profile_objects": ("ObjectsOfProfile", "ProfileObjects", "PutResult"),
    "repositories.profiles": ("FindOrCreate", "Lookup", "Profiles"),
    "repositories.tags": ("Tags",),
    "repositories.templates": ("Templates",),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "AccessDeniedError",
    "AccountIntegrations",
    "Address",
    "AddressFields",
    "AmbiguousWriteError",
    "AttributeTypesSelector",
    "AutoMerging",
    "AwsChannel",
    "BadRequestError",
    "BatchError",
    "Change",
    "Channel",
    "ConflictResolution",
    "ConnectionFailedError",
    "Consolidation",
    "ContactPreference",
    "Content",
    "CustomerProfiles",
    "CustomerProfilesError",
    "DataStore",
    "DeadLetter",
    "DetachedError",
    "DetectedObjectType",
    "Domain",
    "DomainFields",
    "DomainStats",
    "Domains",
    "EngagementPreferences",
    "EngineChannel",
    "ExportingConfig",
    "ExportingLocation",
    "FileProblem",
    "FindOrCreate",
    "Flow",
    "FlowRun",
    "FoundBy",
    "History",
    "HistoryRecord",
    "IdentityResolutionJob",
    "Integration",
    "IntegrationFields",
    "Integrations",
    "InternalServerError",
    "InvalidInputError",
    "JobSchedule",
    "JobStats",
    "Jobs",
    "JsonObject",
    "Key",
    "Lookup",
    "MarketoFlow",
    "MarketoTask",
    "Match",
    "MatchResults",
    "Matches",
    "MatchingConfig",
    "MatchingRule",
    "MergePreview",
    "MultipleResultsError",
    "NoResultError",
    "ObjectType",
    "ObjectTypeField",
    "ObjectTypeFields",
    "ObjectTypeKey",
    "ObjectTypeTemplate",
    "ObjectTypes",
    "ObjectsOfProfile",
    "OnDemand",
    "OnEvent",
    "PaginationError",
    "Plan",
    "Profile",
    "ProfileFields",
    "ProfileObject",
    "ProfileObjects",
    "Profiles",
    "Provenance",
    "PutResult",
    "Readiness",
    "ResourceNotFoundError",
    "Results",
    "RetryPolicy",
    "RuleBasedMatchingConfig",
    "S3ExportingConfig",
    "S3ExportingLocation",
    "S3Flow",
    "S3Task",
    "SalesforceFlow",
    "SalesforceTask",
    "Scheduled",
    "ServiceError",
    "ServiceNowFlow",
    "ServiceNowTask",
    "Source",
    "StoreError",
    "StoredObject",
    "Tags",
    "Target",
    "Templates",
    "ThrottlingError",
    "UnreadableAnswerError",
    "WaitTimeoutError",
    "ZendeskFlow",
    "ZendeskTask",
    "__version__",
    "codegen",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
