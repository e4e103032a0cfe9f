"""The service's rules for object types that a declaration can check by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import get_args

from customer_profiles._timestamps import timestamp_format
from customer_profiles.models.object_type import (
    ContentType,
    ObjectType,
    ObjectTypeKey,
    StandardIdentifier,
)

Wrong = Callable[[str | None, str], Exception]
"""Makes the error: of a field or key by its name, or of the whole, and the rule that it breaks."""

PROFILE = "_profile"
TIMESTAMP = "_profile.SourceLastUpdatedTimestamp"
MOST_FIELDS = 250
MOST_KEYS = 10

# A standard object, the identifier of keys that tie to it, and the id that the service gives.
STANDARD_OBJECTS: dict[str, tuple[str, str]] = {
    "_profile": ("PROFILE", "ProfileId"),
    "_asset": ("ASSET", "AssetId"),
    "_case": ("CASE", "CaseId"),
    "_order": ("ORDER", "OrderId"),
    "_communicationRecord": ("COMMUNICATION_RECORD", "CommunicationRecordId"),
    "_airPreference": ("AIR_PREFERENCE", "PreferenceId"),
    "_hotelPreference": ("HOTEL_PREFERENCE", "PreferenceId"),
    "_airBooking": ("AIR_BOOKING", "BookingId"),
    "_airSegment": ("AIR_SEGMENT", "SegmentId"),
    "_hotelReservation": ("HOTEL_RESERVATION", "ReservationId"),
    "_hotelStayRevenue": ("HOTEL_STAY_REVENUE", "StayRevenueId"),
    "_loyalty": ("LOYALTY", "LoyaltyId"),
    "_loyaltyTransaction": ("LOYALTY_TRANSACTION", "TransactionId"),
    "_loyaltyPromotion": ("LOYALTY_PROMOTION", "PromotionId"),
    "_device": ("DEVICE", "DeviceId"),
    "_webAnalytics": ("WEB_ANALYTICS", "EventId"),
}
PREDEFINED_KEYS = frozenset(
    [
        "_account",
        "_airBookingId",
        "_airBookingRef",
        "_airPreferenceId",
        "_airPreferenceRef",
        "_airReferenceId",
        "_airSegmentId",
        "_assetId",
        "_assetName",
        "_caseId",
        "_communicationRecordId",
        "_ctrContactId",
        "_email",
        "_fullName",
        "_hotelPreferenceId",
        "_hotelPreferenceRef",
        "_hotelReferenceId",
        "_hotelReservationId",
        "_hotelStayRevenueId",
        "_loyaltyId",
        "_loyaltyMembershipId",
        "_loyaltyPromotionId",
        "_loyaltyTransactionId",
        "_marketoLeadId",
        "_orderId",
        "_phone",
        "_profileId",
        "_salesforceAccountId",
        "_salesforceAssetId",
        "_salesforceContactId",
        "_segmentUserId",
        "_serialNumber",
        "_serviceNowIncidentId",
        "_serviceNowSystemId",
        "_serviceNowTaskId",
        "_shopifyCustomerId",
        "_shopifyOrderId",
        "_webAnalyticsAnonymousUserId",
        "_webAnalyticsClickstreamEventId",
        "_webAnalyticsDeviceId",
        "_webAnalyticsOrderId",
        "_webAnalyticsUserId",
        "_zendeskExternalId",
        "_zendeskTicketId",
        "_zendeskUserId",
    ]
)

_TYPE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,254}")
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_KEY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_PATH = re.compile(r"_source(\.[^.\[\]{}]+(\[\])?)+")
_LONGEST_PATH = 1000
_LONGEST_DESCRIPTION = 1000
_TAGS = ("Tags", "tags")
_RESERVED = ("_profileId", "_orderId", "_caseId", "_assetId")
_EXCLUSIVE = (("Gender", "GenderString"), ("PartyType", "PartyTypeString"))
_FILLED = ("_profile.ImportIds", "_profile.FoundByItems")
_RANGES = {
    "expiration_days": (1, 1098),
    "max_profile_object_count": (1, None),
    "source_priority": (1, None),
}


def check(object_type: ObjectType, wrong: Wrong) -> None:
    """Check an object type with fields and keys; the first rule that it breaks is the error."""
    _check_settings(object_type, wrong)
    targets = _check_fields(object_type, wrong)
    _check_exclusive(targets, wrong)
    _check_timestamp(object_type, targets, wrong)
    _check_keys(object_type, wrong)
    _check_unique(object_type, wrong)
    _check_profile(object_type, wrong)
    _check_identifiers(object_type, targets, wrong)


def definitions(object_type: ObjectType) -> Iterator[tuple[str, ObjectTypeKey, set[str]]]:
    """Give each definition of each key, with the key's name before it and identifiers after."""
    for name, variants in (object_type.keys or {}).items():
        for variant in variants:
            yield name, variant, set(variant.standard_identifiers or ())


def standard_object(target: str) -> str:
    """Give the standard object that a target is in."""
    return target.partition(".")[0]


def _check_settings(object_type: ObjectType, wrong: Wrong) -> None:
    if not _TYPE_NAME.fullmatch(object_type.object_type_name):
        raise wrong(
            None,
            "the object type's name begins with a letter and goes on with letters, digits, '_' "
            "or '-', up to 255",
        )
    if not 1 <= len(object_type.description or "") <= _LONGEST_DESCRIPTION:
        raise wrong(None, f"description has 1 to {_LONGEST_DESCRIPTION} characters")
    for name, (low, high) in _RANGES.items():
        value = getattr(object_type, name)
        if value is not None and (value < low or (high and value > high)):
            raise wrong(None, f"{name} must be {low} {f'to {high}' if high else 'or more'}")


def _check_fields(object_type: ObjectType, wrong: Wrong) -> dict[str, str]:
    fields = object_type.fields or {}
    if len(fields) > MOST_FIELDS:
        raise wrong(None, f"it has {len(fields)} fields; the most are {MOST_FIELDS}")
    for name, field in fields.items():
        _check_name(name, _FIELD_NAME, wrong)
        _check_source(name, field.source or "", wrong)
        if field.target is not None:
            _check_target(name, field.target, wrong)
        if field.content_type is not None and field.content_type not in get_args(ContentType):
            raise wrong(name, f"its content type must be one of {', '.join(get_args(ContentType))}")
    return {name: field.target for name, field in fields.items() if field.target}


def _check_name(name: str, pattern: re.Pattern[str], wrong: Wrong) -> None:
    if name in _TAGS:
        raise wrong(name, f"the name {name} is reserved; choose another")
    if not pattern.fullmatch(name):
        raise wrong(
            name,
            f"the name {name!r} must begin with a letter and go on with letters, digits, '_' or "
            "'-', up to 64",
        )


def _check_source(name: str, source: str, wrong: Wrong) -> None:
    if "{{" not in source and not _PATH.fullmatch(source):
        raise wrong(
            name,
            "its source is a path such as _source.a.b or _source.items[].name, or a Handlebars "
            "template",
        )
    if len(source) > _LONGEST_PATH:
        raise wrong(name, f"its source has more than {_LONGEST_PATH} characters")


def _check_target(name: str, target: str, wrong: Wrong) -> None:
    root, _, member = target.partition(".")
    if root not in STANDARD_OBJECTS:
        raise wrong(name, f"its target must be in one of {', '.join(STANDARD_OBJECTS)}")
    if not member or len(target) > _LONGEST_PATH:
        raise wrong(name, f"its target names a member, such as {root}.Attributes.Name")
    if member == STANDARD_OBJECTS[root][1]:
        raise wrong(
            name,
            f"its target {target} is the id that the service gives; use an attribute, such as "
            f"{root}.Attributes.{member}",
        )
    if any(target == path or target.startswith((f"{path}.", f"{path}[")) for path in _FILLED):
        raise wrong(name, f"its target {target} is filled by the service; choose another")


def _check_exclusive(targets: Mapping[str, str], wrong: Wrong) -> None:
    names = {target: name for name, target in targets.items()}
    for one, other in _EXCLUSIVE:
        if f"{PROFILE}.{one}" in names and (name := names.get(f"{PROFILE}.{other}")):
            raise wrong(
                name,
                f"{PROFILE}.{one} and {PROFILE}.{other} exclude each other; target only one of "
                "them",
            )


def _check_timestamp(object_type: ObjectType, targets: Mapping[str, str], wrong: Wrong) -> None:
    pattern = object_type.source_last_updated_timestamp_format
    name = next((name for name, target in targets.items() if target == TIMESTAMP), None)
    if name and not pattern:
        raise wrong(
            name,
            f"its target {TIMESTAMP} needs source_last_updated_timestamp_format; give EpochMilli "
            "or a SimpleDateFormat pattern",
        )
    if pattern:
        try:
            timestamp_format(pattern)
        except ValueError as problem:
            raise wrong(None, f"source_last_updated_timestamp_format: {problem}") from None


def _check_keys(object_type: ObjectType, wrong: Wrong) -> None:
    count = len(list(definitions(object_type)))
    if count > MOST_KEYS:
        raise wrong(None, f"it has {count} definitions of keys; the most are {MOST_KEYS}")
    types: dict[str, list[str]] = {}
    for name, variant, identifiers in definitions(object_type):
        where = _where(variant)
        _check_key_name(name, where, wrong)
        _check_flags(name, where, identifiers, wrong)
        of_fields = _types(object_type, name, variant, wrong)
        if types.setdefault(name, of_fields) != of_fields:
            raise wrong(
                where,
                f"key {name}: all its definitions have the same content types, not "
                f"{', '.join(types[name])} and {', '.join(of_fields)}",
            )


def _where(variant: ObjectTypeKey) -> str | None:
    return variant.field_names[0] if variant.field_names else None


def _check_key_name(name: str, where: str | None, wrong: Wrong) -> None:
    if name in _TAGS or not _KEY_NAME.fullmatch(name):
        raise wrong(
            where,
            f"key {name!r}: a key's name begins with a letter and goes on with letters, digits, "
            "'_' or '-', up to 64, and is not Tags",
        )
    if name.startswith("_") and name not in PREDEFINED_KEYS:
        raise wrong(
            where, f"key {name}: only predefined keys begin with '_'; begin it with a letter"
        )


def _check_flags(name: str, where: str | None, identifiers: set[str], wrong: Wrong) -> None:
    known = {item for group in get_args(StandardIdentifier) for item in get_args(group)}
    if unknown := sorted(identifiers - known):
        raise wrong(where, f"key {name}: {unknown[0]!r} is no identifier; use {sorted(known)}")
    if name in _RESERVED and "LOOKUP_ONLY" not in identifiers:
        raise wrong(where, f"key {name}: the service keeps this key itself; add lookup_only=True")
    if "UNIQUE" in identifiers and identifiers & {"LOOKUP_ONLY", "NEW_ONLY"}:
        raise wrong(where, f"key {name}: unique excludes lookup_only and new_only; remove one")


def _types(object_type: ObjectType, key: str, variant: ObjectTypeKey, wrong: Wrong) -> list[str]:
    fields = object_type.fields or {}
    names = variant.field_names or []
    if not names:
        raise wrong(None, f"key {key} has no field; name at least one")
    for name in names:
        if name not in fields:
            raise wrong(None, f"key {key} is made of {name}, which is no field")
        if "." in name:
            raise wrong(name, f"key {key}: a field with '.' in its name cannot be part of a key")
    return [fields[name].content_type or "STRING" for name in names]


def _check_unique(object_type: ObjectType, wrong: Wrong) -> None:
    found = [item for item in definitions(object_type) if "UNIQUE" in item[2]]
    if not found:
        raise wrong(None, "no key is UNIQUE; mark the one that tells objects apart unique=True")
    if len(found) > 1:
        (one, _, _), (other, variant, _), *_ = found
        raise wrong(_where(variant), f"only one key can be UNIQUE, not both {one} and {other}")


def _check_profile(object_type: ObjectType, wrong: Wrong) -> None:
    found = [item for item in definitions(object_type) if "PROFILE" in item[2]]
    if not found:
        raise wrong(None, "no key is a PROFILE key; mark one that finds the profile profile=True")
    lasting = any(
        name == "_profileId" or not flags & {"LOOKUP_ONLY", "NEW_ONLY"} for name, _, flags in found
    )
    if object_type.allow_profile_creation and not lasting:
        name, variant, _ = found[0]
        raise wrong(
            _where(variant),
            f"key {name}: where allow_profile_creation is true, a profile key is neither "
            "lookup_only nor new_only; add one",
        )


def _check_identifiers(object_type: ObjectType, targets: Mapping[str, str], wrong: Wrong) -> None:
    given = {flag for _, _, flags in definitions(object_type) for flag in flags}
    for name, target in targets.items():
        identifier, root = STANDARD_OBJECTS[standard_object(target)][0], standard_object(target)
        if identifier not in given and root != "_communicationRecord":
            raise wrong(name, f"its target is in {root}, so a key needs standard={identifier!r}")
