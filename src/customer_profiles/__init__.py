"""A typed SDK and ORM for Amazon Connect Customer Profiles, with the service itself embedded."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from customer_profiles._channels import AwsChannel, Channel, EngineChannel
    from customer_profiles._client import CustomerProfiles
    from customer_profiles._gateway import RetryPolicy
    from customer_profiles._results import Results
    from customer_profiles._version import __version__
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
    )
    from customer_profiles.models.domain import (
        DataStore,
        Domain,
        DomainFields,
        DomainStats,
        Readiness,
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
    from customer_profiles.models.profile import (
        Address,
        AddressFields,
        ContactPreference,
        EngagementPreferences,
        FoundBy,
        Profile,
        ProfileFields,
    )
    from customer_profiles.repositories.domains import Domains
    from customer_profiles.repositories.profiles import FindOrCreate, Lookup, Profiles
    from customer_profiles.repositories.tags import Tags

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
    ),
    "models.domain": ("DataStore", "Domain", "DomainFields", "DomainStats", "Readiness"),
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
    "models.profile": (
        "Address",
        "AddressFields",
        "ContactPreference",
        "EngagementPreferences",
        "FoundBy",
        "Profile",
        "ProfileFields",
    ),
    "repositories.domains": ("Domains",),
    "repositories.profiles": ("FindOrCreate", "Lookup", "Profiles"),
    "repositories.tags": ("Tags",),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "AccessDeniedError",
    "Address",
    "AddressFields",
    "AmbiguousWriteError",
    "AttributeTypesSelector",
    "AutoMerging",
    "AwsChannel",
    "BadRequestError",
    "BatchError",
    "Channel",
    "ConflictResolution",
    "ConnectionFailedError",
    "Consolidation",
    "ContactPreference",
    "CustomerProfiles",
    "CustomerProfilesError",
    "DataStore",
    "DetachedError",
    "Domain",
    "DomainFields",
    "DomainStats",
    "Domains",
    "EngagementPreferences",
    "EngineChannel",
    "ExportingConfig",
    "FindOrCreate",
    "FoundBy",
    "InternalServerError",
    "InvalidInputError",
    "JobSchedule",
    "Lookup",
    "MatchingConfig",
    "MatchingRule",
    "MultipleResultsError",
    "NoResultError",
    "PaginationError",
    "Profile",
    "ProfileFields",
    "Profiles",
    "Readiness",
    "ResourceNotFoundError",
    "Results",
    "RetryPolicy",
    "RuleBasedMatchingConfig",
    "S3ExportingConfig",
    "ServiceError",
    "StoreError",
    "Tags",
    "ThrottlingError",
    "UnreadableAnswerError",
    "__version__",
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
