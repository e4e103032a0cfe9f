"""All that a domain stores about one person: reading it, and erasing it."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from customer_profiles._standard_objects import PROFILE, STANDARD_OBJECTS
from customer_profiles.channels.embedded import EngineChannel
from customer_profiles.errors import (
    BadRequestError,
    CustomerProfilesError,
    ResourceNotFoundError,
    StoreError,
)
from customer_profiles.models.history import Provenance
from customer_profiles.models.match import MatchDecision
from customer_profiles.models.person import ErasureReceipt, PersonData
from customer_profiles.models.profile import ProfileKey
from customer_profiles.models.profile_object import StoredObject

from .history import History
from .matches import Matches
from .object_types import ObjectTypes
from .profile_objects import ObjectsOfProfile
from .profiles import Profiles
from .undo import remove_undo_files

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from customer_profiles._gateway import Gateway
    from customer_profiles._wire import Wire

_NO_KEYS = "search keys: AWS does not return them"
_NO_PROVENANCE = "provenance of values: AWS does not return it; the history has the objects"
_NO_MATCHES = "matches: the domain's matching is not enabled"
_ELSEWHERE = (
    "undo files of merges in other folders",
    "backups and copies of the database file, exports, and the files that it was loaded from",
    "dead letters that an SQS queue has accepted, and matches that a job exported to S3",
    "records that an event stream has sent to Kinesis, and what followers made of changes",
)
_ELSEWHERE_ON_AWS = (
    "dead letters in SQS, exports and segment snapshots in S3, and event streams",
    "the sources of integrations, which import the person again",
)
_NOT_COMPACTED = (
    "deleted rows in the database file, which another process uses or for which the disk has no "
    "room: they are overwritten, but earlier versions of them may remain until the next erasure"
)


def read_person(gateway: Gateway, domain_name: str, profile_id: str) -> PersonData:
    """Read all that a domain stores about a profile."""
    profile = Profiles(gateway, domain_name).get(profile_id)
    person = PersonData(domain_name=domain_name, exported_at=datetime.now(UTC), profile=profile)
    person.objects = list(objects_of(gateway, domain_name, profile_id))
    person.history = [record.refresh() for record in History(gateway, domain_name, profile_id)]
    missing: list[str] = []
    try:
        match = Matches(gateway, domain_name).similar(profile_id)
        person.matched_profile_ids = [] if match is None else match.profile_ids
    except BadRequestError:
        missing.append(_NO_MATCHES)
    if isinstance(gateway.channel, EngineChannel):
        extras = gateway.channel.extras
        keys = extras.profile_keys(domain_name, profile_id)
        person.keys = [ProfileKey._from_wire(wire) for wire in keys]
        sources = extras.provenance(domain_name, profile_id)
        person.provenance = {
            path: Provenance._from_wire(wire) for path, wire in sorted(sources.items())
        }
        decisions = map(MatchDecision._from_wire, extras.decisions(domain_name))
        person.decisions = [
            decision for decision in decisions if profile_id in decision.profile_ids
        ]
    else:
        missing += [_NO_KEYS, _NO_PROVENANCE]
    person.not_included = missing
    return person


def objects_of(
    gateway: Gateway, domain_name: str, profile_id: str, *, standard: bool = True
) -> Iterator[StoredObject]:
    """Yield the objects of a profile of all types.

    Args:
        gateway: where to send the requests.
        domain_name: the domain.
        profile_id: the profile.
        standard: whether to read the standard objects, which other objects fill, too.
    """
    types = ObjectTypes(gateway, domain_name).all()
    for object_type in types:
        name = object_type.object_type_name
        yield from ObjectsOfProfile[StoredObject](gateway, domain_name, profile_id, name)
    if not standard:
        return
    for name in STANDARD_OBJECTS:
        if name != PROFILE:
            # AWS may not list the objects of standard types that nothing has filled.
            with suppress(ResourceNotFoundError, BadRequestError):
                yield from ObjectsOfProfile[StoredObject](gateway, domain_name, profile_id, name)


def forget_person(
    gateway: Gateway,
    domain_name: str,
    profile_id: str,
    *,
    compact: bool,
    undo: str | os.PathLike[str] | None,
) -> ErasureReceipt:
    """Erase a profile and what belongs to it, and return the receipt."""
    if isinstance(gateway.channel, EngineChannel):
        extras = gateway.channel.extras
        receipt = ErasureReceipt._from_wire(
            _with_rest(extras.erase_profile(domain_name, profile_id))
        )
        if compact:
            with suppress(StoreError):  # The person is erased, and the receipt must not be lost.
                receipt.is_compacted = extras.compact()
            if not receipt.is_compacted:
                receipt.not_reached.insert(0, _NOT_COMPACTED)
    else:
        receipt = _forget_on_aws(gateway, domain_name, profile_id)
    if undo is not None:
        ids = {profile_id, receipt.profile_id, *receipt.merged_profile_ids}
        receipt.undo_files = remove_undo_files(undo, ids)
    return receipt


def _with_rest(wire: Wire) -> Wire:
    """Return a receipt of the engine that says in words what it does not reach."""
    left = [
        f"{count} {noun} in the database in which no value of the person was found"
        for name, noun in (
            ("OtherDeadLetters", "dead letters"),
            ("OtherPendingObjects", "objects that wait for ingestion"),
        )
        if (count := wire.pop(name))
    ]
    if uploads := wire.pop("PendingUploads"):
        left.append(f"the files of {uploads} upload jobs that are not imported yet")
    return {**wire, "NotReached": [*left, *_ELSEWHERE]}


def _forget_on_aws(gateway: Gateway, domain_name: str, profile_id: str) -> ErasureReceipt:
    profiles = Profiles(gateway, domain_name)
    profiles.get(profile_id)
    types = Counter(
        item.object_type_name
        for item in objects_of(gateway, domain_name, profile_id, standard=False)
    )
    events = 0
    with suppress(CustomerProfilesError):  # The user may not read the history.
        events = sum(1 for _ in History(gateway, domain_name, profile_id))
    profiles.delete(profile_id)
    return ErasureReceipt(
        domain_name=domain_name,
        profile_id=profile_id,
        erased_at=datetime.now(UTC),
        removed={"Profiles": 1, "Objects": types.total(), "HistoryRecords": events},
        objects_by_type=dict(types),
        not_reached=list(_ELSEWHERE_ON_AWS),
    )
