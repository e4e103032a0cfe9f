"""What an operation is given beside its request."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING

from customer_profiles.engine.aws import Aws

if TYPE_CHECKING:
    from customer_profiles.engine.ingestion.compiled_types import Kind
    from customer_profiles.engine.matching.index import Known
    from customer_profiles.engine.store.database import Database

    from .clock import Clock
    from .paging import Pages


@dataclass(frozen=True, slots=True)
class Quotas:
    """The service's limits that its model does not state."""

    domains: int = 100
    """Domains in one engine. AG:amazon-connect-service-limits"""
    profile_bytes: int = 250 * 1024
    """Bytes of a profile as JSON. AG:amazon-connect-service-limits"""
    tags: int = 50
    """Tags of one resource. API:TagResource"""
    object_types: int = 100
    """Object types in one domain. AG:amazon-connect-service-limits"""
    keys: int = 10
    """Key definitions of one object type. AG:amazon-connect-service-limits"""
    objects: int = 1_000
    """Objects of one profile. AG:customer-profiles-data-limits"""
    objects_bytes: int = 51_200 * 1024
    """Bytes of all objects of one profile. AG:amazon-connect-service-limits"""
    integrations: int = 50
    """Integrations of one domain. AG:amazon-connect-service-limits"""


@dataclass(frozen=True, slots=True)
class Context:
    """The engine's parts, as an operation sees them."""

    database: Database
    clock: Clock
    pages: Pages
    quotas: Quotas
    region: str
    account_id: str
    ingestion_delay: float = 0.0
    """Seconds until an object that was put is seen."""
    matching_delay: float = 0.0
    """Seconds until the new rules of an existing domain are applied."""
    kinds: dict[tuple[str, str], Kind] = field(default_factory=dict)
    """Object types that were compiled, by name and definition."""
    aws: Aws = field(default_factory=Aws)
    """The way to S3 and SQS, which is not gone before it is needed."""

    jobs: dict[str, Thread] = field(default_factory=dict)
    """Runs of the machine matching that are not over, by their ids."""
    models: dict[int, Known] = field(default_factory=dict)
    """The models of domains that records were matched against."""
    closing: Event = field(default_factory=Event)
    """Set when the engine is being closed."""

    def arn(self, resource: str) -> str:
        """Give the ARN of a resource such as `domains/shop`."""
        return f"arn:aws:profile:{self.region}:{self.account_id}:{resource}"
