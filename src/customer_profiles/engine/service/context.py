"""The parts of the engine, as operations receive them with a request."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from threading import Condition, Event, Lock, Thread
from typing import TYPE_CHECKING

from customer_profiles.engine.aws import Aws

if TYPE_CHECKING:
    from customer_profiles.engine.ingestion.compiled_types import CompiledType
    from customer_profiles.engine.matching.index import DomainModel
    from customer_profiles.engine.store.database import Database
    from customer_profiles.engine.uploads.spool import Spool

    from .clock import Clock
    from .paging import Pages

WORKER = "pending-work"
"""The name of the thread that does pending work, among the threads of jobs."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """The service's limits that are not in its model."""

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
    layouts: int = 100
    """Layouts of one domain; AWS documents no limit."""
    calculated_attributes: int = 50
    """Calculated attributes of one domain. AG:amazon-connect-service-limits"""
    upload_bytes: int = 1_000_000_000
    """The size below which the file of an upload job must be.
    AG:customer-segments-imported-files"""
    segment_definitions: int = 1_000_000
    """Segment definitions of one domain; AWS documents no limit."""
    snapshots: int = 200
    """Snapshots of segments in a domain and 24 hours. AG:amazon-connect-service-limits"""


@dataclass(slots=True)
class FeedSignals:
    """How writers tell threads of this process that a change was stored."""

    changed: Condition = field(default_factory=Condition)
    """Notified after each transaction that stored changes."""
    count: int = 0
    """How often it was notified."""
    changed_at: float = -math.inf
    """When it was notified last, as `time.monotonic` has it."""
    trim_at: float = 0.0
    """The engine's time from which old changes are to be removed again."""


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of an engine."""

    database: Database
    clock: Clock
    pages: Pages
    quotas: Quotas
    region: str
    account_id: str
    spool: Spool
    """The folder of uploaded files."""
    upload_uri: str | None = None
    """The folder of a bucket, such as `s3://bucket/uploads`, to which files are uploaded."""
    ingestion_delay: float = 0.0
    """Seconds until an object that was put is ingested."""
    matching_delay: float = 0.0
    """Seconds until the new rules of an existing domain are applied."""
    compiled_types: dict[tuple[str, str], CompiledType] = field(default_factory=dict)
    """Compiled object types, by name and definition."""
    aws: Aws = field(default_factory=Aws)
    """The clients of S3, SQS and Kinesis, which are made when they are first needed."""
    jobs: dict[str, Thread] = field(default_factory=dict)
    """The threads of running identity-resolution jobs, by job id, and those of other work."""
    models: dict[int, DomainModel] = field(default_factory=dict)
    """The models of domains against which records were matched, by domain."""
    pace: dict[str, int] = field(default_factory=dict)
    """How many records the next transaction of many takes, by their kind."""
    feed: FeedSignals = field(default_factory=FeedSignals)
    """The signals of the change feed."""
    long_steps: Lock = field(default_factory=Lock)
    """A lock for steps of pending work that run outside of a write transaction."""
    closing: Event = field(default_factory=Event)
    """Set when the engine is being closed, to stop its jobs."""

    @property
    def is_working(self) -> bool:
        """Whether a thread of this engine does pending work."""
        thread = self.jobs.get(WORKER)
        return thread is not None and thread.is_alive()

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource such as `domains/shop`."""
        return f"arn:aws:profile:{self.region}:{self.account_id}:{resource}"
