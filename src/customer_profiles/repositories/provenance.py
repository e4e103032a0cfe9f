"""Which object set a value of a profile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic.alias_generators import to_pascal

from customer_profiles._problems import unknown
from customer_profiles.channels.embedded import EngineChannel
from customer_profiles.errors import InvalidInputError, ResourceNotFoundError
from customer_profiles.models.history import Provenance
from customer_profiles.models.profile import Address, EngagementPreferences, Profile

from .history import History
from .object_types import ObjectTypes

if TYPE_CHECKING:
    from customer_profiles._gateway import Gateway
    from customer_profiles.models.base import Model

_NO_FIELDS = ("profile_id", "found_by")
_PARTS: dict[object, type[Model]] = {
    Address | None: Address,
    EngagementPreferences | None: EngagementPreferences,
}
_INGESTING = ("INGESTED", "CREATED", "UPDATED")


def provenance(gateway: Gateway, domain_name: str, profile_id: str, field: str) -> Provenance:
    """Return which object set a field of a profile: exact if embedded, else from its history."""
    path = member_path(field)
    if isinstance(gateway.channel, EngineChannel):
        entries = gateway.channel.extras.provenance(domain_name, profile_id)
        return Provenance._from_wire(entries.get(path) or {})
    return _from_history(gateway, domain_name, profile_id, path)


def member_path(field: str) -> str:
    """Return the service's path of a field such as `address.city` or `attributes.vip`.

    Raises:
        InvalidInputError: a profile has no such field, or it has members and none is named.
    """
    first, _, rest = field.partition(".")
    known = [name for name in Profile.model_fields if name not in _NO_FIELDS]
    if first not in known:
        raise InvalidInputError(unknown(first, known, "Profile"))
    if first == "attributes":
        if not rest:
            msg = 'each attribute has its own provenance; name one, as in "attributes.tier"'
            raise InvalidInputError(msg)
        return f"{to_pascal(first)}.{rest}"
    parts = _PARTS.get(Profile.model_fields[first].annotation)
    if parts is None and not rest:
        return to_pascal(first)
    members = list(parts.model_fields) if parts else []
    if rest not in members:
        parts_of = [f"{first}.{name}" for name in members]
        raise InvalidInputError(unknown(rest or first, parts_of, "Profile"))
    return f"{to_pascal(first)}.{to_pascal(rest)}"


def _from_history(gateway: Gateway, domain_name: str, profile_id: str, path: str) -> Provenance:
    """Find the latest object whose type maps to the member; AWS records no more than that."""
    fills: dict[str, bool] = {}
    types = ObjectTypes(gateway, domain_name)
    records = [
        record
        for record in History(gateway, domain_name, profile_id)
        if record.action_type in _INGESTING and not record.object_type_name.startswith("_")
    ]
    never = datetime.fromtimestamp(0, UTC)
    records.sort(key=lambda item: item.last_updated_at or item.created_at or never, reverse=True)
    for record in records:
        name = record.object_type_name
        if name not in fills:
            fills[name] = _fills(types, name, f"_profile.{path}")
        if fills[name]:
            return Provenance(
                object_type_name=name,
                profile_object_unique_key=record.profile_object_unique_key,
                set_at=record.last_updated_at or record.created_at,
            )
    return Provenance()


def _fills(types: ObjectTypes, name: str, target: str) -> bool:
    try:
        fields = types.get(name).fields or {}
    except ResourceNotFoundError:
        # The type was deleted, and the values that it set with it.
        return False
    return any(field.target == target for field in fields.values())
