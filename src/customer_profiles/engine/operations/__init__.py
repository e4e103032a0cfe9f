"""One function an operation: its request in, its answer out; importing this fills the table."""

from customer_profiles.engine.service.registry import find

from . import (
    attributes,
    calculated_attributes,
    domains,
    event_streams,
    history,
    integrations,
    layouts,
    matches,
    merging,
    object_types,
    profile_objects,
    profiles,
    segments,
    tags,
    upload_jobs,
)

__all__ = [
    "attributes",
    "calculated_attributes",
    "domains",
    "event_streams",
    "find",
    "history",
    "integrations",
    "layouts",
    "matches",
    "merging",
    "object_types",
    "profile_objects",
    "profiles",
    "segments",
    "tags",
    "upload_jobs",
]
