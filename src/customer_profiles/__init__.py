"""A typed SDK and ORM for Amazon Connect Customer Profiles, with the service itself embedded."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._channels import AwsChannel, Channel, EngineChannel
    from ._client import CustomerProfiles
    from ._gateway import RetryPolicy
    from ._results import Results
    from ._version import __version__
    from .errors import (
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
    from .mapping.codegen import codegen
    from .mapping.markers import Content, Key, Source, Target
    from .mapping.plan import Change, Plan
    from .mapping.profile_object import ProfileObject
    from .models.domain import DataStore, Domain, DomainFields, DomainStats, Readiness
    from .models.history import HistoryRecord, Provenance
    from .models.integration import (
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
    from .models.job import ExportingLocation, IdentityResolutionJob, JobStats, S3ExportingLocation
    from .models.layout import Layout, LayoutFields
    from .models.match import Match, MergePreview
    from .models.matching import (
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
    from .models.object_type import (
        DetectedObjectType,
        ObjectType,
        ObjectTypeField,
        ObjectTypeFields,
        ObjectTypeKey,
        ObjectTypeTemplate,
    )
    from .models.profile import (
        Address,
        AddressFields,
        ContactPreference,
        EngagementPreferences,
        FoundBy,
        Profile,
        ProfileFields,
    )
    from .models.profile_object import DeadLetter, JsonObject, StoredObject
    from .repositories.domains import Domains
    from .repositories.history import History
    from .repositories.integrations import AccountIntegrations, Integrations
    from .repositories.jobs import Jobs
    from .repositories.layouts import Layouts
    from .repositories.matches import Matches, MatchResults
    from .repositories.object_types import ObjectTypes
    from .repositories.profile_objects import ObjectsOfProfile, ProfileObjects, PutResult
    from .repositories.profiles import FindOrCreate, Lookup, Profiles
    from .repositories.tags import Tags
    from .repositories.templates import Templates

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
    "models.layout": ("Layout", "LayoutFields"),
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
    "repositories.layouts": ("Layouts",),
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
    "Layout",
    "LayoutFields",
    "Layouts",
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
